#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# boot.sh ROOT: make the directory ROOT the root of this mount namespace, and systemd its first process. Run by lab/machine.py as the first process of
# new namespaces (mount, PID, UTS, IPC, network, cgroup); what systemd expects of a container manager is mounted here.
set -eu
root=$1

mount --make-rprivate /
mountpoint -q "$root" || mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
# Read-only, as in every container: nothing of the machine's own is set from inside, and units that would want to are skipped.
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    numbers=${node#*:}
    mknod -m 0666 "$root/dev/${node%%:*}" c "${numbers%:*}" "${numbers#*:}"
done
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
hostname slackwater-lab

cd "$root"
mkdir -p mnt/outside
pivot_root . mnt/outside
# shellcheck disable=SC2016  # the inner shell is the one inside
exec env -i container=slackwater-lab PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . \
    /bin/sh -c 'umount -l /mnt/outside; exec /lib/systemd/systemd --show-status=no'
