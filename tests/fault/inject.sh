#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/fault/inject.sh [--soak] [--help]: one fault after the other; the last line is "counts PASSED FAILED SKIPPED".
top=$(cd "$(dirname "$0")/../.." && pwd) && cd "$top/tests/fault" || exit 1
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8
exec /usr/bin/python3 inject.py "$@"
