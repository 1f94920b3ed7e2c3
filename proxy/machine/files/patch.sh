#!/bin/sh
# Takes the distribution's patches. What runs goes on running its old, deleted files until it is renewed, so nginx gets
# a new master without losing a request, and a new kernel a reboot on Sundays.
set -eu

if command -v dnf >/dev/null 2>&1; then
    # Amazon Linux 2023 pins its repository to the image's release: without this no patch ever arrives.
    dnf upgrade --assumeyes --releasever=latest
else
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get upgrade --yes
fi

/usr/local/lib/mtls-proxy/renew-binary

# A fleet would miss a machine that boots, and replace it: there a new kernel comes with a new machine.
# Names in /lib/modules are kernels' releases; the newest by version is what the next boot takes.
newest=$(find /lib/modules -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null | sort -V | tail -n 1)
if [ -n "$newest" ] && [ ! -e /run/mtls-proxy/current/fleet.json ] && [ "$newest" != "$(uname -r)" ] && [ "$(date -u +%u)" = 7 ]; then
    echo "kernel $newest is installed and $(uname -r) runs: rebooting"
    systemctl reboot
fi
