#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# quickstart.sh: from a fresh Debian 12 (as root) to the whole job shown. Installs what is needed, builds Slackwater, starts a source and
# a replica with a parallel applier (MariaDB 10.11, on loopback, in a temporary directory) under write load, takes a snapshot of
# the replica, seeds a second replica from it, and compares them. No service is started, nothing is left running.
set -euo pipefail
if [ $# -gt 0 ]; then
    sed -n '4,6s/^# \{0,1\}//p' "$0"
    case $1 in -h|--help) exit 0 ;; *) echo "quickstart.sh: takes no argument" >&2; exit 2 ;; esac
fi
cd "$(dirname "$0")/.."

tests/lab/install.sh --quickstart
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "building"
if ! { cmake --preset release && cmake --build --preset release --target slackwater; } >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    exit 1
fi
rm -f "$log"

cd tests
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 -m lab.show
