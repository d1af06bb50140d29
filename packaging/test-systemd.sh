#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test-systemd.sh [DIRECTORY]: the Debian package in DIRECTORY (build/deb, built when there is none) under a real service manager.
#
# A Debian 12 whose first process is systemd is booted in namespaces of its own, with a MariaDB replica and its source as services; the package is installed
# into it and the units as shipped are started, reloaded, killed, frozen, stopped, upgraded and removed, mostly while a run has the applier stopped.
# As root, on Debian 12; ends with the line "counts PASSED FAILED SKIPPED". A machine that cannot boot a container counts as skipped, with the reason.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
while [ $# -gt 0 ]; do
    case $1 in
        -h|--help) sed -n '4,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
        -*) echo "test-systemd.sh: unknown option $1" >&2; exit 2 ;;
        *) break ;;
    esac
    shift
done
from=${1:-$top/build/deb}
[ "$(id -u)" = 0 ] || { echo 'test-systemd.sh: a root of its own can only be entered by root' >&2; exit 2; }

"$top/tests/lab/install.sh" --boot-test
compgen -G "$from/slackwater_*.deb" >/dev/null || nice -n 10 "$top/packaging/build-deb.sh" "$from" || { echo 'counts 0 1 0'; exit 1; }
from=$(cd "$from" && pwd)

# Its mounts are in a namespace of their own and go with it, however it ends.
cd "$top/tests"
status=0
PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 unshare --mount /usr/bin/python3 -m lab.booted "$(echo "$from"/slackwater_*.deb)" || status=$?
exit $status
