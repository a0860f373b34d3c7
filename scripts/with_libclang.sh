#!/usr/bin/env bash
# Runs a command with LIBCLANG_PATH set, fetching libclang first: a build with the feature `fdb` needs it.
set -euo pipefail

setting="$(python3 "$(dirname "$0")/fetch_libclang.py")"
export "${setting?}"
exec "$@"
