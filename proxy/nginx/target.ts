/** What the place where nginx runs adds to the settings. */
export interface Target {
  /** The release that will load the files, `1.28` or `1.30.1`. */
  nginxVersion: string;
  /** Addresses to listen on, IPv6 in brackets. */
  listen: string[];
  /** A file with the CAs that public destinations are signed by; relative to the bundle's directory, or absolute. */
  systemCa: string;
  /** DNS servers for nginx's own lookups; without them names are resolved once, when the files are loaded. */
  resolver?: string[];
  /** Whether a load balancer asks how the machine is: see health.ts. Default: nobody does, and the port stays shut. */
  health?: boolean;
}

/** Whether a release has what came with another; `1.28` stands for its first patch release. */
export function atLeast({ nginxVersion }: Pick<Target, "nginxVersion">, release: string): boolean {
  const [ours = [], theirs = []] = [nginxVersion, release].map((version) => version.split(".").map(Number));
  for (let part = 0; part < 3; part++) {
    const difference = (ours[part] ?? 0) - (theirs[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
