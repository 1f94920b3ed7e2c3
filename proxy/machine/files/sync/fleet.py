#!/usr/bin/python3
"""Tells the auto scaling group that the machine serves; and when the group ends the machine, leaves in order first.

Runs for as long as the bundle names a group. What AWS does not take is told again until it does; where it never does,
the group goes on by itself when the time of its lifecycle hook is over.
"""

import json
import re
import sys
import time
from urllib.parse import urlencode

import aws
import place
import report
from problem import FetchProblem

LOOK_SECONDS = 5
UNHEARD_SECONDS = 120
"""Until nobody is sent here any more: a Network Load Balancer goes on sending new connections for about 40 s after a target
failed two checks 10 s apart, and for two minutes after it was taken out (github.com/aws/containers-roadmap/issues/470)."""
ENDED_SECONDS = 75
"""nginx finishes what it has begun within 65 s, and systemd ends it after 70."""
WAITING_SECONDS = 900
"""A machine that serves before its group waits for it is told that nobody waits, and so is one that has booted again."""

GROUP = place.CURRENT / "fleet.json"
JOINED = place.STATE / "joined"
UNHEARD = place.STATE / "unheard"
"""mtls-proxy-end.path looks for it, and systemd ends nginx."""
LEFT = place.STATE / "left"


def main():
    begun, said = time.monotonic(), None
    while GROUP.exists():
        try:
            look(begun)
            said = None
        except FetchProblem as problem:
            if problem.code != said:
                report.say(outcome="failed", problem={"code": problem.code, "message": problem.message}, detail=problem.detail)
            said = problem.code
        time.sleep(LOOK_SECONDS)
    return 0


def look(begun):
    if aws.metadata()("autoscaling/target-lifecycle-state") == "Terminated":
        leave()
        tell("terminateHook", LEFT, begun)
    elif place.ready(place.current_version()).exists():
        tell("launchHook", JOINED, begun)


def leave():
    if not place.LEAVING.exists():
        place.LEAVING.touch()
        report.say(outcome="leaving")
    until = time.monotonic() + UNHEARD_SECONDS
    while not UNHEARD.exists():
        for ready in place.STATE.glob("*.ready"):  # a run of sync that had begun may still lay one
            ready.unlink()
        if time.monotonic() > until:
            UNHEARD.touch()
        time.sleep(1)
    until = time.monotonic() + ENDED_SECONDS
    while (place.RUN / "nginx.pid").exists() and time.monotonic() < until:
        time.sleep(1)


def tell(hook, told, begun):
    """Completes one of the group's lifecycle hooks, once."""
    if told.exists():
        return
    group = json.loads(GROUP.read_text())
    parameters = {
        "Action": "CompleteLifecycleAction",
        "Version": "2011-01-01",
        "AutoScalingGroupName": group["autoScalingGroup"],
        "LifecycleHookName": group[hook],
        "InstanceId": aws.metadata()("instance-id"),
        "LifecycleActionResult": "CONTINUE",
    }
    status, answer = aws.post("autoscaling", {"content-type": "application/x-www-form-urlencoded"}, urlencode(parameters).encode())
    if status != 200:
        kind = re.search(rb"<Code>(\w+)</Code>", answer)
        nobody_waits = kind is not None and kind[1] == b"ValidationError" and time.monotonic() > begun + WAITING_SECONDS
        if not nobody_waits:
            raise FetchProblem("hook_refused", f"AWS does not take that the lifecycle hook {group[hook]} is done (status {status}).", kind and kind[1].decode())
    told.touch()
    report.say(outcome=told.name)


if __name__ == "__main__":
    sys.exit(main())
