//! The vocabulary: plain serde types and their `validate()`. Compiles to WebAssembly; knows nothing of storage, HTTP or time.

pub mod access;
pub mod action;
pub mod alert;
pub mod audit;
pub mod bulk;
pub mod condition;
pub mod dead_letter;
pub mod error;
pub mod event;
pub mod execution;
pub mod feed;
pub mod function;
pub mod handler;
pub mod health;
pub mod library;
pub mod mail;
pub mod page;
pub mod path;
pub mod quotas;
pub mod report;
pub mod secret;
pub mod stats;
pub mod template;
pub mod tenant;
pub mod testing;
pub mod time;
pub mod trace;
pub mod user;
pub mod value;

pub use error::{ApiError, ErrorKind, FieldError};
pub use time::Timestamp;
