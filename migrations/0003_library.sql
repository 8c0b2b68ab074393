-- What actions refer to by name (mail templates, functions), the outbox, and the progress of workflows.

-- tenant_key is the tenant's id, or '' for platform-wide; kind is template or function; body is a JSON document.
CREATE TABLE library_items (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    tenant_key TEXT NOT NULL,
    name       TEXT NOT NULL,
    version    BIGINT NOT NULL,
    body       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (kind, tenant_key, name)
);

CREATE TABLE library_versions (
    item_id    TEXT NOT NULL,
    version    BIGINT NOT NULL,
    body       TEXT NOT NULL,
    author     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (item_id, version)
);

-- Mails that were not sent through SMTP. id is the message id, so that a repeated attempt adds no second mail.
CREATE TABLE outbox_mails (
    id           TEXT PRIMARY KEY,
    tenant_id    TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    sender       TEXT NOT NULL,
    recipients   TEXT NOT NULL,
    subject      TEXT NOT NULL,
    raw          TEXT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX outbox_mails_by_tenant ON outbox_mails (tenant_id, created_at, id);

CREATE TABLE workflow_steps (
    execution_id TEXT NOT NULL,
    number       BIGINT NOT NULL,
    record       TEXT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (execution_id, number)
);
