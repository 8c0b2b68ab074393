-- The trace an execution belongs to (W3C Trace Context), kept so that work which runs later, or elsewhere, is linked to it.
ALTER TABLE action_executions ADD COLUMN traceparent TEXT;
ALTER TABLE action_executions ADD COLUMN tracestate TEXT;
