#!/usr/bin/env bash
# Puts the peers of `make bench-ann` into a Python environment of their own below target/bench/ann. Each is installed on its own: one
# that cannot be leaves its reason in not-installed/, and is reported by the benchmark.
set -euo pipefail
cd "$(dirname "$0")/../.."

home=target/bench/ann/venv
wanted=benches/ann/requirements.txt
if cmp --silent "$wanted" "$home/requirements.txt"; then
    exit 0
fi
echo "installing the peers"
rm -rf "$home"
python3 -m venv "$home"
mkdir "$home/not-installed"
while IFS= read -r package; do
    if ! said="$("$home/bin/python" -m pip install --quiet --disable-pip-version-check "$package" 2>&1)"; then
        grep -m 1 '^ERROR' <<<"$said" >"$home/not-installed/$package.txt" || tail -n 1 <<<"$said" >"$home/not-installed/$package.txt"
        echo "$package cannot be installed: $(cat "$home/not-installed/$package.txt")" >&2
    fi
done <"$wanted"
cp "$wanted" "$home/requirements.txt"
