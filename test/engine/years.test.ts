import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { Bundle } from "@app-builder-mtls/proxy";
import { DAY_MS } from "../support/certificates";
import { failuresDuring } from "./failuresDuring";
import { callAs, type Deployment, type Scene, setScene } from "./scene";
import type { Changes } from "./stack";

const WEEK_MS = 7 * DAY_MS;
const LAST_WEEK = 104;
/** The first `pulumi up` in a leaf's last 60 days: of a year's leaf after 305 days, and again 305 days later. */
const RENEWALS = [44, 88];
/**
 * The weeks that are run. A leaf that is not due in one week was not due in the weeks before either, so a week without
 * a change stands for all since the change before it.
 */
const WEEKS = [0, 43, 44, 45, 87, 88, 89, LAST_WEEK];

/** An application that was deployed in the week before a renewal has this long to be deployed again. */
const DAYS_TO_DEPLOY = 50;

/** What one `pulumi up` has left behind. */
interface Week {
  week: number;
  bundle: Bundle;
  deployment: Deployment;
}

const RENEWAL: Changes = {
  "tls:index/locallySignedCert:LocallySignedCert mtls-proxy-server": "replace",
  "tls:index/locallySignedCert:LocallySignedCert mtls-proxy-probe": "replace",
  "tls:index/locallySignedCert:LocallySignedCert mtls-proxy-client-app-builder-1": "replace",
  "aws:secretsmanager/secretVersion:SecretVersion mtls-proxy-bundle": "replace",
};

/**
 * Two years of a `pulumi up` a week. The second renewal falls on today, because nginx's clock cannot be moved: so what
 * is published before and after it is served and called. The rest of the two years is judged by dates and issuers.
 */
describe("in two years of a pulumi up a week", function () {
  this.timeout(240_000);
  const begin = Date.now() - (RENEWALS[1] ?? 0) * WEEK_MS;
  const momentOf = (week: number) => begin + week * WEEK_MS;
  const years: Week[] = [];
  let scene: Scene;

  before(async () => {
    scene = await setScene();
  });
  after(() => scene?.[Symbol.asyncDispose]());

  for (const week of WEEKS) {
    const isRenewal = RENEWALS.includes(week);
    const does = week === 0 ? "everything is made" : isRenewal ? "the leaves are renewed" : "nothing changes";
    it(`${does} in week ${week}`, async () => {
      const changes = await scene.up({}, { ENGINE_NOW: new Date(momentOf(week)).toISOString() });
      if (week > 0) assert.deepEqual(changes, isRenewal ? RENEWAL : {});
      years.push({ week, bundle: await scene.bundle(), deployment: await scene.deploy() });
    });
  }

  it("the proxy, its probe and the newest deployment fit together every day", () => {
    for (let moment = begin + DAY_MS; moment < momentOf(LAST_WEEK); moment += DAY_MS) {
      const [now] = upTo(moment);
      assert.ok(now);
      assertFit(now.bundle, now.deployment, moment);
    }
  });

  it(`the deployment before goes on for ${DAYS_TO_DEPLOY} days after a renewal`, () => {
    for (const renewal of RENEWALS)
      for (let day = 0; day <= DAYS_TO_DEPLOY; day++) {
        const moment = momentOf(renewal) + day * DAY_MS + 1;
        const [now] = upTo(moment);
        const before = years.findLast(({ week }) => week < renewal);
        assert.ok(now && before && now.deployment.clientCert !== before.deployment.clientCert);
        assertFit(now.bundle, before.deployment, moment);
      }
  });

  it("the credentials of both deployments get in before, during and after a renewal, under load", async () => {
    const [old, renewed] = [at(87), at(88)];
    await scene.serve(old.bundle);
    const callers = [old.deployment, renewed.deployment];
    assert.deepEqual(await failuresDuring(() => scene.serve(renewed.bundle), callers), []);
    for (const { deployment } of [old, renewed]) assert.equal(await callAs(deployment), 200);
  });

  /** The weeks until a moment, the latest first. */
  const upTo = (moment: number) => years.filter(({ week }) => momentOf(week) <= moment).reverse();
  const at = (wanted: number) => years.find(({ week }) => week === wanted) ?? assert.fail(`week ${wanted} was not run`);
});

/** Whether a proxy and a client would take each other's certificates at a moment, and the proxy its own probe's. */
function assertFit({ files }: Bundle, { clientCert, caCert }: Deployment, moment: number): void {
  const when = new Date(moment).toISOString();
  const clientCa = files["client-ca.crt"] ?? "";
  assertTrusted(files["server.crt"] ?? "", caCert, moment, `the server's certificate, ${when}`);
  // the proxy refuses a certificate in its last day
  for (const last of [moment, moment + DAY_MS]) {
    assertTrusted(files["probe.crt"] ?? "", clientCa, last, `the probe's certificate, ${when}`);
    assertTrusted(clientCert, clientCa, last, `the client's certificate, ${when}`);
  }
}

function assertTrusted(leafPem: string, caPem: string, moment: number, what: string): void {
  const [leaf, ca] = [new X509Certificate(leafPem), new X509Certificate(caPem)];
  assert.ok(leaf.checkIssued(ca) && leaf.verify(ca.publicKey), what);
  for (const { validFrom, validTo } of [leaf, ca])
    assert.ok(Date.parse(validFrom) <= moment && moment < Date.parse(validTo), `${what}: ${validFrom} to ${validTo}`);
}
