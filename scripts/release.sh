#!/usr/bin/env bash
# make release: one optimised binary that carries its site: target/dist/event-actions.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh
say "building the console, optimised and precompressed"
cargo leptos build --release --precompress --frontend-only
say "building the service (profile dist: fat LTO, several minutes)"
# The site is compiled in; cargo watches the files it knows, not the ones that are new.
touch app/src/assets.rs
cargo build --locked --profile dist -p app --bin event-actions --no-default-features --features ssr
say "built $TARGET/dist/event-actions ($(du -h "$TARGET/dist/event-actions" | cut -f1))"
find target/site/pkg -name '*.br' -exec sh -c 'printf "  %8s bytes on the wire  %s\n" "$(wc -c <"$1")" "${1%.br}"' _ {} \;
