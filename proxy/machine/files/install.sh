#!/bin/sh
# Makes a plain image a proxy. Run by mtls-proxy-install.service until it succeeds; every step may be repeated.
set -eu

# Masked before it is there: the distribution's package starts an nginx of its own when it is installed.
systemctl mask --now nginx.service

have() { command -v "$1" >/dev/null 2>&1; }
if ! { have nginx && have openssl && have logrotate; }; then
    if have dnf; then
        # The image pins its repository to its own release, and that may lack a fix: take the newest (docs.aws.amazon.com/linux/al2023, "deterministic upgrades").
        dnf install --assumeyes --releasever=latest nginx openssl logrotate
    else
        apt-get update
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends nginx openssl logrotate ca-certificates
    fi
fi

# One name for the public CAs, whatever the distribution calls them; the bundle refers to it.
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-bundle.crt /etc/pki/tls/certs/ca-bundle.crt; do
    if [ -s "$bundle" ]; then
        ln -sfn "$bundle" /etc/mtls-proxy/system-ca.crt
        break
    fi
done
[ -s /etc/mtls-proxy/system-ca.crt ]

# The door is Session Manager.
for unit in sshd.service sshd.socket ssh.service ssh.socket; do
    systemctl mask --now "$unit" 2>/dev/null || true
done

# Keys live in memory, and memory must not reach a disk. Compressed swap in memory may stay.
systemctl mask --now "$(systemd-escape --path --suffix=swap /swapfile)" 2>/dev/null || true
awk 'NR > 1 && $1 !~ "^/dev/zram" { print $1 }' /proc/swaps | xargs -r swapoff
printf 'fs.suid_dumpable = 0\n' >/etc/sysctl.d/90-mtls-proxy.conf

systemd-sysusers /etc/sysusers.d/mtls-proxy.conf
systemctl daemon-reload
systemctl enable --now 'run-mtls\x2dproxy.mount'
systemd-tmpfiles --create /etc/tmpfiles.d/mtls-proxy.conf
systemctl enable --now mtls-proxy.path mtls-proxy-fleet.path mtls-proxy-sync.timer mtls-proxy-logrotate.timer mtls-proxy-patch.timer mtls-proxy-telemetry.path

mkdir -p /var/lib/mtls-proxy
touch /var/lib/mtls-proxy/installed
