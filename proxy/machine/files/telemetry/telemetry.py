"""Sends the lines of the access log and a few numbers to CloudWatch, where the bundle says; nothing else.

Comes with the bundle, because EC2's user data has no room for it, and so it runs on machines that were made before it:
of their own programs (proxy/machine/files/sync) it may use only what stands among the imports below. What cannot be
sent is kept for later where it is: in the log.
"""

import json
import signal
import sys
import time

import aws
import cloudwatch
import follower
import metrics
import place
import report
from problem import Problem

TICK_SECONDS = 5
METRICS_SECONDS = 60
WHERE = place.CURRENT / "telemetry.json"
STOP = {signal.SIGTERM}


class Sender:
    def __init__(self, where, since):
        self.where = where
        self.follower = follower.Follower(since)
        self.instance = None
        self.lost = 0
        self.said = ...
        self.measure_at = time.monotonic() + TICK_SECONDS  # nginx and sync have just been given the bundle, too
        self.lines, self.numbers = cloudwatch.Patience(), cloudwatch.Patience()

    def turn(self):
        """Sends what there is; ends when there is no more, when AWS does not take it, or after a while: the numbers are due, too."""
        self.lost += self.follower.look()
        self.lines.attempt(self.send_lines)
        if time.monotonic() >= self.measure_at:
            self.measure_at = time.monotonic() + METRICS_SECONDS
            self.numbers.attempt(self.send_numbers)
        self.say(self.lines.problem or self.numbers.problem)

    def send_lines(self):
        until = time.monotonic() + TICK_SECONDS
        while time.monotonic() < until and (found := self.follower.batch()):
            file, batch = found
            refused = cloudwatch.put_lines(self.where["logGroup"], self.stream(), batch.events) if batch.events else 0
            self.lost += batch.lost + refused
            file.offset += batch.read
            self.follower.keep()

    def send_numbers(self):
        lost = self.lost
        cloudwatch.put_numbers(self.where["namespace"], metrics.measured(lost))
        self.lost -= lost

    def stream(self):
        self.instance = self.instance or aws.metadata()("instance-id")
        return self.instance

    def say(self, problem):
        """To the journal, once for each change."""
        if (problem and problem.code) != self.said:
            say("waiting" if problem else "sending", problem)
        self.said = problem and problem.code


def say(outcome, problem):
    about = {"problem": {"code": problem.code, "message": problem.message}, "detail": problem.detail} if problem else {}
    report.say(outcome=outcome, **about)


def main():
    """Ends with its bundle; systemd starts what the next one brings."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)  # a signal waits for the end of a turn, so that nothing is sent twice
    version = place.current_version()
    turn = turn_of_bundle()
    turn()
    while not signal.sigtimedwait(STOP, TICK_SECONDS) and place.current_version() == version:
        turn()
    if place.current_version() == version:
        turn()
    elif place.current_version() and not WHERE.exists():
        follower.forget()
    return 0


def turn_of_bundle():
    try:
        return Sender(*destination()).turn
    except Problem as problem:
        say("waiting", problem)
        return lambda: None


def destination():
    """Where to send, and since when, in whole seconds: what was logged before the bundle said so is nobody's business."""
    try:
        where = json.loads(WHERE.read_text())
        if all(isinstance(where[name], str) and where[name] for name in ("logGroup", "namespace")):
            return where, int(WHERE.stat().st_mtime)
    except (ValueError, KeyError, TypeError):
        pass
    raise Problem("telemetry_garbled", "The bundle's telemetry.json does not say where to send; `pulumi up` writes it anew.")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:
        report.say_failure(error)
        sys.exit(1)
