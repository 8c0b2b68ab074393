-- Events, actions, executions and what adds up from them. One text for SQLite and PostgreSQL:
-- ids and documents are TEXT, instants are BIGINT Unix milliseconds.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE tenants (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    settings   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE event_actions (
    id           TEXT PRIMARY KEY,
    tenant_id    TEXT,
    name         TEXT NOT NULL,
    handler_type TEXT NOT NULL,
    is_enabled   BOOLEAN NOT NULL,
    version      BIGINT NOT NULL,
    document     TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    deleted_at   BIGINT,
    revision     BIGINT NOT NULL
);
CREATE INDEX event_actions_by_revision ON event_actions (revision);

CREATE TABLE event_action_versions (
    action_id  TEXT NOT NULL,
    version    BIGINT NOT NULL,
    document   TEXT NOT NULL,
    deleted    BOOLEAN NOT NULL,
    author     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (action_id, version)
);

CREATE TABLE events (
    tenant_id      TEXT NOT NULL,
    id             TEXT NOT NULL,
    event_type     TEXT NOT NULL,
    aggregate_id   TEXT,
    aggregate_type TEXT,
    data           TEXT NOT NULL,
    metadata       TEXT NOT NULL,
    occurred_at    BIGINT NOT NULL,
    received_at    BIGINT NOT NULL,
    correlation_id TEXT,
    causation_id   TEXT,
    depth          BIGINT NOT NULL,
    body_hash      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX events_by_time ON events (received_at, id);
CREATE INDEX events_by_tenant ON events (tenant_id, received_at, id);

CREATE TABLE idempotency_keys (
    tenant_id  TEXT NOT NULL,
    key        TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    body_hash  TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);

-- ordering_seq counts in the order of commits; the counter's row is locked until the commit.
-- claim_key is due_at plus what the priority yields; lease_until is judged by the database's clock alone.
CREATE TABLE action_executions (
    id             TEXT PRIMARY KEY,
    tenant_id      TEXT NOT NULL,
    event_id       TEXT NOT NULL,
    event_type     TEXT NOT NULL,
    action_id      TEXT NOT NULL,
    action_name    TEXT NOT NULL,
    action_version BIGINT NOT NULL,
    handler_type   TEXT NOT NULL,
    mode           TEXT NOT NULL,
    priority       BIGINT NOT NULL,
    status         TEXT NOT NULL,
    due_at         BIGINT NOT NULL,
    claim_key      BIGINT NOT NULL,
    attempt        BIGINT NOT NULL,
    failures       BIGINT NOT NULL,
    lost_leases    BIGINT NOT NULL,
    claim_token    TEXT,
    node           TEXT,
    lease_until    BIGINT,
    attempt_started_at BIGINT,
    ordering_key   TEXT,
    ordering_seq   BIGINT,
    cancel_requested BOOLEAN NOT NULL,
    result         TEXT,
    error          TEXT,
    error_class    TEXT,
    created_at     BIGINT NOT NULL,
    started_at     BIGINT,
    finished_at    BIGINT,
    duration_ms    BIGINT,
    replay_of      TEXT,
    handled_at     BIGINT
);
CREATE INDEX action_executions_by_tenant ON action_executions (tenant_id, id);
CREATE INDEX action_executions_by_action ON action_executions (action_id, id);
CREATE INDEX action_executions_by_event ON action_executions (event_id, tenant_id);
CREATE INDEX action_executions_to_claim ON action_executions (claim_key, due_at, id) WHERE status IN ('pending', 'retrying');
CREATE INDEX action_executions_leased ON action_executions (lease_until) WHERE status = 'running';
CREATE INDEX action_executions_dead ON action_executions (tenant_id, id) WHERE status = 'dead_letter' AND handled_at IS NULL;
CREATE INDEX action_executions_ordered ON action_executions (action_id, ordering_key, ordering_seq) WHERE ordering_key IS NOT NULL AND status IN ('pending', 'running', 'retrying');

CREATE TABLE execution_attempts (
    execution_id TEXT NOT NULL,
    number       BIGINT NOT NULL,
    node         TEXT NOT NULL,
    started_at   BIGINT NOT NULL,
    finished_at  BIGINT NOT NULL,
    duration_ms  BIGINT,
    outcome      TEXT NOT NULL,
    error        TEXT,
    request      TEXT,
    response     TEXT,
    logs         TEXT,
    PRIMARY KEY (execution_id, number)
);

-- Rows that add up. kind: a terminal status for executions (bucket -1), attempt_succeeded or attempt_failed for attempts.
CREATE TABLE execution_stats (
    minute    BIGINT NOT NULL,
    tenant_id TEXT NOT NULL,
    action_id TEXT NOT NULL,
    kind      TEXT NOT NULL,
    bucket    BIGINT NOT NULL,
    count     BIGINT NOT NULL,
    sum_ms    BIGINT NOT NULL,
    PRIMARY KEY (minute, tenant_id, action_id, kind, bucket)
);
CREATE INDEX execution_stats_by_action ON execution_stats (action_id, minute);

INSERT INTO tenants (id, name, settings, created_at, updated_at) VALUES ('default', 'Default', '{}', 0, 0);
