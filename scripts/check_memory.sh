#!/usr/bin/env bash
# Runs the tests of the vector index under AddressSanitizer, which looks for leaks too at the end of each process: once all but those that
# measure recall over many points, then $1 times those in which searches run beside writers.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=$1
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
export RUSTFLAGS='-Zsanitizer=address' ASAN_OPTIONS=detect_leaks=1
tests=(cargo +nightly test --quiet --locked --target "$host" --target-dir target/asan -p coditect-engine)
"${tests[@]}" --lib --test indexes -- vector:: --skip recall_at --skip keep_recall --skip churn_in
for ((round = 1; round <= rounds; round++)); do
    "${tests[@]}" --test indexes -- vector::threads searches_run_while
done
