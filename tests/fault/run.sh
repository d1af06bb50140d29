#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Kill, freeze and cut off the agent, end its switch, restart its server, on every server under load; see that no applier is left stopped.
# Wants root on Debian 12 and builds first. Options: see --help. tests/run.sh has 20 rounds of it, with --soak 200.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
if [ -z "${SLACKWATER_BIN:-}" ]; then
    "$top/tests/lab/install.sh"
    cmake -S "$top" --preset ci-release >/dev/null
    cmake --build "$top/build" >/dev/null
fi
exec env PYTHONPATH="$top/tests" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m fault.rounds "$@"
