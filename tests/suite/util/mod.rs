//! Test support: the service on a port of its own, a client that speaks its REST, and a sink that receives what it sends.

mod app;
pub mod certs;
mod database;
pub mod peers;
mod session;
mod sink;

pub use app::{Answer, TestApp};
pub use sink::{Hit, Reply, Sink};

use serde_json::{Value, json};

/// A webhook action for `event_type` that posts to `url`, with quick retries; `more` replaces or adds members.
pub fn webhook(name: &str, event_type: &str, url: &str, more: Value) -> Value {
    let mut action = json!({
        "name": name, "handler_type": "webhook", "configuration": {"url": url, "method": "POST"}, "event_types": [event_type], "retry_delay_seconds": 0,
    });
    if let (Value::Object(action), Value::Object(more)) = (&mut action, more) {
        action.extend(more);
    }
    action
}

/// An event of a type with data.
pub fn event(event_type: &str, data: Value) -> Value {
    json!({"event_type": event_type, "data": data})
}
