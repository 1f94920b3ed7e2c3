const AGAIN = "Type: mtls-proxy env, deploy the app, and verify again.";
const WAY = "Let TCP through to the proxy untouched: a load balancer in TCP mode, no CDN, no TLS inspection.";
const NOT_OUR_FILES = "what answers does not run the proxy's files.";
const SHUT = "Shut this endpoint until it is mended:";

/** Every way in which a check can fail, and what to do then. The names are promises: none is ever renamed. */
export const FAULTS = {
  credentials_unusable: `Take the credentials from their stack again. ${AGAIN}`,
  credentials_expired: `Type: pulumi up, which renews the client certificate. Then: mtls-proxy env, and deploy the app.`,

  name_unknown:
    "Check the host name for a slip. If it is right, its DNS record is missing: point it to the proxy's address, or let hostname in the stack's configuration do so.",
  nothing_listens: "Check the port, and that the machine runs. Just brought up or replaced? Add --wait.",
  no_route:
    "Check that ingress in the stack's configuration admits this machine's address, and that no firewall on the way is against it. Just brought up? Add --wait.",
  no_tls: "Check host and port: what listens there speaks no TLS, so it is not the proxy.",
  tls_refused: `Check host and port: what listens there ended the handshake, and the proxy would have answered. If they are right: ${WAY}`,

  server_foreign: `Either the credentials are of another stack. ${AGAIN} Or something ends TLS in front of the proxy. ${WAY}`,
  server_expired: "Type: pulumi up, which renews the certificate; the machine serves it within two minutes.",
  server_not_yet_valid:
    "Set this machine's clock right. If it is, wait: the certificate was made by a clock ahead of it.",
  server_name:
    "Use the stack's own endpoint. For another name set hostname in the stack's configuration, and type: pulumi up",
  server_key_weak: "Set certificates.keyAlgorithm to ECDSA-P256 in the stack's configuration, and type: pulumi up",

  tls_old_versions: `Serve TLS 1.2 and 1.3 alone: ${NOT_OUR_FILES}`,
  tls_new_versions: `Serve TLS 1.2 and TLS 1.3 both: ${NOT_OUR_FILES}`,
  tls_weak_ciphers: `Serve forward-secret AEAD ciphers alone: ${NOT_OUR_FILES}`,
  plain_http: "Serve nothing but TLS on this port: what answers is not the proxy, or stands in front of it.",

  no_client_verification: `${SHUT} it does not tell callers apart by their certificates. Either what answers is not the proxy, or something ends TLS in front of it. ${WAY}`,
  stranger_admitted: `${SHUT} it takes certificates of any CA; ${NOT_OUR_FILES}`,
  twin_admitted: `${SHUT} it takes the CA's name for the CA; ${NOT_OUR_FILES}`,
  old_generation_admitted:
    "Take the old generation out of the client's accept in the stack's configuration, or raise its generation, and type: pulumi up. If that was done, see what the machine says below.",

  client_refused: `Check that clients in the stack's configuration lists this client. ${AGAIN}`,
  address_refused:
    "Verify from an address that may come in, or add this machine's to ingress.addresses in the stack's configuration, and type: pulumi up",
  certificate_lost: `Something ends TLS between here and the proxy, and drops the client's certificate. ${WAY}`,
  not_the_proxy: "Check host and port: what answers there is not the proxy.",
  no_answer:
    "Verify again. If it stays so, look at the machine (Session Manager): systemctl status mtls-proxy, and logs/error.log of nginx.",

  old_bundle:
    "Wait two minutes and verify again: the machine asks once a minute. If it stays so, its journal says why (Session Manager): journalctl -u mtls-proxy-sync",
  sync_problem: "Mend what is said here, and type: pulumi up. Until then the machine serves what it had.",
  sync_silent:
    "Look at the machine (Session Manager): systemctl status mtls-proxy-sync.timer, and journalctl -u mtls-proxy-sync",
  sync_missing: "Wait two minutes and verify again: the machine serves, and has not reported yet.",
  proxy_certificate_expired:
    "Type: pulumi up, which renews the stack's own. A destination's CA or client certificate is yours to replace in destinations.",

  destination_name:
    "Check the host in the destination's url for a slip: where the proxy runs it has no address. Names of a private network are not known there.",
  destination_refused:
    "Check that the backend runs, the port in the destination's url, and that its firewall does not reject the proxy's egress addresses.",
  destination_certificate:
    "Check the backend's certificate: its end, its name (serverName in destinations), who signed it (ca in destinations). If the backend asks for a client certificate, set clientCert and clientKey.",
  destination_silent:
    "Have the backend's firewall accept the proxy's egress addresses, and check the port in the destination's url.",
  destination_unreachable:
    "Check, in this order: that the backend runs; host and port in the destination's url; that its firewall accepts the proxy's egress addresses; its certificate's end, name and signer (serverName and ca in destinations).",
  destination_failed: "Look at the backend's log: it was connected to, and broke off its answer.",
  destination_timeout:
    "Look at the backend's log: it was connected to, and did not answer in time. If it needs longer, raise readTimeoutSeconds of the destination.",
  destination_slow: "Look at the backend: the time was spent behind the proxy. If it needs longer, say so with --slow.",
  destination_unanswered: "See what the proxy says of itself in the lines above, and verify again.",

  egress_unknown: "Name a path whose destination answers 200 and the address that it sees, such as /echo/ip",
  egress_mismatch:
    "Have the backend's firewall accept the address that it sees. It is none of the stack's, so find out what stands between: a NAT gateway, an outgoing proxy.",

  clock_off:
    "Compare this machine's clock with a time server. If it is right, look at the proxy's (Session Manager): chronyc tracking",
} as const;

export type Fault = keyof typeof FAULTS;
