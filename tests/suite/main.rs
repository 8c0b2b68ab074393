//! The one integration binary: the whole system through its doors, on SQLite or on the PostgreSQL that `TEST_DATABASE_URL` names.
#![allow(clippy::unwrap_used, reason = "tests stop at what they do not expect")]

mod engine {
    mod alerts;
    mod matcher;
    mod stats;
}
mod routes {
    mod breaker;
    mod bulk;
    mod cloudevents;
    mod email;
    mod errors;
    mod event_actions;
    mod events;
    mod executions;
    mod functions;
    mod library;
    mod limits;
    mod original_examples;
    mod secrets;
    mod signatures;
    mod surface;
    mod workflows;
}
mod tidy;
mod util;
