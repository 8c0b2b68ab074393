//! The parts of pages that move: the only code that becomes WebAssembly, besides the plain pieces.
#![allow(missing_docs, reason = "the island macro makes a struct without documentation beside each island")]

pub mod live;
pub mod live_overview;
