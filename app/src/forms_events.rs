//! The plain forms behind events, executions and dead letters: a post and a redirect, or the same page again with what was typed.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use event_actions::engine::{Caller, Engine};
use event_actions::model::error::Faults;
use event_actions::model::event::NewEvent;
use event_actions::model::testing::{MatchRequest, MatchResponse, ReplayRequest, ReplayVersion};
use event_actions::model::{ApiError, ErrorKind};
use serde_json::{Map, Value};

use crate::components::curl::EventFields;
use crate::editing::json_text::parse_object;
use crate::posted::Posted;
use crate::session::{encode, local_path};

/// Most bytes of one of these forms: an event of 1 MiB, percent-encoded.
const MAX_BYTES: usize = 4 << 20;

/// What was typed into "Send an event", for the page that is shown again.
#[derive(Clone, Debug, Default)]
pub struct KeptEvent {
    /// What was typed.
    pub fields: EventFields,
    /// Why it was refused.
    pub error: Option<ApiError>,
    /// Which actions it would fire.
    pub found: Option<MatchResponse>,
}

/// What was typed into a replay that was refused.
#[derive(Clone, Debug)]
pub struct KeptReplay {
    /// `original` or `current`.
    pub version: String,
    /// Whether the payload was to be replaced.
    pub is_edited: bool,
    /// The payload typed.
    pub data: String,
    /// Why it was refused.
    pub error: ApiError,
}

/// Why a button did nothing, for the page that is shown again.
#[derive(Clone, Debug)]
pub struct Refused(pub ApiError);

#[derive(Clone)]
struct Doors {
    engine: Engine,
    pages: Router,
}

/// The posts of these pages. `pages` are the pages themselves, to be shown again with what was typed.
pub fn routes(engine: Engine, pages: Router) -> Router {
    Router::new()
        .route("/events/send", post(send).get(page_of))
        .route("/events/{id}/replay", post(replay_event).get(page_of))
        .route("/executions/{id}/replay", post(replay_execution).get(page_of))
        .route("/executions/{id}/cancel", post(cancel).get(page_of))
        .route("/dead-letters/{id}/replay", post(replay_dead_letter).get(page_of))
        .route("/dead-letters/{id}/discard", post(discard).get(page_of))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .with_state(Doors { engine, pages })
}

/// Where somebody ends who asks for the address of a form, such as after signing in anew.
async fn page_of(uri: Uri) -> Redirect {
    let page = uri.path().rsplit_once('/').map_or("/", |(page, _)| page);
    Redirect::to(if page.starts_with("/dead-letters/") { "/dead-letters" } else { local_path(page).unwrap_or("/") })
}

/// A page's address that also says what was done, and to what: `/executions?status=failed&done=replayed&new=ID`.
fn said(back: &str, done: &str, new: &str) -> String {
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !["done=", "new=", "n="].iter().any(|name| pair.starts_with(name)));
    let mut pairs: Vec<String> = kept.map(str::to_owned).collect();
    pairs.push(format!("done={done}"));
    if !new.is_empty() {
        pairs.push(format!("new={}", encode(new)));
    }
    format!("{path}?{}", pairs.join("&"))
}

/// A text as one segment of a path; ids of events are the clients' own.
#[must_use]
pub fn segment(text: &str) -> String {
    encode(text).replace('/', "%2F")
}

fn to(url: &str) -> Response {
    Redirect::to(url).into_response()
}

fn no_json(pointer: &str) -> impl Fn(crate::editing::json_text::JsonFault) -> ApiError {
    move |fault| ApiError::invalid(pointer, "bad_json", fault.sentence())
}

/// Reads what was typed, every fault at once.
fn read(fields: &EventFields) -> Result<NewEvent, ApiError> {
    let mut faults = Faults::default();
    let mut object = |text: &str, pointer: &str| {
        parse_object(text).unwrap_or_else(|fault| {
            faults.add(pointer, "bad_json", fault.sentence());
            Map::new()
        })
    };
    let (data, metadata) = (object(&fields.data, "/data"), object(&fields.metadata, "/metadata"));
    let given = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    let new = NewEvent {
        event_type: fields.event_type.trim().to_owned(),
        aggregate_type: given(&fields.aggregate_type),
        aggregate_id: given(&fields.aggregate_id),
        correlation_id: given(&fields.correlation_id),
        data: Value::Object(data),
        metadata: Value::Object(metadata),
        ..NewEvent::default()
    };
    faults.0.splice(0..0, new.validate().0);
    faults.into_result().map(|()| new)
}

/// The key of a sending: the same page with the same text sends one event, however often the button is pressed.
fn key_of(page: &str, new: &NewEvent) -> Option<String> {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let fine = !page.is_empty() && page.len() <= 64 && page.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(new).ok()?.hash(&mut hasher);
    fine.then(|| format!("console-{page}-{:016x}", hasher.finish()))
}

fn fields_of(posted: &Posted) -> EventFields {
    let text = |name: &str| posted.field(name);
    EventFields {
        event_type: text("event_type"),
        aggregate_type: text("aggregate_type"),
        aggregate_id: text("aggregate_id"),
        correlation_id: text("correlation_id"),
        data: text("data"),
        metadata: text("metadata"),
    }
}

/// Sends the event, or says which actions it would fire.
async fn send(State(Doors { engine, pages }): State<Doors>, request: Request) -> Response {
    let posted = match Posted::of(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let (verb, page) = (posted.field("do"), posted.field("key"));
    let mut kept = KeptEvent { fields: fields_of(&posted), ..KeptEvent::default() };
    match read(&kept.fields) {
        Err(e) => kept.error = Some(e),
        Ok(new) if verb == "match" => {
            let object = |value: Value| if let Value::Object(map) = value { map } else { Map::new() };
            let request = MatchRequest { event_type: new.event_type, event_data: object(new.data), metadata: object(new.metadata) };
            match engine.match_event(&posted.caller, request).await {
                Ok(found) => kept.found = Some(found),
                Err(e) => kept.error = Some(e),
            }
        }
        Ok(new) => {
            let key = key_of(&page, &new);
            match engine.ingest(&posted.caller, new, key).await {
                Ok(receipt) => {
                    let done = if receipt.duplicate { "known" } else { "sent" };
                    return to(&format!("{}&n={}", said(&format!("/events/{}", segment(&receipt.event_id)), done, ""), receipt.matched));
                }
                Err(e) => kept.error = Some(e),
            }
        }
    }
    let error = kept.error.clone();
    posted.show(pages, "/events?send=1", kept, error.as_ref()).await
}

async fn replay_event(State(Doors { engine, pages }): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match Posted::of(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let tenant = posted.field("tenant_id");
    let back = page_with_tenant(&id, &tenant);
    let result = match looking_at(&posted.caller, &tenant) {
        Ok(caller) => engine.replay_event(&caller, &id).await,
        Err(e) => Err(e),
    };
    match result {
        Ok(receipt) => to(&format!("{}&n={}", said(&page_with_tenant(&receipt.event_id, &tenant), "event_replayed", ""), receipt.matched)),
        Err(e) => refused(posted, pages, &back, e).await,
    }
}

/// An event's page; `tenant` is needed where all tenants are looked at.
#[must_use]
pub fn page_with_tenant(id: &str, tenant: &str) -> String {
    let page = format!("/events/{}", segment(id));
    if tenant.is_empty() { page } else { format!("{page}?tenant_id={}", encode(tenant)) }
}

/// The caller narrowed to one tenant, where it looks at all of them.
///
/// # Errors
/// 404 for a tenant that is not the caller's.
pub fn looking_at(caller: &Caller, tenant: &str) -> Result<Caller, ApiError> {
    let wanted = Some(tenant).filter(|t| !t.is_empty());
    Ok(Caller { tenant_id: caller.reads(wanted)?, ..caller.clone() })
}

/// The same page again, with the refusal; somebody whose session ended signs in anew.
async fn refused(posted: Posted, pages: Router, back: &str, error: ApiError) -> Response {
    if error.kind == ErrorKind::Unauthorized {
        return to("/login");
    }
    posted.show(pages, back, Refused(error.clone()), Some(&error)).await
}

async fn replay_execution(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    replay(doors, id, request, None).await
}

async fn replay_dead_letter(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    replay(doors, id, request, Some("/dead-letters")).await
}

/// Replays an execution: leads to the new one, or back to the list that the button stands in.
async fn replay(Doors { engine, pages }: Doors, id: String, request: Request, home: Option<&str>) -> Response {
    let posted = match Posted::of(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let (version, data, back) = (posted.field("version"), posted.field("data"), posted.field("back"));
    let is_edited = posted.field("payload") == "edited";
    let list = local_path(&back).or(home).map(str::to_owned);
    let event_data = if is_edited { parse_object(&data).map(Some).map_err(no_json("/event_data")) } else { Ok(None) };
    let action_version = if version == "current" { ReplayVersion::Current } else { ReplayVersion::Original };
    let result = match event_data {
        Ok(event_data) => engine.replay_execution(&posted.caller, &id, ReplayRequest { action_version, event_data }).await,
        Err(e) => Err(e),
    };
    match (result, list) {
        (Ok(new), Some(list)) => to(&said(&list, "replayed", &new.id)),
        (Ok(new), None) => to(&said(&format!("/executions/{}", new.id), "replayed", "")),
        (Err(e), Some(list)) => refused(posted, pages, &list, e).await,
        (Err(error), None) => {
            let page = format!("/executions/{}", segment(&id));
            posted.show(pages, &page, KeptReplay { version, is_edited, data, error: error.clone() }, Some(&error)).await
        }
    }
}

async fn cancel(State(Doors { engine, pages }): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match Posted::of(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let own = format!("/executions/{}", segment(&id));
    let back = local_path(&posted.field("back")).map_or(own, str::to_owned);
    match engine.cancel_execution(&posted.caller, &id).await {
        Ok(x) => to(&said(&back, if x.status.is_terminal() { "cancelled" } else { "stopping" }, "")),
        Err(e) => refused(posted, pages, &back, e).await,
    }
}

async fn discard(State(Doors { engine, pages }): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match Posted::of(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let back = local_path(&posted.field("back")).unwrap_or("/dead-letters").to_owned();
    match engine.discard_dead_letter(&posted.caller, &id).await {
        Ok(_) => to(&said(&back, "discarded", "")),
        Err(e) => refused(posted, pages, &back, e).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_said_once() {
        assert_eq!(said("/executions?status=failed&done=replayed&new=1", "cancelled", ""), "/executions?status=failed&done=cancelled");
        assert_eq!(said("/dead-letters", "replayed", "a/b"), "/dead-letters?done=replayed&new=a/b");
    }

    #[test]
    fn ids_of_clients_stay_one_segment() {
        assert_eq!(page_with_tenant("a/b?c", ""), "/events/a%2Fb%3Fc");
        assert_eq!(page_with_tenant("a", "north"), "/events/a?tenant_id=north");
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let fields = EventFields { event_type: "no type".into(), data: "{".into(), metadata: "[]".into(), ..EventFields::default() };
        let error = read(&fields).expect_err("faults");
        assert_eq!(error.errors.iter().map(|e| e.pointer.as_str()).collect::<Vec<_>>(), ["/event_type", "/data", "/metadata"]);
    }

    #[test]
    fn the_same_text_from_the_same_page_is_one_event() {
        let new = |event_type: &str| NewEvent { event_type: event_type.into(), ..NewEvent::default() };
        assert_eq!(key_of("p1", &new("a.b")), key_of("p1", &new("a.b")));
        assert_ne!(key_of("p1", &new("a.b")), key_of("p1", &new("a.c")));
        assert_eq!((key_of("", &new("a.b")), key_of("p 1", &new("a.b"))), (None, None));
    }
}
