# Shared by the other scripts: where we are, where tools are, how we talk. Sourced, never run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Tools that setup.sh has to build live here, beside nobody else's and kept when the target folder goes.
TOOLS="${EVENT_ACTIONS_TOOLS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/event-actions/tools}"
TARGET="${CARGO_TARGET_DIR:-target}"
export PATH="$TOOLS/bin:$PWD/node_modules/.bin:${CARGO_HOME:-${HOME:-/}/.cargo}/bin:$PATH"

# One line with the time and the seconds since the script began.
say() { printf '[%s +%ss] %s\n' "$(date +%H:%M:%S)" "$SECONDS" "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root where that needs no question: as root itself, or in CI through sudo without a password.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif [ "${CI:-}" = true ] && have sudo && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

# Installs Debian packages, or says which are missing.
need_packages() {
  if have apt-get && as_root true 2>/dev/null; then
    say "installing $* (apt-get)"
    as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    die "missing: $*. Install it with your system's package manager, then run this again."
  fi
}

# The version of a crate in Cargo.lock.
locked_version() { awk -v name="\"$1\"" '$1 == "name" { hit = ($3 == name) } hit && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' Cargo.lock; }

# The browser for tests; CHROMIUM names another one.
find_chromium() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome; do
    if [ -n "$name" ] && have "$name"; then
      command -v "$name"
      return
    fi
  done
  return 1
}

# The folder of the newest PostgreSQL server binaries.
find_postgres() {
  local folder
  folder=$(find /usr/lib/postgresql /usr/pgsql-* /opt/homebrew/opt/postgresql* -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
  if [ -z "$folder" ] && have initdb; then folder=$(dirname "$(readlink -f "$(command -v initdb)")"); fi
  [ -n "$folder" ] && [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && printf '%s\n' "$folder"
}

free_port() { node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })'; }

# The binary in the dev profile. Naming one test beside it makes cargo resolve the features that the tests need (more of
# tokio, for one); without it the service and the tests would each compile every dependency.
build_service() { cargo build --workspace --locked --bin event-actions --test command_line; }
