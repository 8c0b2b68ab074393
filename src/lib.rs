//! Event Actions, the system: vocabulary, matching, storage, engine and REST. The console and the process live in `app`.
//!
//! Read `ARCHITECTURE.md` for the map. `model` and `matching` also compile to WebAssembly, for the browser.

pub mod matching;
pub mod model;
