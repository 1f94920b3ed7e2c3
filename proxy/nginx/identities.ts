import { generationUnit } from "../certificates";
import { type Client, PROBE_CLIENT, type Settings } from "../settings";
import { block, regexOf, textOf } from "./text";

export const identities = ({ clients }: Settings): string =>
  textOf([
    "# The probe is the machine itself and comes from nowhere else.",
    block("geo $from_this_machine", "default no;", "127.0.0.0/8 yes;", "::1 yes;"),
    "",
    "# The subject of a certificate that the CA signed names the client. nginx prints the subject as RFC 2253",
    "# asks: the last part first. Expressions, because nginx compares plain strings without regard to case.",
    block(
      'map "$from_this_machine $ssl_client_s_dn" $mtls_client',
      'default "";',
      clients.map(acceptedSubjects),
      `"~^yes CN=${PROBE_CLIENT},OU=${generationUnit(1)}$" ${PROBE_CLIENT};`,
    ),
    "",
    "# Why a request is refused, or nothing. Judged on every request: a kept-alive connection or a resumed session",
    "# is never checked again by TLS itself. A leaf ends a day early, because $ssl_client_v_remain counts whole days.",
    block(
      'map "$address_listed $ssl_client_verify $ssl_client_v_remain $mtls_client" $refusal',
      "default client_certificate_rejected;",
      '"~^no " address_not_listed;',
      '"~^yes NONE " client_certificate_required;',
      '"~^yes FAILED:certificate has expired " client_certificate_expired;',
      '"~^yes SUCCESS 0 " client_certificate_expired;',
      '"~^yes SUCCESS [1-9][0-9]* $" client_not_listed;',
      '"~^yes SUCCESS [1-9][0-9]* [a-z0-9-]+$" "";',
    ),
  ]);

function acceptedSubjects({ name, accept }: Client): string[] {
  return accept.map((generation) => `"~^(yes|no) CN=${regexOf(name)},OU=${generationUnit(generation)}$" ${name};`);
}
