-- Bulk jobs and their progress. position is the id of the last execution that was looked at; a job looks only at executions
-- that had ended by cutoff (the database's clock), so it never meets what it has started itself. lease_until is judged by the
-- database's clock alone.
CREATE TABLE bulk_jobs (
    id             TEXT PRIMARY KEY,
    tenant_id      TEXT,
    filter         TEXT NOT NULL,
    action_version TEXT NOT NULL,
    status         TEXT NOT NULL,
    total          BIGINT NOT NULL,
    succeeded      BIGINT NOT NULL,
    failed         BIGINT NOT NULL,
    skipped        BIGINT NOT NULL,
    last_error     TEXT,
    position       TEXT NOT NULL,
    cutoff         BIGINT NOT NULL,
    claim_token    TEXT,
    lease_until    BIGINT,
    created_at     BIGINT NOT NULL,
    created_by     TEXT NOT NULL,
    finished_at    BIGINT
);
CREATE INDEX bulk_jobs_open ON bulk_jobs (created_at) WHERE status IN ('running', 'aborting');
CREATE INDEX bulk_jobs_by_tenant ON bulk_jobs (tenant_id, id);
