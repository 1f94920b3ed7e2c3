"""Follows nginx's access log through its rotations, and keeps how far it has been sent, so that a restart and a reboot go on there."""

import collections
import datetime
import json
import os
import re
import time
import zlib
from pathlib import Path

import place
import report

LOG = place.RUN / "logs/access.log"
ROTATED = LOG.with_name("access.log.1")
POSITION = Path(os.environ["STATE_DIRECTORY"]) / "position.json"
BATCH_BYTES = 1_048_576
BYTES_BESIDE_MESSAGE = 26
BATCH_EVENTS = 10_000
EVENT_BYTES = 256 * 1024
BATCH_MS = 24 * 3_600_000
"""What one call takes (Amazon CloudWatch Logs API reference, "PutLogEvents"); a message counts in UTF-8."""
SUPERSEDED_SECONDS = 75
"""Workers that nginx's master has given up write to the file that they have open, for 65 s at most."""
MOST_FILES = 4
"""A file that is followed keeps its space on the disk, though it may have been deleted: about 120 MB each at 1,000 lines a second."""
HEAD_BYTES = 256
TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
TIME_WITHIN = 64
"""nginx writes the time of a request first, in either format."""


Batch = collections.namedtuple("Batch", "events read lost")
"""Lines that go out together: as AWS takes them, how many bytes of the file that is, and how many lines AWS would never take."""


class Follower:
    def __init__(self, since):
        """@param since whole seconds; where nothing is known of earlier, lines before are left out"""
        known = _recall() or {"since": since, "saved": since, "files": []}
        self.since = known["since"]
        self.files = _reopen(known)
        self.is_kept = True
        self.keep()

    def look(self):
        """Notices a new file, and lets go of old ones that nobody writes any more.
        @return lines that are lost with them"""
        lost = 0
        newest = self.files[-1] if self.files else None
        file = _open(LOG)
        if file and newest and newest.inode == file.inode:
            newest.notice_truncation()
        elif file:
            between = _open(ROTATED) if newest else None
            if between and between.inode not in (newest.inode, file.inode):  # rotated twice since the last look
                self._follow(between)
            self._follow(file)
        while len(self.files) > MOST_FILES:
            lost += self.files.pop(0).lines_left()
        self.files = [one for one in self.files if one is self.files[-1] or not one.is_over() or one.has_more()]
        return lost

    def _follow(self, file):
        if self.files:
            self.files[-1].until = time.monotonic() + SUPERSEDED_SECONDS
        self.files.append(file)

    def batch(self):
        """The next lines, those of the oldest file first, and that file; None when there are none."""
        for file in self.files:
            batch = file.batch(self.since * 1000)
            if batch:
                return file, batch
        return None

    def keep(self):
        """A position that cannot be written is an old one; after a restart some lines are sent again."""
        files = [{"inode": one.inode, "offset": one.offset, "head": one.head()} for one in self.files]
        coming = POSITION.with_suffix(".coming")
        try:
            coming.write_text(json.dumps({"since": self.since, "saved": time.time(), "files": files}))
            coming.replace(POSITION)
            self.is_kept = True
        except OSError as error:
            if self.is_kept:
                report.say(outcome="position not kept", detail=error.strerror)
            self.is_kept = False


def forget():
    """Lines that are written while nothing is sent are never sent."""
    POSITION.unlink(missing_ok=True)


class LogFile:
    """One file of the log, by whatever name it has in the meantime."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.inode = os.fstat(descriptor).st_ino
        self.offset = 0
        self.until = None
        self.is_within_too_long = False

    def __del__(self):
        os.close(self.descriptor)

    def is_over(self):
        return self.until is not None and time.monotonic() > self.until

    def has_more(self):
        return os.fstat(self.descriptor).st_size > self.offset

    def notice_truncation(self):
        if os.fstat(self.descriptor).st_size < self.offset:
            report.say(outcome="truncated", detail="the access log is shorter than what was sent of it: from its beginning")
            self.offset = 0

    def head(self):
        """Tells another file of the same number from this one."""
        return zlib.crc32(os.pread(self.descriptor, min(self.offset, HEAD_BYTES), 0))

    def lines_left(self):
        lines = 0
        while chunk := os.pread(self.descriptor, BATCH_BYTES, self.offset):
            lines += chunk.count(b"\n")
            self.offset += len(chunk)
        return lines

    def batch(self, since):
        chunk = os.pread(self.descriptor, BATCH_BYTES, self.offset)
        whole = chunk.rfind(b"\n") + 1
        if self.is_over() and len(chunk) < BATCH_BYTES:
            whole = len(chunk)  # a line that nobody will finish
        if whole == 0 and len(chunk) < BATCH_BYTES:
            return None
        if whole == 0:
            self.is_within_too_long = True
            return Batch([], len(chunk), 0)
        return self._batch_of(chunk[:whole], since)

    def _batch_of(self, text, since):
        events, read, size, lost, known = [], 0, 0, 0, {}
        earliest = latest = None
        for line in text.split(b"\n")[: BATCH_EVENTS]:
            message, bytes_ = _message(line)
            if self.is_within_too_long or bytes_ > EVENT_BYTES:
                self.is_within_too_long = False
                lost += 1
            elif bytes_ > BYTES_BESIDE_MESSAGE:
                at = _time_of(line, known)
                earliest, latest = min(at, earliest or at), max(at, latest or at)
                if size + bytes_ > BATCH_BYTES or latest - earliest >= BATCH_MS:
                    break
                if at >= since:
                    size += bytes_
                    events.append({"timestamp": at, "message": message})
            read += len(line) + 1
        events.sort(key=lambda event: event["timestamp"])
        return Batch(events, min(read, len(text)), lost)


def _message(line):
    """@return text, and the bytes that it counts"""
    try:
        return line.decode(), len(line) + BYTES_BESIDE_MESSAGE
    except UnicodeDecodeError:
        text = line.decode(errors="replace")
        return text, len(text.encode()) + BYTES_BESIDE_MESSAGE


def _time_of(line, known):
    """Milliseconds; a line that names no time has the present one."""
    found = TIME.search(line, 0, TIME_WITHIN)
    text = found and found[0]
    if text not in known:
        try:
            known[text] = int(datetime.datetime.fromisoformat(text.decode()).timestamp() * 1000)
        except (AttributeError, ValueError):
            known[text] = int(time.time() * 1000)
    return known[text]


def _open(path):
    try:
        return LogFile(os.open(path, os.O_RDONLY))
    except FileNotFoundError:
        return None


def _recall():
    try:
        known = json.loads(POSITION.read_text())
        return known if {"since", "saved", "files"} <= {*known} else None
    except (OSError, ValueError, TypeError):
        return None


def _reopen(known):
    """What of the earlier files is still there, and what came since."""
    newest, rotated = _open(LOG), _open(ROTATED)  # in this order a rotation in between hides none
    if newest and rotated and newest.inode == rotated.inode:
        newest = None
    files, met = [], 0
    for file in (rotated, newest):
        if file is None:
            continue
        before = _place_in(file, known["files"])
        met += before is not None
        if before is None and os.fstat(file.descriptor).st_mtime <= known["saved"]:
            continue
        file.offset = before or 0
        file.until = time.monotonic() + SUPERSEDED_SECONDS if file is rotated else None
        files.append(file)
    if met < len(known["files"]):
        report.say(outcome="rotated away", detail="a file of the access log went while nobody followed it; its end may not have been sent")
    return files


def _place_in(file, known):
    for one in known:
        file.offset = one["offset"]
        if one["inode"] == file.inode and file.offset <= os.fstat(file.descriptor).st_size and file.head() == one["head"]:
            return one["offset"]
    return None
