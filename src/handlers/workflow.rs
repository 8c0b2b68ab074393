//! Workflows: several steps in one action, one after another or together, each stored as it finishes.
//!
//! After a crash or a retry a workflow goes on behind the last finished step. A delay holds no worker.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Call, Handler, HandlerError, Output, Preview};
use crate::model::FieldError;
use crate::model::handler::{Field, FieldKind, HandlerHealth, HandlerSpec, HandlerType};

mod builtin;
mod convert;
mod perform;
mod plan;
mod preview;
mod record;
mod run;
#[cfg(test)]
mod tests;

use plan::{Kind, Plan};

pub use plan::{MAX_DELAY_SECONDS, MAX_DEPTH, MAX_STEPS};

/// The handler `workflow`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Workflow;

/// The name in `handler_type`, and of a step that is a workflow itself.
const TYPE: &str = "workflow";

#[async_trait]
impl Handler for Workflow {
    fn spec(&self) -> HandlerSpec {
        HandlerSpec {
            handler_type: HandlerType::new(TYPE),
            label: "Workflow".into(),
            description: "Several steps: validate, transform, send, delay, and any other handler. Finished steps are never repeated.".into(),
            fields: vec![
                Field::new("steps", "Steps", FieldKind::Steps)
                    .required()
                    .help("Each sees the results of earlier ones as steps.NAME, and that of the step before as steps.previous."),
                Field::new("timeout", "Timeout", FieldKind::Number { min: 1, max: 900, unit: Some("s".into()) })
                    .literal()
                    .help("Counts the time all steps run, over all attempts, delays excluded."),
                Field::new("parallel", "All steps together", FieldKind::Switch)
                    .literal()
                    .default(json!(false))
                    .help("Start all at once; the workflow fails when one of them fails."),
            ],
        }
    }

    fn validate(&self, configuration: &Value) -> Vec<FieldError> {
        let mut faults = Plan::read(configuration).err().unwrap_or_default();
        if depth(configuration) > MAX_DEPTH {
            faults.push(FieldError::new("/steps", "too_deep", format!("Workflows may be nested {MAX_DEPTH} deep, no deeper.")));
        }
        faults
    }

    fn preview(&self, call: &Call) -> Result<Preview, HandlerError> {
        preview::preview(call, &Plan::of(call)?)
    }

    async fn handle(&self, call: &Call) -> Result<Output, HandlerError> {
        run::run(call, &Plan::of(call)?).await
    }

    async fn health(&self) -> HandlerHealth {
        HandlerHealth::Healthy
    }
}

/// The configurations of other handlers inside a workflow's, at every depth: JSON Pointer, handler type, configuration.
///
/// Whoever saves a workflow checks each like an action's own: its schema, its secrets, its `verify_ssl`. Steps that cannot
/// be read are left to [`Workflow::validate`].
#[must_use]
pub fn inner_configurations(configuration: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    collect("", configuration, 1, &mut found);
    found
}

fn collect(pointer: &str, configuration: &Value, level: usize, found: &mut Vec<(String, String, Value)>) {
    let steps = configuration.get("steps").and_then(Value::as_array);
    for (i, step) in steps.into_iter().flatten().enumerate() {
        let params = step.get("params").cloned().unwrap_or_else(|| json!({}));
        let action = step.get("action").and_then(Value::as_str).unwrap_or_default();
        if let Ok(Kind::Handler { handler_type, configuration }) = Kind::of(action, &params) {
            let at = format!("{pointer}/steps/{i}/params");
            if handler_type == TYPE && level < MAX_DEPTH {
                collect(&at, &configuration, level + 1, found);
            }
            found.push((at, handler_type, configuration));
        }
    }
}

/// How many workflows lie inside one another; 1 for a plain one.
fn depth(configuration: &Value) -> usize {
    let steps = configuration.get("steps").and_then(Value::as_array);
    let inner = steps.into_iter().flatten().filter(|s| s.get("action").and_then(Value::as_str) == Some(TYPE)).filter_map(|s| s.get("params")).map(depth).max();
    1 + inner.unwrap_or(0)
}
