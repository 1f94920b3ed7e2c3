"""Where things are on the machine. All of it is in memory: a reboot begins with nothing, and so does an image made of the machine."""

import os
from pathlib import Path

RUN = Path(os.environ.get("MTLS_PROXY_RUN", "/run/mtls-proxy"))
"""nginx's prefix."""
CURRENT = RUN / "current"
"""A link to the bundle that nginx loads; to move it is to switch."""
BUNDLES = RUN / "bundles"
STATE = RUN / "state"
"""What nginx shows at the status location, and what sync remembers from one run to the next."""
LEAVING = STATE / "leaving"
"""There from the moment in which the machine begins to leave its fleet: nothing is ready again, and nothing is changed."""


def bundle(version):
    return BUNDLES / version


def current_version():
    """The version that nginx loads at its next start or reload; None before the first."""
    try:
        return os.path.basename(os.readlink(CURRENT))
    except FileNotFoundError:
        return None


def point_at(version):
    """Switches whole or not at all."""
    if version is None:
        CURRENT.unlink()
        return
    coming = RUN / "current.coming"
    coming.unlink(missing_ok=True)
    coming.symlink_to(bundle(version))
    coming.replace(CURRENT)


def ready(version):
    """nginx answers a fleet's health checks with 200 as long as there is this file for the version that it has loaded."""
    return STATE / f"{version}.ready"
