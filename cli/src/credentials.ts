/** What an action is given, by the names under which it is given. */
export interface CredentialVariables extends Record<string, string> {
  __AIO_MTLS_ENDPOINT: string;
  __AIO_MTLS_CERT: string;
  __AIO_MTLS_KEY: string;
  __AIO_MTLS_CA: string;
}

export function credentialVariables({
  endpoint,
  cert,
  key,
  ca,
}: {
  endpoint: string;
  cert: string;
  key: string;
  ca: string;
}): CredentialVariables {
  return { __AIO_MTLS_ENDPOINT: endpoint, __AIO_MTLS_CERT: cert, __AIO_MTLS_KEY: key, __AIO_MTLS_CA: ca };
}
