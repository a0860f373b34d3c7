#!/usr/bin/env bash
# Runs a command with a Chromium (CODITECT_CHROMIUM) and Playwright's Python package, fetching what is missing: the package from
# the Python package index into the cache, the browser from the Debian archive where that is possible.
set -euo pipefail

playwright=1.65.2
packages="${XDG_CACHE_HOME:-$HOME/.cache}/coditect/playwright-$playwright-py$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
names=(chromium-headless-shell chromium chromium-browser google-chrome)

find_chromium() {
    for name in "${names[@]}"; do
        command -v "$name" && return
    done
    return 1
}

if [ -z "${CODITECT_CHROMIUM:-}" ] && ! CODITECT_CHROMIUM="$(find_chromium)"; then
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        echo "with_chromium: install one of ${names[*]}, or name one by CODITECT_CHROMIUM" >&2
        exit 1
    fi
    echo "with_chromium: installing chromium-headless-shell" >&2
    apt-get -qq update >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium-headless-shell >/dev/null
    CODITECT_CHROMIUM="$(find_chromium)"
fi
if [ ! -d "$packages" ]; then
    mkdir -p "$(dirname "$packages")"
    fresh="$(mktemp -d "$packages.XXXXXX")"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$fresh" "playwright==$playwright" >&2
    mv -T "$fresh" "$packages" 2>/dev/null || rm -rf "$fresh"
fi
export CODITECT_CHROMIUM PYTHONPATH="$packages${PYTHONPATH:+:$PYTHONPATH}"
exec "$@"
