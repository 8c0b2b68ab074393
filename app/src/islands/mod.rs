//! The parts of pages that move: the only code that becomes WebAssembly, besides the plain pieces.
#![allow(missing_docs, reason = "the island macro makes a struct without documentation beside each island")]

pub mod action_editor;
pub mod action_list;
pub mod condition_builder;
pub mod copy;
pub mod desk;
pub mod flash;
pub mod live;
pub mod live_bulk;
pub mod live_list;
pub mod live_overview;
pub mod send_curl;
pub mod test_panel;
