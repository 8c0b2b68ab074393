-- Sums of execution_stats over longer intervals, so that any window is a few hundred rows however much has run.

-- span: minutes of the interval (1, 30, 60 or 1440); slot: its first Unix minute. subject: an action's id, '@' and a tenant's
-- id for all actions of a tenant, or '' for everything. tenant_id: the event's tenant; '' where everything is summed.
-- body: {"KIND": {"BUCKET": [count, summed milliseconds]}}. Intervals of one minute hold no single actions.
CREATE TABLE execution_stats_rollup (
    span      BIGINT NOT NULL,
    subject   TEXT NOT NULL,
    slot      BIGINT NOT NULL,
    tenant_id TEXT NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (span, subject, slot, tenant_id)
);
CREATE INDEX execution_stats_rollup_by_time ON execution_stats_rollup (span, slot);

-- Wide enough to count what waits, since when, and what is dead without reading the table.
DROP INDEX action_executions_to_claim;
CREATE INDEX action_executions_to_claim ON action_executions (claim_key, due_at, id, status, tenant_id, action_id) WHERE status IN ('pending', 'retrying');
DROP INDEX action_executions_dead;
CREATE INDEX action_executions_dead ON action_executions (tenant_id, id, action_id, status, handled_at) WHERE status = 'dead_letter' AND handled_at IS NULL;
