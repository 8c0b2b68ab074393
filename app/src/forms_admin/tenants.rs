//! The forms of tenants: a new one, the name and settings of one that exists, and its end.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use event_actions::model::tenant::NewTenant;
use serde_json::{Map, Value, json};

use super::{Doors, End, page_of, read};
use crate::session::encode;

const PAGE: &str = "/tenants";
/// The fields of a tenant's form.
const FIELDS: &[&str] = &["id", "name", "events_per_minute", "max_actions", "retention_days", "allowed_senders"];
/// The settings that are numbers.
const NUMBERS: [&str; 3] = ["events_per_minute", "max_actions", "retention_days"];

pub(super) fn routes() -> Router<Doors> {
    Router::new().route(PAGE, post(create)).route("/tenants/{id}", post(change)).route("/tenants/{id}/delete", post(delete).get(page_of))
}

/// What was typed as settings. Empty means null, which clears; what is no number stays a text, which is refused by name.
fn settings(field: impl Fn(&str) -> String) -> Map<String, Value> {
    let mut settings = Map::new();
    for name in NUMBERS {
        let text = field(name).trim().to_owned();
        let value = if text.is_empty() { Value::Null } else { text.parse::<u64>().map_or_else(|_| Value::String(text.clone()), Value::from) };
        settings.insert(name.to_owned(), value);
    }
    let senders: Vec<String> = field("allowed_senders").split([',', '\n', ' ']).map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
    settings.insert("allowed_senders".to_owned(), if senders.is_empty() { Value::Null } else { json!(senders) });
    settings
}

async fn create(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let mut settings = settings(|name| posted.field(name));
    settings.retain(|_, value| !value.is_null());
    let new = NewTenant { id: posted.field("id").trim().to_owned(), name: posted.field("name").trim().to_owned(), settings };
    let result = doors.engine.create_tenant(&posted.caller, new).await;
    doors.end(posted, result, End::new(PAGE, "tenant_created").keeping("new", FIELDS)).await
}

async fn change(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let mut changes = Map::new();
    changes.insert("name".to_owned(), json!(posted.field("name").trim()));
    changes.insert("settings".to_owned(), Value::Object(settings(|name| posted.field(name))));
    let result = doors.engine.update_tenant(&posted.caller, &id, changes).await;
    doors.end(posted, result, End::new(format!("{PAGE}/{}", encode(&id)), "tenant_changed").keeping("settings", FIELDS)).await
}

async fn delete(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.delete_tenant(&posted.caller, &id, Some(&posted.field("confirm"))).await;
    match result {
        Ok(()) => doors.end(posted, Ok(()), End::new(PAGE, "tenant_deleted")).await,
        Err(error) => doors.refuse(posted, error, End::new(format!("{PAGE}/{}", encode(&id)), "").keeping("delete", &["confirm"])).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_typed() {
        let typed = |name: &str| match name {
            "events_per_minute" => " 600 ".to_owned(),
            "max_actions" => "many".to_owned(),
            "allowed_senders" => "ops@example.com, @example.org\n".to_owned(),
            _ => String::new(),
        };
        let expected = json!({"events_per_minute": 600, "max_actions": "many", "retention_days": null, "allowed_senders": ["ops@example.com", "@example.org"]});
        assert_eq!(Value::Object(settings(typed)), expected);
    }
}
