#!/usr/bin/env bash
# make bench: runs every benchmark, optimised, on this machine, and keeps the tables in benches/RESULTS.md, one section for
# each. Arguments name benchmarks. BENCH_PROFILE names another profile than the one that is shipped: release compiles faster.
. "$(dirname "$0")/lib.sh"

RESULTS=benches/RESULTS.md
PROFILE=${BENCH_PROFILE:-dist}
FAILED=()

# What the figures were measured on.
machine() {
  printf '%s cores of %s, %s GiB, %s' "$(nproc)" "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" \
    "$(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)" "$(uname -sr)"
}

# keep NAME FILE: puts a table into the results in place of the section of this name.
keep() {
  [ -f "$RESULTS" ] || printf '%s\n' "# Results" "" "Written by \`make bench\`; do not edit. What counts is the ratio to a peer or a limit measured in the same run on the same" \
    "machine; load, receivers and peers share it with the service." >"$RESULTS"
  {
    awk -v name="$1" '/^## / { skip = ($0 == "## " name) } !skip' "$RESULTS" | sed -e ':a' -e '/^\n*$/ { $d; N; ba' -e '}'
    printf '\n## %s\n\nMachine: %s. Command: `make bench` (`%s`), %s.\n\n' "$1" "$(machine)" "cargo bench --profile $PROFILE --bench $1" "$(date -u +%Y-%m-%d)"
    cat "$2"
  } >"$RESULTS.new"
  mv "$RESULTS.new" "$RESULTS"
}

scripts/setup.sh
if [ $# = 0 ]; then set -- matching ingest stats; fi
say "building the benchmarks (profile $PROFILE)"
cargo bench -p event_actions --locked --profile "$PROFILE" --no-run "${@/#/--bench=}"
# A connection is a file at each of its ends.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
for name in "$@"; do
  say "measuring: $name (several minutes; nothing else should run)"
  table="$TARGET/bench-$name.md"
  if cargo bench -p event_actions --locked --profile "$PROFILE" --bench "$name" | tee "$table"; then keep "$name" "$table"; else FAILED+=("$name"); fi
done
if [ ${#FAILED[@]} -gt 0 ]; then die "wrong results: ${FAILED[*]}"; fi
say "kept in $RESULTS"
