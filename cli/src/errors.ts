/** Every code of the command line's own. They are promises: none is ever renamed. */
export const COMMAND_ERROR_CODES = [
  "ERR_MTLS_USAGE",
  "ERR_MTLS_FILE",
  "ERR_MTLS_SETTINGS_FILE",
  "ERR_MTLS_NO_SUCH_CLIENT",
  "ERR_MTLS_ENV_OUTDATED",
  "ERR_MTLS_NO_GITHUB_ENV",
  "ERR_MTLS_NO_PULUMI",
  "ERR_MTLS_NO_PROJECT",
  "ERR_MTLS_NO_STACK",
  "ERR_MTLS_NO_OUTPUT",
  "ERR_MTLS_NOT_LOGGED_IN",
  "ERR_MTLS_PASSPHRASE",
  "ERR_MTLS_PULUMI",
  "ERR_MTLS_NO_NGINX",
  "ERR_MTLS_NGINX_FAILED",
  "ERR_MTLS_LOCAL_RUNNING",
  "ERR_MTLS_PORT_TAKEN",
  "ERR_MTLS_NO_FREE_PORT",
  "ERR_MTLS_VERIFY_FAILED",
  "ERR_MTLS_NO_AIO",
  "ERR_MTLS_AIO_TOO_OLD",
  "ERR_MTLS_AIO_LOGIN",
  "ERR_MTLS_AIO_TERMS",
  "ERR_MTLS_AIO",
  "ERR_MTLS_IP_LIST",
  "ERR_MTLS_IP_LIST_SHRINKS",
  "ERR_MTLS_IP_LIST_OUTDATED",
  "ERR_MTLS_NO_SUCH_REGION",
] as const;

export type CommandErrorCode = (typeof COMMAND_ERROR_CODES)[number];

/** A failure that the command line explains; anything else that is thrown is a defect of ours. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  /**
   * @param code never changes; it is printed before the message, so that scripts can rely on it
   * @param message what is wrong and what to type next; never a secret
   * @param exitCode 1: the check failed or the world is in the way; 2: the command was used wrongly
   */
  constructor(
    readonly code: CommandErrorCode,
    message: string,
    options: ErrorOptions & { exitCode?: 1 | 2 } = {},
  ) {
    super(message, options);
    this.exitCode = options.exitCode ?? 1;
  }

  readonly exitCode: 1 | 2;
}
