#!/usr/bin/python3
"""Follows the bundle: fetches, checks and serves what the secret holds; keeps what it has when that is bad, and says so.

Run every minute and at boot. However a run ends, the next one begins from what is there: `current` points at a whole
bundle, which is either proven to serve or is tried once more.
"""

import errno
import os
import random
import shutil
import sys
import time

import aws
import bundle
import memory
import nginx
import place
import report
from problem import FetchProblem, Problem

FIRST_SECONDS = 45
"""While nothing serves, one run goes on asking for this long; later runs come by themselves every minute."""
LONGEST_PAUSE = 16
RETRY_SECONDS = (60, 1800)
"""A bundle that failed is tried again after the first, and twice as late each time, up to the second."""


def main():
    if place.LEAVING.exists():
        report.say(outcome="leaving")
        return 0
    with memory.lock() as ours:
        if not ours:
            report.say(outcome="busy")
            return 0
        facts = memory.recall()
        before = facts.get("proven")
        memory.tidy(before)
        problem = follow(facts)
        report.note(facts, problem)
        report.publish(facts)  # first what is certain: asking destinations takes its time
        report.look_at_destinations(facts)
        report.publish(facts)
        memory.remember(facts)
        report.say_what_happened(facts, before, problem)
        return 1 if problem else 0


def follow(facts):
    """Brings nginx to what the secret holds.
    @return what stands against it, or None"""
    down = problem_of(settle, facts)
    before = facts.get("proven")
    behind = problem_of(catch_up_patiently, facts)
    return behind or (down if facts.get("proven") == before else None)


def problem_of(step, facts):
    try:
        step(facts)
        return None
    except Problem as problem:
        return problem
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return Problem("no_space" if full else "machine", "The machine's memory for bundles is full." if full else "The machine fails.", str(error))


def settle(facts):
    """Has nginx serve what `current` points at; what cannot be proven to serve makes way for what was."""
    version, proven = place.current_version(), facts.get("proven")
    if version is None:
        return
    report.show_first(version)
    try:
        nginx.load_current()
    except Problem:
        if version != proven:
            place.point_at(proven)
            if proven:
                problem_of(lambda _: nginx.load_current(), facts)
            memory.tidy(proven)
        raise
    facts["proven"] = version
    memory.remember(facts)
    memory.show_ready(version)


def catch_up_patiently(facts):
    until, pause = time.monotonic() + FIRST_SECONDS, 1
    while True:
        try:
            return catch_up(facts)
        except FetchProblem:
            if facts.get("proven") or time.monotonic() + pause > until:
                raise
        time.sleep(pause * random.uniform(0.5, 1))  # machines that start together do not ask together
        pause = min(2 * pause, LONGEST_PAUSE)


def catch_up(facts):
    secret = os.environ["MTLS_PROXY_SECRET"]
    wanted = aws.wanted_version(secret)
    if wanted == facts.get("secretVersion"):
        facts.update(wanted=facts.get("proven"), failed=None)
        return
    failed = facts.get("failed") or {}
    if failed.get("secretVersion") == wanted and time.monotonic() < failed["notBefore"]:
        raise Problem(*failed["problem"])
    try:
        facts["wanted"] = None
        take(facts, aws.fetch(secret, wanted))
    except FetchProblem:
        raise
    except Problem as problem:
        facts["failed"] = postponed(failed, wanted, problem)
        raise
    facts.update(secretVersion=wanted, failed=None)


def postponed(failed, wanted, problem):
    times = failed["times"] + 1 if failed.get("secretVersion") == wanted else 0
    pause = min(RETRY_SECONDS[0] * 2**times, RETRY_SECONDS[1])
    reason = (problem.code, problem.message, problem.detail)
    # a little early: the run that comes a minute later must not find that a second is missing
    return {"secretVersion": wanted, "times": times, "notBefore": time.monotonic() + pause - 5, "problem": reason}


def take(facts, packed):
    """Serves another bundle, or raises and leaves everything as it is."""
    content = bundle.unpack(packed)
    version = facts["wanted"] = content["version"]
    bundle.refuse_newer_nginx(content["nginx"], nginx.installed_version())
    if version == place.current_version():
        return
    lay(version, content)
    place.point_at(version)
    settle(facts)


def lay(version, content):
    coming = place.bundle(f"{version}.coming")
    coming.mkdir(mode=0o750)
    try:
        bundle.lay(content, coming)
        bundle.check(coming)
        nginx.test(coming)
        shutil.rmtree(place.bundle(version), ignore_errors=True)
        coming.rename(place.bundle(version))
    except BaseException:
        shutil.rmtree(coming, ignore_errors=True)
        raise


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:
        report.say_failure(error)
        sys.exit(1)
