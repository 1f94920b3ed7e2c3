"""What the sender says to CloudWatch and to its logs."""

import json
import random
import re
import time
from urllib.parse import urlencode

import aws
from problem import FetchProblem

KIND = re.compile(rb'"__type"\s*:\s*"(?:[^"#]*#)?(\w+)|<Code>(\w+)')
NEVER_TAKEN = {"InvalidParameterException", "ValidationException", "SerializationException", "RequestEntityTooLargeException"}
"""Asked again with the same lines, AWS would say the same."""
PAUSES = (5, 60)
"""Seconds between attempts: the first, twice as long each time, and the longest."""
DENIED_SECONDS = 300


class Patience:
    """When to ask again. AWS in trouble is left alone for a while, and a role that may not is asked every 5 minutes."""

    def __init__(self):
        self.until = self.pause = 0
        self.problem = None

    def attempt(self, step, *arguments):
        """Does it, unless it is too early; keeps what stands against it."""
        if time.monotonic() < self.until:
            return
        try:
            step(*arguments)
            self.pause, self.problem = 0, None
        except FetchProblem as problem:
            self.problem = problem
            self._wait(problem)

    def _wait(self, problem):
        self.pause = DENIED_SECONDS if problem.code == "telemetry_denied" else min(max(PAUSES[0], 2 * self.pause), PAUSES[1])
        self.until = time.monotonic() + self.pause * random.uniform(0.75, 1)


def put_lines(group, stream, events):
    """@return how many of the lines AWS never takes"""
    place = {"logGroupName": group, "logStreamName": stream}
    kind, answer = _logs("PutLogEvents", {**place, "logEvents": events})
    if kind == "ResourceNotFoundException":
        kind, _ = _logs("CreateLogStream", place)
        if kind and kind != "ResourceAlreadyExistsException":
            raise _problem("logs:CreateLogStream", kind)
        kind, answer = _logs("PutLogEvents", {**place, "logEvents": events})
    if kind in NEVER_TAKEN:
        half = len(events) // 2
        return put_lines(group, stream, events[:half]) + put_lines(group, stream, events[half:]) if half else 1
    if kind:
        raise _problem("logs:PutLogEvents", kind)
    refused = answer.get("rejectedLogEventsInfo") or {}
    taken_from = max(refused.get("tooOldLogEventEndIndex", 0), refused.get("expiredLogEventEndIndex", 0))
    return taken_from + len(events) - refused.get("tooNewLogEventStartIndex", len(events))


def put_numbers(namespace, numbers):
    """@param numbers names, and values with their units"""
    said = {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": namespace}
    for index, (name, (value, unit)) in enumerate(numbers.items(), 1):
        member = f"MetricData.member.{index}"
        said.update({f"{member}.MetricName": name, f"{member}.Value": value, f"{member}.Unit": unit})
    kind, _ = _ask("monitoring", {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, urlencode(said))
    if kind:
        raise _problem("cloudwatch:PutMetricData", kind)


def _logs(action, parameters):
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"Logs_20140328.{action}"}
    kind, answer = _ask("logs", headers, json.dumps(parameters, ensure_ascii=False))
    try:
        return kind, json.loads(answer or "{}") if kind is None else None
    except ValueError:
        raise FetchProblem("aws_garbled", "CloudWatch's answer cannot be read.") from None


def _ask(service, headers, body):
    """@return the kind of AWS's refusal or None, and its answer"""
    status, answer = aws.post(service, headers, body.encode())
    if status == 200:
        return None, answer
    found = KIND.search(answer)
    return (found[1] or found[2]).decode() if found else f"status {status}", answer


def _problem(action, kind):
    if kind in aws.DENIED:
        return FetchProblem("telemetry_denied", f"AWS denies {action} to the machine's role.", kind)
    if kind in aws.THROTTLED:
        return FetchProblem("aws_throttled", "CloudWatch asks for fewer requests.", kind)
    if kind == "ResourceNotFoundException":
        return FetchProblem("log_group_missing", "The log group does not exist; `pulumi up` makes it.", kind)
    return FetchProblem("aws_failed", f"CloudWatch did not take {action}.", kind)
