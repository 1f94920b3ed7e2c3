"""The numbers that tell from outside how the machine is; proxy/machine/metrics.ts says what each one means."""

import json
import os
import re
import time

import nginx
import place

UNITS = {
    "Serving": "None",
    "SyncFailing": "None",
    "BundleCurrent": "None",
    "ServerCertificateDaysLeft": "None",
    "MemoryUsedPercent": "Percent",
    "DiskUsedPercent": "Percent",
    "LogLinesLost": "Count",
}
RELOAD_SECONDS = 5
"""Within which nginx comes to serve another bundle, or is started again: no outage."""
REPORT_SECONDS = 300
"""sync reports every minute."""
OWN = re.compile(r"(?:server|client-ca)(?: \d+)?")


def measured(lines_lost):
    """Values and units by name; without what is not known."""
    served, wanted = _served_version(), _report().get("wantedVersion", ...)
    values = {
        "Serving": int(served is not None and served == place.current_version()),
        "SyncFailing": int(_sync_fails()),
        "BundleCurrent": None if wanted is ... else int(served is not None and served == wanted),
        "ServerCertificateDaysLeft": min((one["daysLeft"] for one in _report().get("certificates", []) if OWN.fullmatch(one["name"])), default=None),
        "MemoryUsedPercent": _memory(),
        "DiskUsedPercent": _disk(),
        "LogLinesLost": lines_lost,
    }
    return {name: (value, UNITS[name]) for name, value in values.items() if value is not None}


def _served_version():
    until = time.monotonic() + RELOAD_SECONDS
    while True:
        version = place.current_version()
        served = version and nginx.served_version(version)
        if served == version or time.monotonic() > until:
            return served
        time.sleep(0.5)


def _report_file():
    return place.STATE / f"{place.current_version()}.json"


def _report():
    try:
        return json.loads(_report_file().read_text())
    except (OSError, ValueError):
        return {}


def _sync_fails():
    try:
        return bool(_report().get("problem")) or time.time() - _report_file().stat().st_mtime > REPORT_SECONDS
    except OSError:
        return True


def _memory():
    with open("/proc/meminfo", encoding="ascii") as file:
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in file}
    return round(100 * (1 - kilobytes["MemAvailable"] / kilobytes["MemTotal"]), 1)


def _disk():
    """As `df` counts: what root alone may still use is not there for anybody else."""
    disk = os.statvfs("/")
    used = disk.f_blocks - disk.f_bfree
    return round(100 * used / (used + disk.f_bavail), 1)
