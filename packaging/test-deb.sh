#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test-deb.sh [--no-rebuild] [DIRECTORY]: the life of the Debian package in DIRECTORY (build/deb, built when there is none).
#
# The package is built once more from the tree and must come out the same to the byte. Then, in a root of its own that debootstrap made: installed,
# configured against a real source and replica on loopback, run, a scheduled snapshot taken and proven, upgraded, removed, purged.
# As root, on Debian 12; ends with the line "counts PASSED FAILED SKIPPED".
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
rebuild=yes
while [ $# -gt 0 ]; do
    case $1 in
        --no-rebuild) rebuild= ;;
        -h|--help) sed -n '3,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
        -*) echo "test-deb.sh: unknown option $1" >&2; exit 2 ;;
        *) break ;;
    esac
    shift
done
from=${1:-$top/build/deb}
[ "$(id -u)" = 0 ] || { echo 'test-deb.sh: a root of its own can only be entered by root' >&2; exit 2; }

"$top/tests/lab/install.sh" --package-test
compgen -G "$from/slackwater_*.deb" >/dev/null || nice -n 10 "$top/packaging/build-deb.sh" "$from" || { echo 'counts 0 1 0'; exit 1; }
from=$(cd "$from" && pwd)

scratch=$(mktemp -d "${TMPDIR:-/tmp}/slackwater-test-deb.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
again=()
if [ -n "$rebuild" ]; then
    nice -n 10 "$top/packaging/build-deb.sh" "$scratch/again" >"$scratch/log" 2>&1 || { tail -n 20 "$scratch/log"; echo 'counts 0 1 0'; exit 1; }
    again=(--again "$(echo "$scratch"/again/slackwater_*.deb)")
fi

# Its mounts are in a namespace of their own and go with it, however it ends.
cd "$top/tests"
status=0
PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 unshare --mount \
    /usr/bin/python3 -m lab.package "${again[@]}" "$(echo "$from"/slackwater_*.deb)" || status=$?
exit $status
