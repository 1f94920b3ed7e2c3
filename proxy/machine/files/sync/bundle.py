"""Unpacks a bundle and finds out, before anything is changed, whether it can serve."""

import datetime
import hashlib
import json
import os
import re
import ssl
import subprocess
import zlib

from problem import Problem

FORMAT = 1
UNPACKED_BYTES = 4 * 1024 * 1024
"""A secret's 64 KiB are 0.3 MB of certificates and text; a bomb would be 64 MB."""
NEEDED = ("nginx.conf", "version.conf", "outline.json", "server.crt", "server.key", "client-ca.crt", "probe.crt", "probe.key")
VERSION = re.compile(r"[0-9a-f]{8,64}")
PATH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)?[A-Za-z0-9_][A-Za-z0-9._-]*")
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.S)


def unpack(packed):
    """The bundle in a secret's bytes, complete and as it was made."""
    content = _json(_gunzip(packed))
    if content.get("format") != FORMAT:
        raise Problem("bundle_format", f"The bundle's format is {content.get('format')!r}; this machine reads {FORMAT}: raise machine.generation.")
    version, manifest, files = content.get("version"), content.get("manifest"), content.get("files")
    if not (isinstance(version, str) and VERSION.fullmatch(version) and isinstance(manifest, dict) and isinstance(files, dict)):
        raise Problem("bundle_garbled", "The bundle has no version, manifest or files.")
    lacking = sorted({*manifest, *NEEDED} - {*files})
    if lacking:
        raise Problem("file_missing", f"The bundle lacks {', '.join(lacking[:5])}.")
    for path, text in files.items():
        if not PATH.fullmatch(path):
            raise Problem("bundle_garbled", "The bundle has a file with a path that is none.", repr(path))
        if not isinstance(text, str) or hashlib.sha256(text.encode()).hexdigest() != manifest.get(path):
            raise Problem("file_changed", f"{path} is not what the bundle's manifest says.")
    return content


def _gunzip(packed):
    try:
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        unpacked = unpacker.decompress(packed, UNPACKED_BYTES)
    except zlib.error:
        raise Problem("not_gzip", "The secret is not gzip.") from None
    if unpacker.unconsumed_tail:
        raise Problem("too_large", f"The bundle unpacks to more than {UNPACKED_BYTES} bytes.")
    if not unpacker.eof:
        raise Problem("not_gzip", "The secret's gzip breaks off.")
    return unpacked


def _json(text):
    try:
        content = json.loads(text)
    except ValueError:
        raise Problem("not_json", "The bundle is not JSON.") from None
    if not isinstance(content, dict):
        raise Problem("not_json", "The bundle is not a JSON object.")
    return content


def refuse_newer_nginx(rendered_for, machines):
    """Files for a newer nginx may say what this one does not know, or mean it otherwise."""
    if _numbers(rendered_for) > _numbers(machines):
        raise Problem("nginx_too_old", f"The bundle is made for nginx {rendered_for}, and the machine has {machines}.")


def _numbers(version):
    return tuple(int(part) for part in re.findall(r"\d+", str(version)))


def lay(content, directory):
    """Writes the files, keys among them, for nginx's group and nobody else."""
    for path, text in content["files"].items():
        target = directory / path
        target.parent.mkdir(mode=0o750, exist_ok=True)
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="utf-8") as file:
            file.write(text)


def outline(directory):
    """What the bundle holds, for those who do not read nginx's files."""
    return json.loads((directory / "outline.json").read_text())


def check(directory):
    """Keys, dates and clients: what `nginx -t` finds late, in other words, or never."""
    try:
        content = outline(directory)
        if not content["clients"]:
            raise Problem("no_clients", "The bundle lists no client: it would shut everybody out.")
        pairs = [("server.crt", "server.key"), ("probe.crt", "probe.key")]
        pairs += [(one["clientCert"], one["clientKey"]) for one in content["destinations"] if one.get("clientCert")]
    except (ValueError, KeyError, TypeError):
        raise Problem("bundle_garbled", "The bundle's outline cannot be read.") from None
    for certificate, key in pairs:
        _check_pair(directory, certificate, key)
    now = datetime.datetime.now(datetime.timezone.utc)
    for name, since, until in certificates(directory):
        if name in ("server", "probe") and not since <= now < until:
            raise Problem("certificate_dates", f"The certificate {name} is valid from {since:%F %R} to {until:%F %R} UTC, and now it is {now:%F %R}.")


def _check_pair(directory, certificate, key):
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(directory / certificate, directory / key, password="")
    except (OSError, ValueError) as error:
        raise Problem("key_mismatch", f"{key} is not the key of {certificate}, or one of them cannot be read.", getattr(error, "reason", None)) from None


def certificates(directory):
    """Every certificate of the bundle: name, first and last moment. A file of several is named with a number from the second on."""
    found = []
    for path in sorted(directory.rglob("*.crt")):
        name = str(path.relative_to(directory))[: -len(".crt")]
        for number, pem in enumerate(CERTIFICATE.findall(path.read_text()), 1):
            found.append((name if number == 1 else f"{name} {number}", *_validity(name, pem)))
    return found


def _validity(name, pem):
    command = ["openssl", "x509", "-noout", "-startdate", "-enddate"]
    answer = subprocess.run(command, input=pem, capture_output=True, text=True, timeout=10, check=False)
    dates = re.findall(r"not(?:Before|After)=(.+)", answer.stdout)
    if len(dates) != 2:
        raise Problem("bundle_garbled", f"The certificate {name} cannot be read.")
    return [datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(date), datetime.timezone.utc) for date in dates]


