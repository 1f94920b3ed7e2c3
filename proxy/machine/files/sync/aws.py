"""Asks AWS in the name of the machine's role, Secrets Manager above all. Signed here, because Debian's images have no AWS command line."""

import base64
import contextlib
import datetime
import email.utils
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import time
from urllib.parse import urlsplit

from problem import FetchProblem

ANSWER_SECONDS = 10
"""For one answer, from connecting to its last byte."""
ANSWER_BYTES = 256 * 1024
"""A secret is 64 KiB, in base64 86 KiB."""
CLOCK_SECONDS = 300
"""AWS refuses signatures that are older or younger (IAM User Guide, "Elements of an AWS API request signature")."""
EARLY_SECONDS = 300
"""So long before the role's credentials end AWS has the next ones (EC2 User Guide, "Retrieve security credentials from instance metadata")."""
_kept = {"until": 0}

DENIED = {"AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId"}
THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException"}


def wanted_version(secret):
    """The id of the secret's current version; asks without reading the secret."""
    answer = _call("DescribeSecret", {"SecretId": secret})
    if "DeletedDate" in answer:
        raise FetchProblem("secret_deleted", "The secret with the bundle is marked for deletion; restore it, or run `pulumi up`.")
    for version, stages in (answer.get("VersionIdsToStages") or {}).items():
        if "AWSCURRENT" in stages:
            return version
    raise FetchProblem("secret_empty", "The secret has no bundle in it yet; `pulumi up` writes it.")


def fetch(secret, version):
    """The secret's bytes."""
    answer = _call("GetSecretValue", {"SecretId": secret, "VersionId": version})
    try:
        return base64.b64decode(answer["SecretBinary"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise FetchProblem("secret_garbled", "The secret does not hold bytes; `pulumi up` writes the bundle anew.") from None


def _call(action, parameters):
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"secretsmanager.{action}"}
    status, answer = post("secretsmanager", headers, json.dumps(parameters).encode())
    try:
        content = json.loads(answer)
        if not isinstance(content, dict):
            raise ValueError
    except ValueError:
        raise FetchProblem("aws_garbled", f"Secrets Manager's answer cannot be read (status {status}).") from None
    if status != 200:
        raise _refusal(action, status, str(content.get("__type", "")).rpartition("#")[2])
    return content


def post(service, headers, body):
    """What a service of AWS answers, asked in the name of the machine's role: status and content."""
    region = os.environ["AWS_REGION"]
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or f"https://{service}.{region}.{suffix}"
    headers = {**headers, "host": urlsplit(endpoint).netloc}
    status, said, answer = _http(endpoint, "POST", "/", _signed(headers, body, service, region, _credentials()), body)
    _compare_clocks(said.get("Date"))
    if status != 200:
        _kept["until"] = 0  # it may be the credentials
    return status, answer


def _refusal(action, status, kind):
    if kind in DENIED:
        return FetchProblem("secret_denied", f"AWS denies secretsmanager:{action} to the machine's role.", kind)
    if kind in THROTTLED or status == 429:
        return FetchProblem("aws_throttled", "Secrets Manager asks for fewer requests.", kind)
    if kind == "ResourceNotFoundException":
        return FetchProblem("secret_missing", "The secret with the bundle does not exist; `pulumi up` makes it.", kind)
    if kind == "InvalidRequestException":
        return FetchProblem("secret_deleted", "The secret with the bundle is marked for deletion; restore it, or run `pulumi up`.", kind)
    return FetchProblem("aws_failed", f"Secrets Manager answered {action} with status {status}.", kind)


def _compare_clocks(date):
    """Certificates and signatures are judged by the clock, and no message of theirs says that it is the clock."""
    if not date:
        return
    with contextlib.suppress(TypeError, ValueError):
        off = time.time() - email.utils.parsedate_to_datetime(date).timestamp()
        if abs(off) > CLOCK_SECONDS:
            raise FetchProblem("clock", f"The machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} AWS's.")


def metadata():
    """A way to ask the metadata service, version 2, for what is below /latest/meta-data/."""
    origin = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"

    def ask(method, path, headers):
        status, _, answer = _http(origin, method, path, headers)
        if status != 200:
            raise FetchProblem("no_role", f"The metadata service does not answer the machine as it should (status {status}).", path)
        return answer.decode()

    token = ask("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    return lambda path: ask("GET", f"/latest/meta-data/{path}", {"X-aws-ec2-metadata-token": token})


def _credentials():
    """The role's, which a program that goes on running keeps until others are there."""
    if time.time() > _kept["until"]:
        *credentials, end = _fresh_credentials()
        _kept.update(credentials=credentials, until=end - EARLY_SECONDS)
    return _kept["credentials"]


def _fresh_credentials():
    about, roles = metadata(), "iam/security-credentials/"
    role = about(roles).split("\n")[0].strip()
    try:
        answer = json.loads(about(roles + role))
        end = datetime.datetime.strptime(answer["Expiration"], "%Y-%m-%dT%H:%M:%S%z").timestamp()
        return answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"], end
    except (ValueError, KeyError, TypeError):
        raise FetchProblem("no_role", "The metadata service's answer about the machine's role cannot be read.") from None


def _signed(headers, body, service, region, credentials):
    """Signature Version 4 (IAM User Guide, "Create a signed AWS API request")."""
    key_id, key, token = credentials
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {**headers, "x-amz-date": now, "x-amz-security-token": token}
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        ["POST", "/", "", *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names, hashlib.sha256(body).hexdigest()]
    )
    scope = f"{now[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signing_key = f"AWS4{key}".encode()
    for part in scope.split("/"):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    signature = hmac.new(signing_key, to_sign.encode(), "sha256").hexdigest()
    authorization = f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": authorization}


def _http(origin, method, path, headers, body=None):
    parts = urlsplit(origin)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        with _time_limit(ANSWER_SECONDS), contextlib.closing(kind(parts.netloc, timeout=ANSWER_SECONDS)) as connection:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read(ANSWER_BYTES + 1)
    except (TimeoutError, socket.timeout):  # one and the same from Python 3.10 on
        raise FetchProblem("aws_slow", f"AWS did not answer within {ANSWER_SECONDS} s.", parts.netloc) from None
    except (OSError, http.client.HTTPException) as error:
        raise FetchProblem("aws_unreachable", "AWS cannot be reached.", f"{parts.netloc}: {error}") from None
    if len(content) > ANSWER_BYTES:
        raise FetchProblem("aws_garbled", f"AWS answered with more than {ANSWER_BYTES} bytes.", parts.netloc)
    return answer.status, answer.headers, content


@contextlib.contextmanager
def _time_limit(seconds):
    """A socket's timeout begins again with every byte, and looking a name up has none; this one holds for all together."""

    def ring(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
