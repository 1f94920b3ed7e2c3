"""What sync does with nginx: tests a bundle, has it loaded, and asks what is really served."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import bundle
from place import RUN, current_version
from place import bundle as bundle_directory
from problem import Problem

STATUS_PATH = "/.mtls-proxy/status"
TEST_SECONDS = 30
SERVE_SECONDS = 15
"""Until a reload shows; a burstable machine without credits takes about two."""
ASK_SECONDS = 3


def installed_version():
    answer = _nginx("-v")
    found = re.search(r"nginx/([\d.]+)", answer.stderr)
    if not found:
        raise Problem("nginx_missing", "nginx cannot be run on the machine.", answer.stderr)
    return found[1]


def test(directory):
    """`nginx -t`, with a prefix of its own: it makes directories and log files, which must not be ours in nginx's place."""
    with tempfile.TemporaryDirectory(prefix="test.", dir=RUN) as prefix:
        os.mkdir(f"{prefix}/logs")
        answer = _nginx("-t", "-q", "-e", "stderr", "-p", prefix, "-c", str(directory / "nginx.conf"))
    if answer.returncode != 0:
        raise Problem("nginx_refuses", "nginx refuses the bundle's files; the machine's journal has its words.", _emergency(answer.stderr))


def _nginx(*arguments):
    try:
        return subprocess.run(
            [*os.environ.get("MTLS_PROXY_NGINX", "nginx").split(), *arguments],
            capture_output=True, text=True, timeout=TEST_SECONDS, check=False,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"},
        )
    except subprocess.TimeoutExpired:
        raise Problem("nginx_refuses", f"nginx did not finish its test of the bundle within {TEST_SECONDS} s.") from None
    except OSError as error:
        raise Problem("nginx_missing", "nginx cannot be run on the machine.", str(error)) from None


def _emergency(said):
    found = [line for line in said.splitlines() if "[emerg]" in line]
    return found[0].partition("[emerg]")[2].strip() if found else None


def served_version(version):
    """What the proxy says that it serves, asked with the port and certificates of one bundle; None if it does not answer to them."""
    directory = bundle_directory(version)
    try:
        port = bundle.outline(directory)["port"]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # 127.0.0.1 is none of the certificate's names
        context.load_verify_locations(directory / "client-ca.crt")
        context.load_cert_chain(directory / "probe.crt", directory / "probe.key", password="")
        with socket.create_connection(("127.0.0.1", port), ASK_SECONDS) as plain, context.wrap_socket(plain) as tls:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.sock = tls
            connection.request("GET", STATUS_PATH, headers={"Connection": "close"})
            answer = connection.getresponse()
            said = json.loads(answer.read(1024 * 1024)) if answer.status == 200 else {}
            return said.get("bundleVersion") if isinstance(said, dict) else None
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return None


def load_current():
    """Has nginx load what `current` points at, unless it serves that already, and waits until it does.
    Where no nginx runs, systemd starts one; it is waited for alike."""
    version = current_version()
    if served_version(version) == version:
        return
    said_before = _error_log_size()
    _reload()
    until = time.monotonic() + SERVE_SECONDS
    while time.monotonic() < until:
        if served_version(version) == version:
            return
        time.sleep(0.1)
    raise Problem("not_served", "nginx does not serve the bundle, though it passed every check; the machine's journal has its words.", _emergency(_error_log(said_before)))


def _reload():
    try:
        master = int((RUN / "nginx.pid").read_text())
        os.kill(master, signal.SIGHUP)
    except (OSError, ValueError):
        pass  # none runs


def _error_log_size():
    try:
        return os.path.getsize(RUN / "logs/error.log")
    except OSError:
        return 0


def _error_log(since):
    try:
        with open(RUN / "logs/error.log", encoding="utf-8", errors="replace") as log:
            log.seek(since)
            return log.read(256 * 1024)
    except OSError:
        return ""
