/** A failure that the command line explains; anything else that is thrown is a defect of ours. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  /**
   * @param code never changes, so that scripts can rely on it
   * @param message what is wrong and what to type next; never a secret
   * @param exitCode 1: the check failed or the world is in the way; 2: the command was used wrongly
   */
  constructor(
    readonly code: string,
    message: string,
    options: ErrorOptions & { exitCode?: 1 | 2 } = {},
  ) {
    super(message, options);
    this.exitCode = options.exitCode ?? 1;
  }

  readonly exitCode: 1 | 2;
}
