/** One thing that is wrong with the settings. */
export interface Problem {
  /** Where it stands, as one would write it: `destinations[1].url`. */
  place: string;
  /** What was given, shortened, or `(not shown)` where it could be a key. */
  given: string;
  /** What would be right. */
  allowed: string;
}

/** The settings cannot be used. Its message lists every problem, so that one run is enough to mend them all. */
export class SettingsError extends Error {
  readonly code = "ERR_MTLS_SETTINGS";
  override readonly name = "SettingsError";

  constructor(readonly problems: Problem[]) {
    const heading =
      problems.length === 1 ? "The settings have a problem" : `The settings have ${problems.length} problems`;
    super([`${heading}:`, ...problems.map(describe)].join("\n"));
  }
}

function describe({ place, given, allowed }: Problem): string {
  return `  ${place}: ${allowed} (given: ${given})`;
}

/** The bundle does not fit into one secret. */
export class BundleTooLargeError extends Error {
  readonly code = "ERR_MTLS_BUNDLE_TOO_LARGE";
  override readonly name = "BundleTooLargeError";

  constructor(
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(
      `The bundle has ${bytes} bytes compressed, and a secret holds ${limit}. Give fewer destinations, or shorter CA files (only the CAs that sign the destination), or ECDSA certificates in place of RSA.`,
    );
  }
}
