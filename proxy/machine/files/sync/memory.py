"""What sync remembers from one run to the next, and what it lets nginx show. In memory, so a reboot forgets it."""

import contextlib
import fcntl
import json
import shutil

from place import BUNDLES, LEAVING, RUN, STATE, current_version, ready

REMEMBERED = STATE / "sync.json"
RESERVE = STATE / "reserve"
RESERVE_BYTES = 64 * 1024
"""Given up when the space runs out, so that this can still be said; the largest status is about 10 KB."""


@contextlib.contextmanager
def lock():
    """Yields False when another run is at work. The kernel lets go of it however a run ends."""
    with open(STATE / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def recall():
    try:
        return json.loads(REMEMBERED.read_text())
    except (OSError, ValueError):
        return {}


def remember(facts):
    _replace(REMEMBERED, facts)


def show(version, status):
    """nginx shows the file that has the name of the version which it has loaded."""
    _replace(STATE / f"{version}.json", status)


def show_ready(version):
    if not LEAVING.exists():
        ready(version).touch()


def _replace(path, content):
    try:
        _write(path, content)
    except OSError:
        RESERVE.unlink(missing_ok=True)
        _write(path, content)


def _write(path, content):
    coming = path.with_suffix(".coming")
    coming.write_text(json.dumps(content) + "\n")
    coming.replace(path)


def tidy(proven):
    """Takes away what an earlier run left: a bundle half laid, a test's directory, what is neither current nor proven."""
    keep = {current_version(), proven}
    for path in [*BUNDLES.iterdir(), *RUN.glob("test.*")]:
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)
    for path in [*STATE.glob("*.json"), *STATE.glob("*.ready"), *STATE.glob("*.coming")]:
        if path != REMEMBERED and path.stem not in keep:
            path.unlink()
    with contextlib.suppress(OSError):
        if not RESERVE.exists():
            RESERVE.write_bytes(b"\0" * RESERVE_BYTES)
