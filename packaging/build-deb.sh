#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build-deb.sh [--check] [--version VERSION] [DIRECTORY]: the Debian package, from the tree as it is, into DIRECTORY (build/deb).
#
# For Debian 12; what it needs is installed when it is missing (as root). The tree itself is left alone: it is built in a copy.
# The same tree gives the same packages to the byte: all times are those of the changelog, or of SOURCE_DATE_EPOCH.
#   --check     runs the unit tests as well (tests/run.sh has them already)
#   --version   builds under another version, which must be higher than that of the changelog: for tests of upgrades
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
check= version=
while [ $# -gt 0 ]; do
    case $1 in
        --check) check=yes ;;
        --version) version=${2:?}; shift ;;
        -h|--help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        -*) echo "build-deb.sh: unknown option $1" >&2; exit 2 ;;
        *) break ;;
    esac
    shift
done
mkdir -p "${1:-$top/build/deb}"
into=$(cd "${1:-$top/build/deb}" && pwd)

"$top/tests/lab/install.sh" --package

scratch=$(mktemp -d "${TMPDIR:-/tmp}/slackwater-deb.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/slackwater
mkdir "$tree"
tar -C "$top" -cf - --exclude='./build*' --exclude=./.git --exclude='__pycache__' --exclude='*.pyc' . | tar -xf - -C "$tree" --no-same-owner
cp -r "$tree/packaging/debian" "$tree/debian"
if [ -n "$version" ]; then
    { printf 'slackwater (%s) unstable; urgency=medium\n\n  * For tests of upgrades.\n\n' "$version"
      grep -m 1 '^ -- ' "$tree/debian/changelog"
      echo
      cat "$tree/packaging/debian/changelog"; } >"$tree/debian/changelog"
fi

# What the caller's shell has been told about compiling is nobody else's.
unset CFLAGS CPPFLAGS LDFLAGS CXXFLAGS MAKEFLAGS CC DESTDIR
export LC_ALL=C.UTF-8 TZ=UTC DEB_BUILD_OPTIONS="terse parallel=$(nproc)"
[ -n "$check" ] || DEB_BUILD_OPTIONS+=" nocheck"
if ! (cd "$tree" && umask 022 && dpkg-buildpackage --build=binary --unsigned-changes --unsigned-buildinfo) >"$scratch/log" 2>&1; then
    grep -nE 'error|Error|FAILED|warning: ' "$scratch/log" | head -n 20 >&2 || true
    tail -n 40 "$scratch/log" >&2
    exit 1
fi
grep -E '(^|[^-])warning:' "$scratch/log" >&2 || true

package=$(echo "$scratch"/slackwater_*.deb)
if ! dpkg-deb -f "$package" Depends | grep -q 'libmariadb3'; then
    echo "build-deb.sh: the package is not linked with MariaDB Connector/C" >&2
    exit 1
fi
lintian --allow-root --profile debian --tag-display-limit 0 --fail-on error "$scratch"/slackwater_*.changes
mv "$scratch"/slackwater*.deb "$scratch"/slackwater_*.changes "$scratch"/slackwater_*.buildinfo "$into/"
(cd "$into" && sha256sum "$(basename "$package")" && ls -l "$(basename "$package")")
