//! Routes of alert rules: read them all, write one or all.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::{is_json, media_type, parse, read, unsupported};
use super::params::{Nothing, Params, TenantQuery};
use crate::engine::{Engine, RuleChange};
use crate::model::ApiError;
use crate::model::alert::AlertRule;
use crate::model::event::MAX_EVENT_BYTES;
use crate::model::page::Page;
use crate::model::value::describe;

const TAG: &str = "alerts";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_alert_rules, put_alert_rules))
}

/// All rules, as the list shows them, or one.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "says in the document what is taken")]
enum AlertRules {
    /// The rules afterwards; those of the caller that are not named are deleted.
    Page {
        /// The rules.
        items: Vec<AlertRule>,
    },
    /// The same as a list.
    All(Vec<AlertRule>),
    /// One rule: changed when it names an id, else new.
    One(AlertRule),
}

/// Rules as a request writes them, and whether they are all there are to be.
#[derive(Debug, PartialEq)]
struct Written {
    changes: Vec<RuleChange>,
    replace: bool,
}

fn object(value: Value, pointer: String) -> Result<RuleChange, ApiError> {
    match value {
        Value::Object(members) => Ok(RuleChange { pointer, members }),
        other => Err(ApiError::invalid(&pointer, "wrong_type", format!("A rule is an object; found {}.", describe(&other)))),
    }
}

fn list(items: Vec<Value>, before: &str) -> Result<Written, ApiError> {
    let changes = items.into_iter().enumerate().map(|(i, item)| object(item, format!("{before}/{i}"))).collect::<Result<_, _>>()?;
    Ok(Written { changes, replace: true })
}

/// Reads one rule, a list, or a page as `GET` answers it.
fn written(body: Value) -> Result<Written, ApiError> {
    match body {
        Value::Array(items) => list(items, ""),
        Value::Object(mut members) if members.contains_key("items") => {
            let items = members.remove("items").unwrap_or_default();
            let rest: Map<String, Value> = members.into_iter().filter(|(key, _)| key != "next_cursor" && key != "total").collect();
            if let Some((key, _)) = rest.into_iter().next() {
                return Err(ApiError::invalid(&format!("/{key}"), "unknown_field", format!("There is no member {key:?} beside items.")));
            }
            match items {
                Value::Array(items) => list(items, "/items"),
                other => Err(ApiError::invalid("/items", "wrong_type", format!("items is an array; found {}.", describe(&other)))),
            }
        }
        one => Ok(Written { changes: vec![object(one, String::new())?], replace: false }),
    }
}

impl<S: Send + Sync> FromRequest<S> for Written {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let kind = media_type(request.headers());
        if !kind.as_deref().is_some_and(is_json) {
            return Err(unsupported(&["application/json"], kind.as_deref()));
        }
        let bytes = read(request, MAX_EVENT_BYTES).await?;
        if bytes.is_empty() {
            return Err(ApiError::bad_request("empty_body", "The body is empty; this route needs JSON."));
        }
        written(parse(&bytes)?)
    }
}

/// Every alert rule that holds for the caller, in the order in which they were made
#[utoipa::path(get, path = "/api/v1/alert-rules", tag = TAG, params(TenantQuery), responses((status = 200, description = "All rules", body = Page<AlertRule>)))]
async fn list_alert_rules(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<TenantQuery>) -> Result<Json<Page<AlertRule>>, ApiError> {
    engine.list_alert_rules(&caller, q.tenant_id.as_deref()).await.map(super::whole)
}

/// Write alert rules: one, or all of them at once
///
/// One object with an `id` changes that rule (any subset of its members), without one it makes a rule. A list, or the page as `GET`
/// answers it, stands for all rules of the caller: those that it does not name are deleted. A rule that names a `version` is refused
/// when it is not the current one.
#[utoipa::path(put, path = "/api/v1/alert-rules", tag = TAG, request_body = AlertRules, responses((status = 200, description = "The rules afterwards", body = Page<AlertRule>)))]
async fn put_alert_rules(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, rules: Written) -> Result<Json<Page<AlertRule>>, ApiError> {
    engine.put_alert_rules(&caller, rules.changes, rules.replace).await.map(super::whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_rule_or_all_of_them() {
        let pointers = |body: Value| written(body).map(|w| (w.replace, w.changes.into_iter().map(|c| c.pointer).collect::<Vec<_>>())).map_err(|e| e.errors[0].pointer.clone());
        let of = |replace: bool, all: &[&str]| Ok((replace, all.iter().map(|p| (*p).to_owned()).collect()));
        for (body, expected) in [
            (json!({"kind": "loop"}), of(false, &[""])),
            (json!([{"kind": "loop"}, {}]), of(true, &["/0", "/1"])),
            (json!({"items": [{}, {}], "next_cursor": null, "total": 2}), of(true, &["/items/0", "/items/1"])),
            (json!({"items": []}), of(true, &[])),
            (json!({"items": {}}), Err("/items".to_owned())),
            (json!({"items": [], "more": 1}), Err("/more".to_owned())),
            (json!([1]), Err("/0".to_owned())),
            (json!("loop"), Err(String::new())),
        ] {
            assert_eq!(pointers(body.clone()), expected, "{body}");
        }
    }
}
