//! The forms of API keys. A new key is shown once, in the answer to the form that made it.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use event_actions::model::access::{ApiKey, NewApiKey, Scope};
use event_actions::model::{ApiError, Timestamp};

use super::{Doors, End, given, page_of, read};
use crate::posted::Posted;

const PAGE: &str = "/keys";
/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;
/// The fields that are shown again: the scopes are check boxes under their own names.
const FIELDS: &[&str] = &["name", "tenant_id", "days", "actions:read", "actions:write", "events:read", "events:write", "executions:read", "executions:write", "admin"];

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
    Router::new().route(PAGE, post(create)).route("/keys/{id}/rotate", post(rotate).get(page_of)).route("/keys/{id}/revoke", post(revoke).get(page_of))
}

/// When a key ends that lives for so many days; never when nothing is chosen.
fn expiry(days: &str, now: Timestamp) -> Option<Timestamp> {
    days.parse::<u16>().ok().map(|days| now.plus_ms(i64::from(days) * DAY_MS))
}

async fn create(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let scopes = Scope::ALL.into_iter().filter(|scope| !posted.field(scope.name()).is_empty()).collect();
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
    fn every_scope_is_kept() {
        assert!(Scope::ALL.iter().all(|scope| FIELDS.contains(&scope.name())));
    }
}
