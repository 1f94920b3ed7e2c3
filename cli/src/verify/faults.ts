const RENEW = "Type: pulumi up, then: mtls-proxy env, and deploy the app.";
const AGAIN = "Type: mtls-proxy env, deploy the app, and verify again.";
const IN_BETWEEN =
  "Let TCP through untouched on the way to the proxy: a load balancer in TCP mode, no CDN, no TLS inspection.";

/** Every way in which a check can fail, and what to do then. The names are promises: none is ever renamed. */
export const FAULTS = {
  credentials_unusable: `Take the credentials from their stack again. ${AGAIN}`,
  credentials_expired: `Renew the client certificate. ${RENEW}`,

  name_unknown:
    "Check the host name for a slip. If it is the proxy's: set hostname in the stack's configuration, or make the DNS record for the proxy's address.",
  nothing_listens:
    "Check the port of the endpoint, and that the machine runs. Just brought up or replaced? Add --wait.",
  no_route:
    "Check that ingress in the stack's configuration admits this machine's address, and that a firewall on the way does. Just brought up? Add --wait.",
  no_tls: "Check host and port of the endpoint: what listens there speaks no TLS, so it is not the proxy.",

  server_foreign: `Check whether the credentials are of this stack (${AGAIN}) If they are, something else ends TLS in front of the proxy. ${IN_BETWEEN}`,
  server_expired: "Type: pulumi up, which renews the certificate. sync serves it within two minutes.",
  server_not_yet_valid: "Set this machine's clock right; if it is, the proxy's certificate was made by a clock ahead.",
  server_name:
    "Use the stack's own endpoint. For another name set hostname in the stack's configuration, and type: pulumi up",
  server_key_weak: "Set certificates.keyAlgorithm to ECDSA-P256 in the stack's configuration, and type: pulumi up",

  tls_old_versions: "Serve TLS 1.2 and 1.3 alone, as the proxy's own files do: what answers does not run them.",
  tls_new_versions: "Serve TLS 1.2 and 1.3 both, as the proxy's own files do: what answers does not run them.",
  tls_weak_ciphers:
    "Serve forward-secret AEAD ciphers alone, as the proxy's own files do: what answers does not run them.",
  plain_http: "Serve nothing but TLS on this port: what answers there is not the proxy, or stands in front of it.",

  no_client_verification: `Shut this endpoint until it is mended: it lets in whoever comes, without a certificate. Either what answers is not the proxy, or something in front of it speaks for everybody. ${IN_BETWEEN}`,
  stranger_admitted:
    "Shut this endpoint until it is mended: it lets in certificates of any CA. What answers does not run the proxy's files.",
  twin_admitted:
    "Shut this endpoint until it is mended: it takes the CA's name for the CA. What answers does not run the proxy's files.",
  old_generation_admitted:
    "Take the old generation out of the client's accept in the stack's configuration, or raise its generation, and type: pulumi up. If it is out, see what sync says.",

  client_refused: `Check that clients in the stack's configuration lists this client. ${AGAIN}`,
  certificate_lost: `The proxy did not see the certificate that was presented: something in between ends TLS. ${IN_BETWEEN}`,
  not_the_proxy: "Check host and port of the endpoint: what answers there is not the proxy.",
  no_answer: "Try again. If it stays so, look at the machine: its console or Session Manager shows whether it is well.",

  old_bundle:
    "Wait two minutes and verify again: sync asks once a minute. If it stays so, see what sync says below, and its journal: journalctl -u mtls-proxy-sync",
  sync_problem: "Mend what sync complains about, then type: pulumi up. Until then the proxy serves what it had.",
  sync_silent:
    "Look at the machine (Session Manager): systemctl status mtls-proxy-sync.timer and journalctl -u mtls-proxy-sync",
  sync_missing: "Wait two minutes and verify again: the machine serves, but sync has not reported yet.",
  proxy_certificate_expired: "Replace it: pulumi up renews the stack's own; a destination's is set in destinations.",

  destination_name:
    "Check the host in the destination's url for a slip: it does not resolve where the proxy runs, or is known inside another network only.",
  destination_refused:
    "Check the port in the destination's url, that the backend runs, and that its firewall does not reject the proxy's egress addresses.",
  destination_certificate:
    "Check the backend's certificate: its end, its name (serverName in destinations), its CA (ca in destinations; give the CA that signs it). If it asks for a client certificate, set clientCert and clientKey.",
  destination_silent:
    "Have the backend's firewall accept the proxy's egress addresses, and check the port in the destination's url.",
  destination_unreachable:
    "Check, in this order: that the backend runs; the host and port in the destination's url; that its firewall accepts the proxy's egress addresses; its certificate's name, end and CA (ca and serverName in destinations).",
  destination_failed: "Look at the backend's log: it was connected to and broke off its answer.",
  destination_timeout:
    "Look at the backend's log: it was connected to and did not answer in time. Or raise readTimeoutSeconds of the destination.",
  destination_slow: "Look at the backend: the time was spent behind the proxy. Or allow for more with --slow.",
  destination_unanswered: "See what the proxy says of itself in the lines above, then verify again.",

  egress_unknown: "Name a path whose destination answers with the address that it sees, such as /echo/ip",
  egress_mismatch:
    "Have the backend's firewall accept the address that it sees, or find out what stands between proxy and backend: a NAT gateway, an outgoing proxy.",

  clock_off:
    "Set the clock that is off: compare this machine's with a time server; the proxy's machine follows Amazon's (chronyc tracking). Certificates are judged by both.",
} as const;

export type Fault = keyof typeof FAULTS;
