//! The one integration binary: the whole system through its doors, on SQLite or on the PostgreSQL that `TEST_DATABASE_URL` names.
#![allow(clippy::unwrap_used, reason = "tests stop at what they do not expect")]

mod engine {
    mod matcher;
}
mod routes {
    mod cloudevents;
    mod errors;
    mod event_actions;
    mod events;
    mod executions;
    mod original_examples;
    mod surface;
}
mod tidy;
mod util;
