import {
  type Bundle,
  caProfile,
  clientProfile,
  type Files,
  makeBundle,
  nginxFiles,
  parseSettings,
  probeProfile,
  type Settings,
  serverProfile,
  type Target,
} from "@app-builder-mtls/proxy";
import { type Issued, issue } from "../../../cli/src/certificates";

/** Makes bundles of one stack: one CA, one server, clients that stay the same from bundle to bundle. */
export interface Stack {
  ca: Issued;
  server: Issued;
  probe: Issued;
  client(name: string): Promise<Issued>;
  /** @param changed settings in place of the stack's; @param files in place of those that are made of them */
  bundle(changed?: Record<string, unknown>, files?: Files, target?: Partial<Target>): Bundle;
  settings(changed?: Record<string, unknown>): Settings;
  issueServer(options?: Parameters<typeof issue>[1]): Promise<Issued>;
}

const NAMES = ["localhost", "127.0.0.1", "10.0.0.10"];

export async function makeStack(base: Record<string, unknown>, nginxVersion: string): Promise<Stack> {
  const settings = (changed: Record<string, unknown> = {}) =>
    parseSettings({ allowLocalDestinations: true, ...base, ...changed });
  const ca = await issue(caProfile(settings()));
  const issueServer: Stack["issueServer"] = (options) =>
    issue(serverProfile(settings()), { issuer: ca, names: NAMES, ...options });
  const server = await issueServer();
  const probe = await issue(probeProfile(settings()), { issuer: ca });
  const clients = new Map<string, Promise<Issued>>();
  return {
    ca,
    server,
    probe,
    settings,
    issueServer,
    client: (name) => {
      const made = clients.get(name) ?? issue(clientProfile(settings(), { name, generation: 1 }), { issuer: ca });
      clients.set(name, made);
      return made;
    },
    bundle: (changed, files, more) => {
      const target = { nginxVersion, listen: ["0.0.0.0"], systemCa: "client-ca.crt", ...more };
      return makeBundle(target.nginxVersion, {
        ...nginxFiles(settings(changed), target),
        "client-ca.crt": ca.cert,
        "server.crt": server.cert,
        "server.key": server.key,
        "probe.crt": probe.cert,
        "probe.key": probe.key,
        ...files,
      });
    },
  };
}
