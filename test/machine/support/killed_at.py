"""Runs sync and ends it as `kill -9` would, when it comes to a line for the first time. Usage: killed_at.py SYNC NUMBER

NUMBER counts the different lines of sync's own files in the order in which they are first run; 0 kills nowhere and
prints how many there are to stderr. What the lines of the network do is left out: they change nothing on the machine.
"""

import os
import runpy
import signal
import sys

PROGRAM, NUMBER = sys.argv[1], int(sys.argv[2])
DIRECTORY = os.path.dirname(PROGRAM)
LEFT_OUT = {"aws.py", "destinations.py", "problem.py"}
seen = set()


def on_event(frame, event, _):
    name = frame.f_code.co_filename
    if os.path.dirname(name) != DIRECTORY or os.path.basename(name) in LEFT_OUT or frame.f_code.co_name == "<module>":
        return None
    if event == "line" and (name, frame.f_lineno) not in seen:
        seen.add((name, frame.f_lineno))
        if len(seen) == NUMBER:
            os.kill(os.getpid(), signal.SIGKILL)
    return on_event


sys.argv = [PROGRAM]
sys.path.insert(0, DIRECTORY)
sys.settrace(on_event)
try:
    runpy.run_path(PROGRAM, run_name="__main__")
finally:
    sys.settrace(None)
    if NUMBER == 0:
        print(len(seen), file=sys.stderr)
