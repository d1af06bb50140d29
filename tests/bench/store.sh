#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Upload and download of incompressible data by the S3 store, beside `curl -Z` with as many parallel parts of the same size, in the same run.
# About 8 minutes with its usual 2 and 8 GiB, and 40 GB of disk, given back. Prints a table, writes JSON. Options: see --help.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
"$top/tests/lab/install.sh"
cmake -S "$top" --preset release >/dev/null
cmake --build "$top/build" >/dev/null
exec env PYTHONPATH="$top/tests" /usr/bin/python3 "$here/store.py" --pump "$top/build/tests/store_pump" "$@"
