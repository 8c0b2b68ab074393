#!/usr/bin/env bash
# make test: everything that must hold. Goes on after a failure, so that one run tells all, and ends with a summary.
#   scripts/test.sh          all
#   scripts/test.sh fast     the Rust tests on SQLite alone
. "$(dirname "$0")/lib.sh"

LOGS="$TARGET/test-logs"
FAILED=()
DONE=()
mkdir -p "$LOGS"
rm -f "$LOGS"/*.log

# step NAME COMMAND...: runs it, keeps what it prints, remembers how it ended.
step() {
  local name=$1 began=$SECONDS
  shift
  say "== $name"
  if "$@" 2>&1 | tee "$LOGS/${name// /-}.log"; then
    DONE+=("ok      $((SECONDS - began)) s	$name")
  else
    FAILED+=("$name")
    DONE+=("FAILED  $((SECONDS - began)) s	$name")
    return 1
  fi
}

skipped() {
  DONE+=("skipped		$1: $2")
  say "== $1: skipped, $2"
}

summary() {
  # cargo says "test result: ok. 12 passed; 0 failed; 1 ignored; ...", node's spec reporter "pass 12", "fail 0", "skipped 1".
  local counts
  counts=$(cat "$LOGS"/*.log 2>/dev/null | awk '
    /^test result:/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1); if ($i ~ /^ignored/) s += $(i-1) } }
    /^[^a-z]*pass [0-9]+$/ { p += $NF } /^[^a-z]*fail [0-9]+$/ { f += $NF } /^[^a-z]*skipped [0-9]+$/ { s += $NF }
    END { printf "%d passed, %d failed, %d skipped", p, f, s }')
  say "summary"
  printf '  %s\n' "${DONE[@]}" | column -t -s '	' 2>/dev/null || printf '  %s\n' "${DONE[@]}"
  if [ ${#FAILED[@]} -gt 0 ]; then printf 'failed: %s\n' "${FAILED[@]}"; fi
  printf '%s\n' "$counts"
}

if [ "${1:-}" = fast ]; then
  scripts/setup.sh
  step "tests on SQLite" cargo test --workspace --locked --no-fail-fast || true
  summary
  exit "${#FAILED[@]}"
fi

scripts/setup.sh test
# One set of features and one profile for clippy, tests and the browser tests' binary: `--workspace --all-targets`.
# A build of the app alone resolves fewer features of tokio and would compile everything once more.
step "formatting" cargo fmt --all --check || true
step "lints" cargo clippy --workspace --all-targets --locked -- -D warnings || true
# Compiles the app with `hydrate` for wasm32 and so also shows that model, matching and islands need no server.
step "console for the browser" cargo leptos build --frontend-only || true
if have cargo-deny; then
  step "licences and sources" cargo deny --locked check bans licenses sources || true
else
  skipped "licences and sources" "cargo-deny is missing"
fi
if step "build" cargo build --workspace --all-targets --locked; then
  step "tests on SQLite" cargo test --workspace --locked --no-fail-fast || true
  # The integration tests alone: unit tests touch no database.
  step "tests on PostgreSQL" scripts/postgres.sh cargo test --workspace --locked --no-fail-fast --test '*' || true
  step "browser tests" scripts/e2e.sh --built || true
else
  for name in "tests on SQLite" "tests on PostgreSQL" "browser tests"; do skipped "$name" "the build failed"; done
fi
summary
exit "${#FAILED[@]}"
