#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real agent on a schedule of seconds, its servers under load, while it, its runs and the servers are killed: every due time was run or is
# explained, no replica is left stopped, and what an idle agent takes is measured. 3 minutes, with --soak 30. Wants root on Debian 12, builds first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
if [ -z "${SLACKWATER_BIN:-}" ]; then
    "$top/tests/lab/install.sh"
    cmake -S "$top" --preset ci-release >/dev/null
    cmake --build "$top/build" >/dev/null
fi
exec env PYTHONPATH="$top/tests" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m agent.live "$@"
