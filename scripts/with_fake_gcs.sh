#!/usr/bin/env bash
# Runs a command with FAKE_GCS_SERVER set, fetching fake-gcs-server first: the tests of buckets (engine/tests/gcs) need it.
set -euo pipefail

setting="$(python3 "$(dirname "$0")/fetch_fake_gcs.py")"
export "${setting?}"
exec "$@"
