#!/usr/bin/env bash
# Runs a command with CODITECT_MODEL_DIR and CODITECT_ONNXRUNTIME set, fetching what they name first.
set -euo pipefail
cd "$(dirname "$0")/.."

settings="$(python3 scripts/fetch_model.py)"
while IFS= read -r setting; do
    export "${setting?}"
done <<<"$settings"
exec "$@"
