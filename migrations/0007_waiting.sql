-- How much of an action is due, asked of limited actions before the queue reserves their starts.
CREATE INDEX action_executions_waiting ON action_executions (action_id, due_at) WHERE status IN ('pending', 'retrying');
