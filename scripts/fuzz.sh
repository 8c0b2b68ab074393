#!/usr/bin/env bash
# make fuzz: property-based requests from the OpenAPI document against a service of its own, with a key that may do everything.
# No answer may be a fault of ours (5xx), and every answer must be one that the document knows. Needs Python; not part of make test.
#   FUZZ_EXAMPLES=60 FUZZ_SEED=1 scripts/fuzz.sh [options of schemathesis]
. "$(dirname "$0")/lib.sh"

SCHEMATHESIS=4.32.5
EXAMPLES=${FUZZ_EXAMPLES:-60}
KEY=fuzz-key-$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
OUT="$(mkdir -p "$TARGET" && cd "$TARGET" && pwd)/fuzz"

if ! [ -x "$TOOLS/schemathesis/bin/schemathesis" ] || [ "$("$TOOLS/schemathesis/bin/schemathesis" --version)" != "schemathesis, version $SCHEMATHESIS" ]; then
  have python3 || die "python3 is missing: install Python 3.10 or newer, then run this again."
  say "installing schemathesis $SCHEMATHESIS (pip)"
  python3 -m venv "$TOOLS/schemathesis"
  "$TOOLS/schemathesis/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$SCHEMATHESIS"
fi
BINARY=${EVENT_ACTIONS_BINARY:-}
if [ -z "$BINARY" ]; then
  scripts/setup.sh
  say "building"
  build_service
  BINARY="$TARGET/debug/event-actions"
fi

rm -rf "$OUT"
mkdir -p "$OUT"
DATA=$(mktemp -d)
PORT=$(free_port)
# No target is allowed, so that made-up actions reach nobody.
EVENT_ACTIONS_BIND="127.0.0.1:$PORT" EVENT_ACTIONS_DATA_DIR="$DATA" EVENT_ACTIONS_BOOTSTRAP_API_KEY="$KEY" EVENT_ACTIONS_LOG=warn \
  "$BINARY" >"$OUT/service.log" 2>&1 &
SERVICE=$!
trap 'kill $SERVICE 2>/dev/null; wait $SERVICE 2>/dev/null || true; rm -rf "$DATA"' EXIT
for _ in $(seq 100); do
  if curl -fsS "http://127.0.0.1:$PORT/health/ready" >/dev/null 2>&1; then break; fi
  sleep 0.2
done

# The stream never ends. The key itself must live on, and the tenant that everybody uses.
say "asking (examples per operation: $EXAMPLES)"
status=0
# It keeps notes of its own where it runs.
cd "$OUT"
"$TOOLS/schemathesis/bin/schemathesis" run "http://127.0.0.1:$PORT/api/openapi.json" --url "http://127.0.0.1:$PORT" \
  --header "Authorization: Bearer $KEY" --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
  --phases examples,coverage,fuzzing --max-examples "$EXAMPLES" --workers 2 --continue-on-failure --no-shrink --seed "${FUZZ_SEED:-1}" \
  --exclude-path /api/v1/stream --request-timeout 30 --generation-database none --warnings off --suppress-health-check all \
  --report ndjson,junit --report-dir "$OUT" --no-color "$@" 2>&1 | tee "$OUT/report.txt" || status=$?
kill -0 $SERVICE || die "the service ended by itself; see $OUT/service.log"
if grep -q 'panicked' "$OUT/service.log"; then die "the service panicked; see $OUT/service.log"; fi
say "the report is in $OUT"
exit "$status"
