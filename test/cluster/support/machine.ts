import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Nginx } from "../../../cli/src/nginx";
import { lineOf, SYNC } from "../../machine/support/machine";
import { type Member, type MemberTimes, type Place, startMember } from "../../machine/support/member";
import { superviseNginx } from "../../machine/support/nginxUnit";
import { REGION, SECRET } from "../../machine/support/secretsManager";
import { until } from "../../support/until";
import { type Network, OUTSIDE } from "./network";
import { awsPort } from "./outside";

/**
 * The real nginx, the real sync and the real fleet's program in a network namespace of their own.
 * systemd's part, timers and units, is played: three booted machines would need minutes and gigabytes.
 */
export interface ClusterMachine extends Place, AsyncDisposable {
  /** As if the power failed: no process is left, and nobody is told that a connection has ended. */
  kill(): Promise<void>;
}

export interface MachineOptions {
  nginx: Nginx;
  directory: string;
  times: MemberTimes;
}

/** Between two runs of sync, about; a minute on the real machine. */
const SYNC_MS = 5_000;
const NEVER_MS = 2 ** 31 - 1;

export function startClusterMachine(network: Network, number: number, options: MachineOptions): ClusterMachine {
  const { nginx, directory, times } = options;
  const run = join(directory, `machine-${number}`);
  for (const path of ["bundles", "state", "logs"]) mkdirSync(join(run, path), { recursive: true });
  const aws = `http://${OUTSIDE}:${awsPort(number)}`;
  const env = {
    ...process.env,
    MTLS_PROXY_RUN: run,
    MTLS_PROXY_SECRET: SECRET,
    MTLS_PROXY_NGINX: [nginx.command, ...nginx.leadingArguments].join(" "),
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL: aws,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: aws,
    PYTHONDONTWRITEBYTECODE: "1",
  };
  const inside = ["netns", "exec", network.machine(number)];
  const leadingArguments = [...inside, nginx.command, ...nginx.leadingArguments];
  const unit = superviseNginx({ ...nginx, command: "ip", leadingArguments }, run);
  const place: Place = {
    run,
    nginx: unit,
    startSync: (more, command = ["python3", SYNC]) =>
      spawn("ip", [...inside, ...command], { env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] }),
  };

  let stopped = false;
  const syncing = (async () => {
    while (!stopped) {
      await lineOf(place.startSync());
      await pause(SYNC_MS * (0.5 + Math.random())); // machines do not ask at the same moment
    }
  })();
  let member: Member | undefined;
  const joining = (async () => {
    await until(() => stopped || existsSync(join(run, "current/fleet.json")), NEVER_MS);
    if (!stopped) member = startMember(place, times);
  })();
  const end = async () => {
    stopped = true;
    await joining;
    await member?.[Symbol.asyncDispose]();
    await syncing;
    await unit[Symbol.asyncDispose]();
  };
  return {
    ...place,
    kill: async () => {
      network.cut(number);
      unit.masked = true;
      await unit.kill();
      await end();
    },
    [Symbol.asyncDispose]: end,
  };
}
