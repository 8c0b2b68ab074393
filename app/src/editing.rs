//! What editing an action means, without any view: the form behind the controls, the tree of conditions, verdicts, undo.
//!
//! Pure, and the same code on both sides: the islands hold it in signals, the plain forms post into it.

pub mod align;
pub mod catalog;
pub mod config;
pub mod form;
pub mod handler_form;
pub mod history;
pub mod json_text;
pub mod merge;
pub mod read;
pub mod steps;
pub mod tree;
pub mod tree_edit;
pub mod tree_json;
pub mod values;
pub mod verdict;
