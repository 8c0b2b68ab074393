#!/usr/bin/env bash
# Runs a command with TEST_DATABASE_URL pointing at a PostgreSQL of its own: new, empty, on a free port, gone afterwards.
# Durability keeps its defaults (fsync and synchronous_commit on): the product refuses a server without them.
#   scripts/postgres.sh cargo test
. "$(dirname "$0")/lib.sh"

[ $# -gt 0 ] || die "usage: scripts/postgres.sh COMMAND..."
BIN=$(find_postgres) || die "no PostgreSQL server binaries found; scripts/setup.sh test installs them"

# The server refuses to run as root.
as_server() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}
if [ "$(id -u)" = 0 ]; then
  have runuser || die "runuser is missing; it starts PostgreSQL, which refuses to run as root"
  id postgres >/dev/null 2>&1 || die "the user postgres is missing; PostgreSQL refuses to run as root"
fi

FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/event-actions-pg.XXXXXX")
if [ "$(id -u)" = 0 ]; then chown postgres "$FOLDER"; fi
stop() {
  (cd / && as_server "$BIN/pg_ctl" -D "$FOLDER/data" -m immediate -w stop) >/dev/null 2>&1 || true
  rm -rf "$FOLDER"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

PORT=$(free_port)
say "starting PostgreSQL ($("$BIN/postgres" --version | awk '{ print $3 }')) on port $PORT"
# From /: the server's user may not be allowed into this folder.
(
  cd /
  as_server "$BIN/initdb" -D "$FOLDER/data" -U postgres -A trust -E UTF8 --locale=C >"$FOLDER/initdb.log" 2>&1 || { cat "$FOLDER/initdb.log" >&2; exit 1; }
  as_server "$BIN/pg_ctl" -D "$FOLDER/data" -l "$FOLDER/data/server.log" -w -t 60 -o "-p $PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$FOLDER -c max_connections=400" start >/dev/null || { cat "$FOLDER/data/server.log" >&2; exit 1; }
)
export TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$PORT/postgres"
"$@"
