#!/usr/bin/env bash
# make check: what is quick to know: formatting, lints on every target, and that the browser's side compiles.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh
say "formatting"
cargo fmt --all --check
say "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings
say "the browser's side compiles to WebAssembly"
# The front end's own target folder, so that its macros and build scripts are compiled once.
cargo check --locked -p app --target wasm32-unknown-unknown --no-default-features --features hydrate --target-dir "$TARGET/front"
say "fine"
