-- Lists by what an event is and by how an execution ended: without these a filter that few rows pass looks at every row.
-- Those that end with tenant_id or event_type are judged by that column without a look at the row.
DROP INDEX events_by_time;
CREATE INDEX events_by_time ON events (received_at, id, event_type, tenant_id);
DROP INDEX events_by_tenant;
CREATE INDEX events_by_tenant ON events (tenant_id, received_at, id, event_type);
CREATE INDEX events_by_type ON events (event_type, received_at, id, tenant_id);
CREATE INDEX events_by_correlation ON events (correlation_id, received_at, id) WHERE correlation_id IS NOT NULL;
CREATE INDEX events_by_aggregate ON events (aggregate_id, received_at, id) WHERE aggregate_id IS NOT NULL;
CREATE INDEX action_executions_by_type ON action_executions (event_type, id, tenant_id);
CREATE INDEX action_executions_by_error ON action_executions (error_class, id) WHERE error_class IS NOT NULL;
-- Three words in an IN would be put into a table of their own by SQLite whenever an execution changes.
CREATE INDEX action_executions_not_done ON action_executions (id, status, tenant_id) WHERE status = 'failed' OR status = 'cancelled' OR status = 'dead_letter';
-- Which version of each action was in force at a time, without its documents.
CREATE INDEX event_action_versions_by_time ON event_action_versions (action_id, version, created_at);
