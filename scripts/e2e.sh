#!/usr/bin/env bash
# make e2e: builds the console and the service and drives them in Chromium. Arguments name test files; default: all.
. "$(dirname "$0")/lib.sh"

if [ "${1:-}" = --built ]; then
  shift
else
  scripts/setup.sh test
  say "building"
  cargo leptos build --frontend-only
  build_service
fi
CHROMIUM=$(find_chromium) || die "no Chromium found; scripts/setup.sh test installs it"
export CHROMIUM EVENT_ACTIONS_BINARY="${EVENT_ACTIONS_BINARY:-$PWD/$TARGET/debug/event-actions}"
if [ $# = 0 ]; then set -- end2end/*.test.mjs; fi
exec node --test --test-concurrency=1 --test-reporter=spec "$@"
