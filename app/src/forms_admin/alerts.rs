//! The forms of alerts and of their rules.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{Redirect, Response};
use axum::routing::post;
use event_actions::engine::RuleChange;
use event_actions::model::ApiError;
use event_actions::model::alert::{Alert, SilenceRequest};
use event_actions::model::error::Faults;
use serde_json::{Map, Value, json};

use super::{Doors, End, read};
use crate::posted::Posted;
use crate::session::encode;

const PAGE: &str = "/alerts";
const RULES: &str = "/alerts/rules";
/// The fields of a rule's form.
const FIELDS: &[&str] = &[
    "name",
    "kind",
    "metric",
    "severity",
    "scope",
    "scope_tag",
    "scope_action",
    "tenant_id",
    "threshold",
    "window_seconds",
    "min_samples",
    "for_seconds",
    "is_enabled",
    "version",
];
/// The fields that are numbers.
const NUMBERS: [&str; 4] = ["threshold", "window_seconds", "min_samples", "for_seconds"];

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/alerts/{id}/acknowledge", post(acknowledge).get(page_of))
        .route("/alerts/{id}/silence", post(silence).get(page_of))
        .route("/alerts/{id}/resolve", post(resolve).get(page_of))
        .route("/alerts/rules/new", post(create))
        .route("/alerts/rules/{id}", post(change))
        .route("/alerts/rules/{id}/enable", post(enable).get(rules))
        .route("/alerts/rules/{id}/disable", post(disable).get(rules))
        .route("/alerts/rules/{id}/delete", post(delete).get(rules))
}

async fn page_of() -> Redirect {
    Redirect::to(PAGE)
}

async fn rules() -> Redirect {
    Redirect::to(RULES)
}

async fn ended(doors: Doors, posted: Posted, result: Result<Alert, ApiError>, done: &'static str) -> Response {
    doors.end(posted, result, End::new(PAGE, done)).await
}

async fn acknowledge(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.acknowledge_alert(&posted.caller, &id).await;
    ended(doors, posted, result, "alert_acknowledged").await
}

async fn silence(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let minutes = posted.field("minutes").trim().parse::<u32>();
    let result = match minutes {
        Ok(minutes) => doors.engine.silence_alert(&posted.caller, &id, SilenceRequest { minutes: Some(minutes), until: None }).await,
        Err(_) => Err(ApiError::invalid("/minutes", "wrong_type", "Choose for how long the alert is to be silent.")),
    };
    ended(doors, posted, result, "alert_silenced").await
}

async fn resolve(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.resolve_alert(&posted.caller, &id).await;
    ended(doors, posted, result, "alert_resolved").await
}

/// What was typed as the members of a rule. What is no number stays a text; see [`numbers`].
fn members(field: impl Fn(&str) -> String) -> Map<String, Value> {
    let text = |name: &str| field(name).trim().to_owned();
    let mut members = Map::new();
    for name in ["name", "kind", "severity"] {
        members.insert(name.to_owned(), json!(text(name)));
    }
    for name in ["metric", "tenant_id"] {
        let text = text(name);
        if name == "metric" || !text.is_empty() {
            members.insert(name.to_owned(), if text.is_empty() { Value::Null } else { json!(text) });
        }
    }
    for name in NUMBERS {
        let text = text(name);
        let number = if name == "threshold" { text.parse::<f64>().ok().map(Value::from) } else { text.parse::<u64>().ok().map(Value::from) };
        members.insert(name.to_owned(), number.unwrap_or(Value::String(text)));
    }
    let scope = match text("scope").as_str() {
        "tag" => json!({"tag": text("scope_tag")}),
        "action" => json!({"action": text("scope_action")}),
        _ => json!("all"),
    };
    members.insert("scope".to_owned(), scope);
    members.insert("is_enabled".to_owned(), json!(!field("is_enabled").is_empty()));
    members
}

/// Every field that holds no number, refused in plain words.
fn numbers(members: &Map<String, Value>) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    for name in NUMBERS {
        if members.get(name).is_some_and(Value::is_string) {
            faults.add(format!("/{name}"), "wrong_type", "Type a number.");
        }
    }
    faults.into_result()
}

async fn create(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let change = RuleChange { pointer: String::new(), members: members(|name| posted.field(name)) };
    write(doors, posted, change, &format!("{RULES}/new"), "rule_created").await
}

async fn change(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let mut members = members(|name| posted.field(name));
    members.insert("id".to_owned(), json!(id));
    if let Ok(version) = posted.field("version").parse::<i64>() {
        members.insert("version".to_owned(), json!(version));
    }
    let here = format!("{RULES}/{}", encode(&id));
    write(doors, posted, RuleChange { pointer: String::new(), members }, &here, "rule_changed").await
}

/// Writes a rule; refused, its form is shown again with what was typed.
async fn write(doors: Doors, posted: Posted, change: RuleChange, here: &str, done: &'static str) -> Response {
    let result = match numbers(&change.members) {
        Ok(()) => doors.engine.put_alert_rules(&posted.caller, vec![change], false).await,
        Err(error) => Err(error),
    };
    match result {
        Err(error) => doors.refuse(posted, error, End::new(here, "").keeping("rule", FIELDS)).await,
        done_well => doors.end(posted, done_well, End::new(RULES, done)).await,
    }
}

async fn switch(doors: Doors, id: String, request: Request, is_enabled: bool) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let members = Map::from_iter([("id".to_owned(), json!(id)), ("is_enabled".to_owned(), json!(is_enabled))]);
    let result = doors.engine.put_alert_rules(&posted.caller, vec![RuleChange { pointer: String::new(), members }], false).await;
    doors.end(posted, result, End::new(RULES, if is_enabled { "rule_on" } else { "rule_off" })).await
}

async fn enable(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    switch(doors, id, request, true).await
}

async fn disable(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    switch(doors, id, request, false).await
}

async fn delete(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.delete_alert_rule(&posted.caller, &id).await;
    doors.end(posted, result, End::new(RULES, "rule_deleted")).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_typed() {
        let typed = |name: &str| {
            let pairs = [
                ("name", " Slow "),
                ("kind", "slow_executions"),
                ("threshold", "2.5"),
                ("window_seconds", "long"),
                ("scope", "tag"),
                ("scope_tag", "billing"),
                ("is_enabled", "true"),
            ];
            pairs.iter().find(|(n, _)| *n == name).map_or_else(String::new, |(_, v)| (*v).to_owned())
        };
        let read = Value::Object(members(typed));
        assert_eq!((&read["name"], &read["threshold"], &read["window_seconds"]), (&json!("Slow"), &json!(2.5), &json!("long")));
        assert_eq!((&read["scope"], &read["metric"], &read["is_enabled"], read.get("tenant_id")), (&json!({"tag": "billing"}), &Value::Null, &json!(true), None));
    }
}
