//! Doors for the editor and the list of actions.
#![allow(missing_docs, reason = "the server macro makes a struct without documentation beside each function")]

use event_actions::matching::GateOutcome;
use event_actions::model::action::NewAction;
use event_actions::model::event::Event;
use event_actions::model::testing::{BacktestReport, TestRequest};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Refusal;
#[cfg(feature = "ssr")]
use super::{answer, asked};

/// Most recent events that the editor works with.
pub const RECENT_EVENTS: u32 = 200;

/// What was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The action.
    pub id: String,
    /// Its new version.
    pub version: i64,
}

/// What somebody else saved meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Theirs {
    /// Its version.
    pub version: i64,
    /// Who saved it.
    pub author: String,
    /// The form of it, with its `conditions`.
    pub form: Value,
}

/// What a test found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// What each of the eight gates said, in order.
    pub gates: Vec<GateOutcome>,
    /// One English sentence.
    pub reason: String,
    /// Gate strip and exact output as HTML, made and escaped by the server's components.
    pub html: String,
    /// What goes into each step of a workflow and what comes out of it, as HTML.
    pub steps: Vec<String>,
    /// Where a real send would go, such as `POST https://api.example.com/hook`.
    pub destination: Option<String>,
    /// The execution of a real send.
    pub execution_id: Option<String>,
}

/// Saves a draft: a new action, or a new version of `id` when it still is at `expected_version`.
#[server(input = Json)]
pub async fn save_action(id: Option<String>, definition: NewAction, expected_version: Option<i64>) -> Result<Saved, Refusal> {
    let (engine, caller) = asked()?;
    answer(crate::forms_actions::save(&engine, &caller, id.as_deref(), definition, expected_version).await).map(|a| Saved { id: a.id, version: a.version })
}

/// The action as it is now, for the comparison with a draft that came too late.
#[server(input = Json)]
pub async fn current_action(id: String) -> Result<Theirs, Refusal> {
    let (engine, caller) = asked()?;
    answer(crate::pages::action_edit::theirs(&engine, &caller, &id).await)
}

/// Tests an unsaved draft, of the saved action `id` or a new one. Nothing is sent.
#[server(input = Json)]
pub async fn test_draft(id: Option<String>, definition: NewAction, request: TestRequest) -> Result<Tried, Refusal> {
    let (engine, caller) = asked()?;
    let (event, filters) = (request.clone(), definition.context_filters.clone());
    answer(engine.test_draft_of(&caller, id.as_deref(), definition, request).await).map(|report| crate::pages::action_edit::result::tried(report, &event, &filters))
}

/// Sends one made-up event through a saved action, for real.
#[server(input = Json)]
pub async fn send_for_real(id: String, request: TestRequest) -> Result<Tried, Refusal> {
    let (engine, caller) = asked()?;
    let request = TestRequest { dry_run: false, ..request };
    answer(engine.test_action(&caller, &id, request.clone()).await).map(|report| crate::pages::action_edit::result::tried(report, &request, &serde_json::Map::new()))
}

/// The latest events that any of these patterns covers, latest first: at most 200, and about a megabyte.
#[server(input = Json)]
pub async fn recent_events(event_types: Vec<String>) -> Result<Vec<Event>, Refusal> {
    let (engine, caller) = asked()?;
    answer(crate::pages::action_edit::recent::recent_events(&engine, &caller, &event_types, RECENT_EVENTS).await)
}

/// Runs a draft's gates over the last `events` stored events, 1 to 1,000 of any type. Nothing is sent.
#[server(input = Json)]
pub async fn backtest_draft(definition: NewAction, events: u32) -> Result<BacktestReport, Refusal> {
    let (engine, caller) = asked()?;
    let request = event_actions::model::testing::BacktestRequest { limit: Some(events) };
    answer(engine.backtest_draft(&caller, definition, request).await)
}

/// Does one thing to several actions: `enable`, `disable`, `duplicate`, `delete`, `restore`. Gives the ids of what there is now.
#[server(input = Json)]
pub async fn act_on_actions(verb: String, ids: Vec<String>) -> Result<Vec<String>, Refusal> {
    let (engine, caller) = asked()?;
    answer(crate::forms_actions::act(&engine, &caller, &verb, &ids).await)
}
