//! Event Actions, the system: vocabulary, matching, storage, engine and REST. The console and the process live in `app`.
//!
//! Read `ARCHITECTURE.md` for the map. `model` and `matching` also compile to WebAssembly, for the browser.

pub mod matching;
pub mod model;

#[cfg(feature = "server")]
pub mod charts;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod db;
#[cfg(feature = "server")]
pub mod engine;
#[cfg(feature = "server")]
pub mod handlers;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod telemetry;
#[cfg(feature = "server")]
pub mod template;
