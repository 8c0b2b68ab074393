#!/usr/bin/env bash
# make bench: runs every benchmark, optimised, on this machine; figures go to benches/RESULTS.md. Arguments name benchmarks.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh
say "building and running the benchmarks"
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
if [ $# = 0 ]; then
  cargo bench --workspace --locked --benches
else
  for name in "$@"; do cargo bench --workspace --locked --bench "$name"; done
fi
