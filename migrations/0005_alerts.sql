-- Alerts, the rules that raise them, the node that evaluates them, and what every node says of itself.

-- document: the rule as JSON. tenant_id is NULL for the platform's rules, which hold for every tenant.
CREATE TABLE alert_rules (
    id         TEXT PRIMARY KEY,
    tenant_id  TEXT REFERENCES tenants (id) ON DELETE CASCADE,
    version    BIGINT NOT NULL,
    document   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL
);

-- subject: what the alert is about, such as action:ID or node:NAME:memory_percent. revision counts up with every change of
-- any alert; a change names the revision it is based on. fired_event and resolved_event: whether the events that tell of its
-- beginning and end have been sent, or never are to be.
CREATE TABLE alerts (
    id              TEXT PRIMARY KEY,
    tenant_id       TEXT REFERENCES tenants (id) ON DELETE CASCADE,
    rule_id         TEXT NOT NULL,
    rule            TEXT NOT NULL,
    kind            TEXT NOT NULL,
    severity        TEXT NOT NULL,
    state           TEXT NOT NULL,
    subject         TEXT NOT NULL,
    action_id       TEXT,
    message         TEXT NOT NULL,
    value           DOUBLE PRECISION NOT NULL,
    threshold       DOUBLE PRECISION NOT NULL,
    started_at      BIGINT NOT NULL,
    fired_at        BIGINT,
    updated_at      BIGINT NOT NULL,
    acknowledged_at BIGINT,
    acknowledged_by TEXT,
    silenced_until  BIGINT,
    silenced_by     TEXT,
    resolved_at     BIGINT,
    resolved_by     TEXT,
    revision        BIGINT NOT NULL,
    fired_event     BOOLEAN NOT NULL,
    resolved_event  BOOLEAN NOT NULL
);
-- One open alert per rule and subject, from however many nodes.
CREATE UNIQUE INDEX alerts_open ON alerts (rule_id, subject) WHERE state <> 'resolved';
CREATE INDEX alerts_by_revision ON alerts (revision);
CREATE INDEX alerts_by_tenant ON alerts (tenant_id, id);
CREATE INDEX alerts_untold ON alerts (id) WHERE fired_event = false OR resolved_event = false;
CREATE INDEX alerts_by_end ON alerts (resolved_at) WHERE state = 'resolved';

-- until is judged by the database's clock alone.
CREATE TABLE leases (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  BIGINT NOT NULL
);

-- seen_at: the database's clock. document: memory, disk, breakers and so on as JSON.
CREATE TABLE nodes (
    name     TEXT PRIMARY KEY,
    seen_at  BIGINT NOT NULL,
    document TEXT NOT NULL
);
