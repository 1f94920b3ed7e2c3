"""Asks each destination how it is, as nginx would connect to it: nginx itself cannot tell why a destination's TLS failed."""

import socket
import ssl
import threading
import time

LEG_SECONDS = 5
ALL_SECONDS = 20
"""For all together; looking a name up has no limit of its own."""
ALERT_SECONDS = 0.3
"""In TLS 1.3 a destination that refuses our client certificate says so only after the handshake."""


def health(directory, destinations):
    """`ok`, or what fails: `name`, `refused`, `certificate`, `timeout`. By the destination's name, with the cause for the journal."""
    found = {one["name"]: ("timeout", None) for one in destinations}

    def look(one):
        found[one["name"]] = _health(directory, one)

    threads = [threading.Thread(target=look, args=[one], daemon=True) for one in destinations]
    for thread in threads:
        thread.start()
    until = time.monotonic() + ALL_SECONDS
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    return dict(found)


def _health(directory, one):
    try:
        context = _context(directory, one)
        with socket.create_connection((one["host"], one["port"]), LEG_SECONDS) as plain:
            with context.wrap_socket(plain, server_hostname=one["serverName"]) as tls:
                _listen_for_alert(tls)
        return "ok", None
    except socket.gaierror as error:
        return "name", str(error)
    except ssl.SSLError as error:
        return "certificate", getattr(error, "verify_message", None) or error.reason
    except (TimeoutError, socket.timeout):  # one and the same from Python 3.10 on
        return "timeout", None
    except OSError as error:
        return "refused", str(error)


def _context(directory, one):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(directory / one["ca"])
    if one.get("clientCert"):
        context.load_cert_chain(directory / one["clientCert"], directory / one["clientKey"], password="")
    return context


def _listen_for_alert(tls):
    tls.settimeout(ALERT_SECONDS)
    try:
        tls.recv(1)
    except socket.timeout:
        pass  # it waits for a request, as it should
