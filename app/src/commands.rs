//! Subcommands that work on the database themselves, also beside a running service: one file each.

pub(crate) mod apply;
pub(crate) mod backup;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod restore;
pub(crate) mod rotate_key;
mod yaml;

use event_actions::engine::Caller;
use event_actions::model::ApiError;

/// Who acts: it stands in the audit log.
fn caller() -> Caller {
    Caller::system("command line")
}

/// A refusal as lines to read: the sentence, then each place with its own.
fn told(e: &ApiError) -> anyhow::Error {
    if e.errors.is_empty() {
        return anyhow::anyhow!("{}", e.detail);
    }
    let line = |f: &event_actions::model::FieldError| if f.pointer.is_empty() { f.message.clone() } else { format!("{}: {}", f.pointer, f.message) };
    anyhow::anyhow!("{}", e.errors.iter().map(line).collect::<Vec<_>>().join("\n       "))
}
