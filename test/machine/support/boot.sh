#!/bin/sh
# Boots a Debian root file system inside namespaces that the caller has made: a disk that keeps what is written to it,
# everything else as fresh as after a power cut. Usage: boot.sh IMAGE DISK
set -eu

image=$1
disk=$2
root=$disk/root

mount --make-rprivate /
mkdir -p "$disk/written" "$disk/work" "$root"
mount -t overlay -o "lowerdir=$image,upperdir=$disk/written,workdir=$disk/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"

mkdir "$root/run/outside"
cd "$root"
pivot_root . run/outside
# shellcheck disable=SC2016
exec chroot . /bin/sh -c '
    umount -l /run/outside
    rmdir /run/outside
    exec env -i container=mtls-proxy-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd systemd.unit=multi-user.target
'
