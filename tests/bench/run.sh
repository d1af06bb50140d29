#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measure what slackwater promises, each figure beside the peer in the same run (absolute times of a busy machine prove nothing):
# the applier's pause over many windows and at four times the data, dump and load time against the usual tools, memory, history.
# Prints a table, writes JSON. About 20 minutes. Options: see --help. With --store: store.sh instead, object storage beside curl.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ "${1:-}" = --store ]; then shift; exec "$here/store.sh" "$@"; fi
top=$(cd "$here/../.." && pwd)
"$top/tests/lab/install.sh"
cmake -S "$top" --preset release >/dev/null
cmake --build "$top/build" >/dev/null
exec env PYTHONPATH="$top/tests" /usr/bin/python3 "$here/bench.py" --slackwater "$top/build/slackwater" "$@"
