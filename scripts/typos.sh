#!/usr/bin/env bash
# Checks the spelling of documents and sources with the `typos` wheel from PyPI, kept under
# target/tools. Fetched once; later runs need no network.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.52.0
home="target/tools/typos-$version"
if [ ! -x "$home/bin/typos" ]; then
    rm -rf "$home.part" && mkdir -p "$home.part"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --only-binary :all: \
        --target "$home.part" "typos==$version"
    rm -rf "$home" && mv "$home.part" "$home"
fi
exec "$home/bin/typos" --config _typos.toml "$@"
