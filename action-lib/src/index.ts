export { type AgentsOptions as MtlsAgentOptions, createMtlsAgent } from "./agents";
export { type Credentials, type CredentialsOptions, credentials } from "./credentials";
export { ConnectionError, CredentialsError, MtlsError, type MtlsErrorCode, UrlError } from "./errors";
export { createMtlsFetch, type MtlsFetch, type MtlsFetchOptions, type MtlsRequestInit } from "./fetch";
export { ProxyError } from "./proxy-error";
