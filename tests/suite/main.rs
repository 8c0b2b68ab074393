//! The one integration binary: the whole system through its doors, on SQLite or on the PostgreSQL that `TEST_DATABASE_URL` names.
#![allow(clippy::unwrap_used, reason = "tests stop at what they do not expect")]

mod engine {
    mod alert_notices;
    mod alerts;
    mod demo;
    mod leases;
    mod load;
    mod matcher;
    mod pause;
    mod stats;
    mod transfer;
}
mod routes {
    mod audit;
    mod breaker;
    mod bulk;
    mod cloudevents;
    mod email;
    mod errors;
    mod event_actions;
    mod events;
    mod executions;
    mod fixtures;
    mod functions;
    mod homeless;
    mod library;
    mod limits;
    mod looking;
    mod mail_server;
    mod nested;
    mod openapi;
    mod original_examples;
    mod receivers;
    mod roles;
    mod secrets;
    mod sessions;
    mod signatures;
    mod stream;
    mod surface;
    mod tenants;
    mod workflows;
}
mod tidy;
mod util;
