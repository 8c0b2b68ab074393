//! Deciding whether an action runs for an event: one evaluator for server and browser, and the server's index that agrees with it.

mod conditions;
mod explain;
#[cfg(feature = "server")]
pub mod index;

pub use crate::model::report::{ConditionReport, Gate, GateOutcome, GateReport, MatchReport, Mend};
pub use conditions::{evaluate, evaluate_all};
pub use explain::{Candidate, explain};
