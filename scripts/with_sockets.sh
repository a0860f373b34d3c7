#!/usr/bin/env bash
# Runs a command with software that speaks WebSocket: Python's websockets, tornado and terminado, Node's ws (CODITECT_NODE_WS) and websocat (CODITECT_WEBSOCAT), fetching what is
# missing into the cache, from the Python package index, npm and crates.io.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/coditect"
requirements=(websockets==17.4 terminado==0.18.1 tornado==6.6.1)
packages="$cache/sockets-$(printf '%s ' "${requirements[@]}" | sha256sum | cut -c1-12)-py$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
websocat="$cache/websocat-1.14.1"

if [ ! -d "$packages" ]; then
    mkdir -p "$cache"
    fresh="$(mktemp -d "$packages.XXXXXX")"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$fresh" "${requirements[@]}" >&2
    # Another run may have been faster.
    mv -T "$fresh" "$packages" || { rm -rf "$fresh"; [ -d "$packages" ]; }
fi
if [ ! -x "$websocat/bin/websocat" ]; then
    echo "with_sockets: building websocat (once)" >&2
    cargo install --quiet --debug --locked --version 1.14.1 --no-default-features --root "$websocat" websocat >&2
fi
command -v npm >/dev/null || { echo "with_sockets: needs Node 20 or later with npm" >&2; exit 2; }
(cd ws-sidecar/client && npm ci --silent --no-audit --no-fund >&2)
export CODITECT_NODE_WS="$PWD/ws-sidecar/client/node_modules/ws/wrapper.mjs" CODITECT_WEBSOCAT="$websocat/bin/websocat"
export PYTHONPATH="$packages${PYTHONPATH:+:$PYTHONPATH}"
exec "$@"
