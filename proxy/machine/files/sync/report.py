"""What sync says: to the status location, where `verify` and every listed client read it, and to the journal."""

import datetime
import json
import os
import time
import traceback

import bundle
import destinations
import memory
import place

HEALTH_SECONDS = 240
DAY_SECONDS = 86_400


def note(facts, problem):
    """Keeps since when a problem is there."""
    if problem is None:
        facts["problem"] = None
        return
    before = facts.get("problem") or {}
    since = before["since"] if before.get("code") == problem.code else _now()
    facts["problem"] = {"code": problem.code, "message": problem.message, "since": since}


def show_first(version):
    """So that a version which nginx has just loaded is never without its file."""
    if not (place.STATE / f"{version}.json").exists():
        memory.show(version, {"bundleVersion": version, "destinations": _destinations(version, {})})


def publish(facts):
    version = facts.get("proven")
    if version is None:
        return
    memory.show(
        version,
        {
            "bundleVersion": version,
            "wantedVersion": facts.get("wanted"),
            "problem": facts.get("problem"),
            "checkedAt": _now(),
            "certificates": _certificates(facts, version),
            "destinations": _destinations(version, _health(facts, version)),
        },
    )


def _certificates(facts, version):
    kept = facts.get("certificates") or {}
    if kept.get("of") != version:
        ends = [[name, until.timestamp()] for name, _, until in bundle.certificates(place.bundle(version))]
        kept = facts["certificates"] = {"of": version, "ends": ends}
    return [{"name": name, "daysLeft": int((end - time.time()) // DAY_SECONDS)} for name, end in kept["ends"]]


def _destinations(version, health):
    known = bundle.outline(place.bundle(version))["destinations"]
    return [{"name": one["name"], "path": one["path"], "health": health.get(one["name"], ["unknown"])[0]} for one in known]


def _health(facts, version):
    kept = facts.get("health") or {}
    return kept["found"] if version and kept.get("of") == version else {}


def look_at_destinations(facts):
    version = facts.get("proven")
    kept = facts.get("health") or {}
    if version is None or (kept.get("of") == version and time.monotonic() < kept["at"] + HEALTH_SECONDS):
        return
    directory = place.bundle(version)
    found = destinations.health(directory, bundle.outline(directory)["destinations"])
    facts["health"] = {"of": version, "at": time.monotonic(), "found": found}


def say_what_happened(facts, before, problem):
    served = facts.get("proven")
    say(
        outcome="switched" if served != before else "kept" if problem else "unchanged",
        served=served,
        wanted=facts.get("wanted"),
        problem=facts.get("problem"),
        detail=problem.detail if problem else None,
        ailing={name: how for name, how in _health(facts, served).items() if how[0] != "ok"},
    )


def say(**what):
    """One line of JSON, without what is empty."""
    print(json.dumps({name: value for name, value in what.items() if value not in (None, {}, [])}), flush=True)


def say_failure(error):
    """Its place and kind, never its words: they could hold what was read."""
    where = [f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    say(outcome="failed", error=type(error).__name__, at=where)


def _now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
