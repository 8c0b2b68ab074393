#!/usr/bin/env bash
# make run: sets up, builds, and starts the service on its embedded SQLite. Settings come from the environment or from
# event-actions.toml; arguments go to the binary.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh
say "building the console and the service (the first time compiles every dependency)"
# The dev profile: no optimiser and no link-time optimisation stand between a stranger and the first event, and the tests
# share every dependency compiled here. `make release` builds what is shipped and measured.
cargo leptos build --frontend-only
build_service

# For trying things out, actions may reach this machine; in production private addresses stay blocked unless allowed.
export EVENT_ACTIONS_ALLOW_TARGETS="${EVENT_ACTIONS_ALLOW_TARGETS-127.0.0.0/8,::1/128}"
say "starting; stop it with Ctrl+C"
exec "$TARGET/debug/event-actions" serve "$@"
