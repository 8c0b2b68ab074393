//! Made-up events and calls, for previews, test mails and test runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Caller, Engine};
use crate::handlers::{ActionRef, Call};
use crate::model::event::{Event, NewEvent};
use crate::model::library::SampleEvent;
use crate::model::{ApiError, FieldError};

/// The type of an event that has none.
const SAMPLE_TYPE: &str = "sample.event";

/// The engine's pointers begin at the event; in these bodies it stands under `/event`, its payload under `event_data`.
fn under_event(fault: FieldError) -> FieldError {
    let pointer = match fault.pointer.strip_prefix("/data") {
        Some(rest) => format!("/event/event_data{rest}"),
        None => format!("/event{}", fault.pointer),
    };
    FieldError { pointer, ..fault }
}

impl Engine {
    /// The event of a test: of `tenant` when there is one and the event names none, else as any event of the caller's.
    pub(super) fn sample_event(&self, caller: &Caller, tenant: Option<&str>, sample: SampleEvent) -> Result<Event, ApiError> {
        let SampleEvent { event_type, event_data, mut metadata } = sample;
        if let Some(tenant) = tenant.filter(|t| caller.tenant_id.as_deref() != Some(*t) && !metadata.contains_key("tenant_id")) {
            metadata.insert("tenant_id".to_owned(), json!(tenant));
        }
        let new = NewEvent {
            event_type: event_type.filter(|t| !t.is_empty()).unwrap_or_else(|| SAMPLE_TYPE.to_owned()),
            data: Value::Object(event_data),
            metadata: Value::Object(metadata),
            ..NewEvent::default()
        };
        self.accept_sample(caller, new).map_err(|e| ApiError { errors: e.errors.into_iter().map(under_event).collect(), ..e })
    }

    /// A call on behalf of `tenant` that belongs to no action and no execution.
    pub(super) fn sample_call(&self, id: String, tenant: Option<String>, configuration: Value, event: Event, dry_run: bool, timeout: Duration) -> Call {
        let action = ActionRef { id: "sample".to_owned(), name: "Sample".to_owned(), version: 0, tenant_id: tenant };
        Call {
            execution_id: id,
            attempt: 1,
            host: self.host_for(&action, &event.tenant_id, dry_run),
            action,
            configuration,
            event: Arc::new(event),
            timeout,
            cancel: CancellationToken::new(),
            step: None,
            steps: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_of_a_sample() {
        for (pointer, expected) in
            [("/event_type", "/event/event_type"), ("/data", "/event/event_data"), ("/data/a", "/event/event_data/a"), ("/metadata/tenant_id", "/event/metadata/tenant_id")]
        {
            assert_eq!(under_event(FieldError::new(pointer, "x", "x")).pointer, expected);
        }
    }
}
