#!/usr/bin/env bash
# make dev: like make run, but rebuilds and reloads the browser when a file changes.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh
export EVENT_ACTIONS_ALLOW_TARGETS="${EVENT_ACTIONS_ALLOW_TARGETS-127.0.0.0/8,::1/128}"
exec cargo leptos watch
