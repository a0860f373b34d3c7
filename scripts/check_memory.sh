#!/usr/bin/env bash
# Runs the tests of the vector index under AddressSanitizer, which looks for leaks too at the end of each process: all of them once but the two
# long ones that measure recall after 20,000 changes, then $1 times those in which searches run beside writers.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=$1
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
export RUSTFLAGS='-Zsanitizer=address' ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
tests=(cargo +nightly test --quiet --locked --target "$host" --target-dir target/asan -p coditect-engine)
"${tests[@]}" --lib --test indexes -- vector:: --skip churn::churn_in
for ((round = 1; round <= rounds; round++)); do
    "${tests[@]}" --test indexes -- vector::threads searches_run_while
done
