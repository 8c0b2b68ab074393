//! The forms of API keys. A new key is shown once, in the answer to the form that made it.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use event_actions::model::access::{ApiKey, NewApiKey, Scope};
use event_actions::model::{ApiError, Timestamp};
use serde_json::{Map, Value, json};

use super::{Doors, End, given, page_of, read};
use crate::components::time::Zone;
use crate::forms_events::segment;
use crate::pages::range::instant;
use crate::posted::Posted;
use crate::preferences::Preferences;

const PAGE: &str = "/keys";
/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;
/// The fields that are shown again: the scopes are check boxes under their own names.
const FIELDS: &[&str] =
    &["name", "tenant_id", "days", "expires_at", "actions:read", "actions:write", "events:read", "events:write", "executions:read", "executions:write", "admin"];

/// A key that was just made, for the one page that shows it.
#[derive(Clone)]
pub struct Made {
    /// What it is for.
    pub name: String,
    /// The key.
    pub key: String,
    /// Whether it takes the place of another, which goes on for a while.
    pub is_rotated: bool,
}

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route(PAGE, post(create))
        .route("/keys/{id}", post(change))
        .route("/keys/{id}/rotate", post(rotate).get(page_of))
        .route("/keys/{id}/revoke", post(revoke).get(page_of))
}

/// When a key ends that lives for so many days; never when nothing is chosen.
fn expiry(days: &str, now: Timestamp) -> Option<Timestamp> {
    days.parse::<u16>().ok().map(|days| now.plus_ms(i64::from(days) * DAY_MS))
}

fn scopes(posted: &Posted) -> Vec<Scope> {
    Scope::ALL.into_iter().filter(|scope| !posted.field(scope.name()).is_empty()).collect()
}

/// The changes that the form asks for; an empty end means never.
fn changes(name: &str, scopes: &[Scope], ends: &str, zone: Zone) -> Result<Map<String, Value>, ApiError> {
    let expires_at = match ends.trim() {
        "" => None,
        text => Some(
            instant(text, zone).ok_or_else(|| ApiError::invalid("/expires_at", "bad_time", "Give the end as a date and a time, such as 2027-01-31T12:00; or leave it empty."))?,
        ),
    };
    let document = json!({"name": name.trim(), "scopes": scopes, "expires_at": expires_at});
    Ok(if let Value::Object(changes) = document { changes } else { Map::new() })
}

async fn change(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let zone = Preferences::of(request.headers()).zone;
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = match changes(&posted.field("name"), &scopes(&posted), &posted.field("expires_at"), zone) {
        Ok(changes) => doors.engine.update_api_key(&posted.caller, &id, changes).await,
        Err(e) => Err(e),
    };
    match result {
        Ok(_) => Redirect::to(&format!("{PAGE}?done=key_changed")).into_response(),
        Err(error) => doors.refuse(posted, error, End::new(format!("{PAGE}/{}", segment(&id)), "").keeping("edit", FIELDS)).await,
    }
}

async fn create(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let scopes = scopes(&posted);
    let expires_at = expiry(&posted.field("days"), Timestamp::now());
    let new = NewApiKey { name: posted.field("name").trim().to_owned(), scopes, tenant_id: given(&posted, "tenant_id"), expires_at };
    let result = doors.engine.create_api_key(&posted.caller, new).await;
    show(doors, posted, result, false).await
}

async fn rotate(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let overlap = posted.field("overlap").parse().ok();
    let result = doors.engine.rotate_api_key(&posted.caller, &id, overlap).await;
    show(doors, posted, result, true).await
}

/// The list with the new key above it. There is no redirect: the key must not get into an address.
async fn show(doors: Doors, posted: Posted, result: Result<ApiKey, ApiError>, is_rotated: bool) -> Response {
    match result {
        Ok(key) => {
            let made = Made { name: key.name, key: key.key.unwrap_or_default(), is_rotated };
            posted.show(doors.pages, PAGE, made, None).await
        }
        Err(error) => doors.refuse(posted, error, End::new(PAGE, "").keeping("new", FIELDS)).await,
    }
}

async fn revoke(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.revoke_api_key(&posted.caller, &id).await;
    doors.end(posted, result, End::new(PAGE, "key_revoked")).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_when_days_are_chosen() {
        assert_eq!(expiry("30", Timestamp(5)), Some(Timestamp(30 * DAY_MS + 5)));
        assert_eq!((expiry("", Timestamp(5)), expiry("soon", Timestamp(5))), (None, None));
    }

    #[test]
    fn an_end_is_read_in_the_readers_zone() {
        let zone = Zone::parse("Europe/Stockholm").unwrap_or_default();
        let found = changes(" Shop ", &[Scope::EventsWrite], "2027-07-01T12:00", zone).expect("changes");
        assert_eq!(Value::Object(found), json!({"name": "Shop", "scopes": ["events:write"], "expires_at": "2027-07-01T10:00:00.000Z"}));
        assert_eq!(changes("a", &[], " ", zone).expect("changes")["expires_at"], Value::Null);
        assert_eq!(changes("a", &[], "soon", zone).expect_err("no time").errors[0].pointer, "/expires_at");
    }

    #[test]
    fn every_scope_is_kept() {
        assert!(Scope::ALL.iter().all(|scope| FIELDS.contains(&scope.name())));
    }
}
