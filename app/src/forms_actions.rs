//! The plain forms behind actions. They work without JavaScript: a post and a redirect, or the same page again with what was typed.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use event_actions::engine::{Caller, Engine};
use event_actions::model::action::{Action, NewAction};
use event_actions::model::testing::{TestReport, TestRequest};
use event_actions::model::{ApiError, ErrorKind};
use serde_json::{Map, Value};

use crate::editing::form::Form;
use crate::editing::handler_form::HandlerForm;
use crate::editing::json_text::parse_object;
use crate::editing::read::read_plain;
use crate::posted::{Pairs, Posted};
use crate::session::local_path;

/// Most bytes of one of these forms.
const MAX_BYTES: usize = 2 << 20;
/// Most actions that one request changes.
const MAX_IDS: usize = 200;

/// What was posted and came to nothing, for the page that is shown again.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// What was typed.
    pub form: Form,
    /// The event typed for the dry run: type, data, metadata.
    pub sample: [String; 3],
    /// The version that the form began with.
    pub version: Option<i64>,
    /// Why it was refused.
    pub error: Option<ApiError>,
    /// What a dry run found, and with which event.
    pub tried: Option<(TestReport, TestRequest)>,
}

/// Why a button of a list or page did nothing, for the page that is shown again.
#[derive(Clone, Debug)]
pub struct Refused(pub ApiError);

#[derive(Clone)]
struct Doors {
    engine: Engine,
    pages: Router,
}

/// The posts of the pages about actions. `pages` are the pages themselves, to be shown again with what was typed.
pub fn routes(engine: Engine, pages: Router) -> Router {
    Router::new()
        .route("/actions/new", post(create))
        .route("/actions/{id}/edit", post(change))
        .route("/actions/bulk", post(bulk))
        .route("/actions/{id}/{verb}", post(one))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .with_state(Doors { engine, pages })
}

/// Saves a draft: a new action, or a new version of `id` when it is still at `expected`.
///
/// # Errors
/// Those of making and changing an action.
pub async fn save(engine: &Engine, caller: &Caller, id: Option<&str>, definition: NewAction, expected: Option<i64>) -> Result<Action, ApiError> {
    let Some(id) = id else { return engine.create_action(caller, definition).await };
    let Ok(Value::Object(mut changes)) = serde_json::to_value(definition) else { return Err(ApiError::internal()) };
    // An action stays with its owner; the form only shows it.
    changes.remove("tenant_id");
    engine.update_action(caller, id, changes, expected).await
}

/// Does one thing to several actions, one after the other. Gives the ids of what there is now.
///
/// # Errors
/// The first refusal; what was done before it stays done. 400 for an unknown verb or more than 200 ids.
pub async fn act(engine: &Engine, caller: &Caller, verb: &str, ids: &[String]) -> Result<Vec<String>, ApiError> {
    if ids.len() > MAX_IDS {
        return Err(ApiError::bad_request("too_many", format!("At most {MAX_IDS} actions can be changed at once.")));
    }
    let mut done = Vec::with_capacity(ids.len());
    for id in ids {
        done.push(match verb {
            "enable" => engine.enable_action(caller, id).await?.id,
            "disable" => engine.disable_action(caller, id).await?.id,
            "duplicate" => engine.duplicate_action(caller, id).await?.id,
            "restore" => engine.restore_action(caller, id).await?.id,
            "delete" => {
                engine.delete_action(caller, id).await?;
                id.clone()
            }
            _ => return Err(ApiError::bad_request("unknown_verb", format!("{verb:?} is nothing that can be done to an action."))),
        });
    }
    Ok(done)
}

async fn create(State(doors): State<Doors>, request: Request) -> Response {
    edit(doors, None, request).await
}

async fn change(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    edit(doors, Some(id), request).await
}

/// Saves or tests what the plain editor posted.
async fn edit(Doors { engine, pages }: Doors, id: Option<String>, request: Request) -> Response {
    let mut posted = match Posted::of(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let handlers: Vec<HandlerForm> = match engine.handlers(&posted.caller).await {
        Ok(all) => all.into_iter().map(HandlerForm::from).collect(),
        Err(e) => return e.into_response(),
    };
    let (mut kept, verb) = keep(posted.take());
    if verb == "save_disabled" {
        kept.form.set("/is_enabled", Value::Bool(false));
    }
    let (definition, faults) = read_plain(&kept.form, &handlers);
    let checked = if faults.is_empty() { Ok(()) } else { Err(ApiError::validation(faults)) };
    if verb == "try" {
        let tried = match (checked, sample(&kept.sample)) {
            (Err(e), _) | (Ok(()), Err(e)) => Err(e),
            (Ok(()), Ok(request)) => engine.test_draft(&posted.caller, definition, request.clone()).await.map(|report| (report, request)),
        };
        match tried {
            Ok(found) => kept.tried = Some(found),
            Err(e) => kept.error = Some(e),
        }
        return posted.show_here(pages, kept, None).await;
    }
    let saved = match checked {
        Ok(()) => save(&engine, &posted.caller, id.as_deref(), definition, kept.version).await,
        Err(e) => Err(e),
    };
    match saved {
        Ok(action) => Redirect::to(&format!("/actions/{}?saved={}", action.id, action.version)).into_response(),
        Err(error) => {
            kept.error = Some(error.clone());
            posted.show_here(pages, kept, Some(&error)).await
        }
    }
}

/// Sorts the posted fields: those named by a JSON Pointer are the form. Gives what is to be done, too.
fn keep(pairs: Pairs) -> (Kept, String) {
    let mut kept = Kept::default();
    let mut verb = String::new();
    // An unticked box posts nothing.
    kept.form.set("/is_enabled", Value::Bool(false));
    for (name, value) in pairs {
        match name.as_str() {
            "do" => verb = value,
            "version" => kept.version = value.parse().ok(),
            "sample_type" => kept.sample[0] = value,
            "sample_data" => kept.sample[1] = value,
            "sample_metadata" => kept.sample[2] = value,
            pointer if pointer.starts_with('/') && pointer.len() < 200 && pointer.matches('/').count() <= 4 => {
                let value = if pointer == "/is_enabled" { Value::Bool(true) } else { Value::String(value.replace("\r\n", "\n")) };
                kept.form.set(pointer, value);
            }
            _ => {}
        }
    }
    (kept, verb)
}

fn sample([event_type, data, metadata]: &[String; 3]) -> Result<TestRequest, ApiError> {
    let object = |text: &str, name: &str| -> Result<Map<String, Value>, ApiError> {
        parse_object(text).map_err(|fault| ApiError::invalid(&format!("/sample_{name}"), "bad_json", fault.sentence()))
    };
    Ok(TestRequest { event_type: event_type.trim().to_owned(), event_data: object(data, "data")?, metadata: object(metadata, "metadata")?, dry_run: true })
}

async fn one(State(doors): State<Doors>, Path((id, verb)): Path<(String, String)>, request: Request) -> Response {
    match Posted::of(request).await {
        Ok(posted) => run(doors, posted, &verb, vec![id]).await,
        Err(response) => response,
    }
}

async fn bulk(State(doors): State<Doors>, request: Request) -> Response {
    match Posted::of(request).await {
        Ok(posted) => {
            let (verb, ids) = (posted.field("verb"), posted.values("id").map(str::to_owned).collect());
            run(doors, posted, &verb, ids).await
        }
        Err(response) => response,
    }
}

/// Does what a button says, then shows where it leads: the copy, the list with a way back, or the page it came from.
async fn run(doors: Doors, posted: Posted, verb: &str, ids: Vec<String>) -> Response {
    let back = posted.field("back");
    let back = local_path(&back).unwrap_or("/actions");
    match act(&doors.engine, &posted.caller, verb, &ids).await {
        Ok(done) => match (verb, done.as_slice()) {
            ("duplicate", [copy]) => Redirect::to(&format!("/actions/{copy}/edit")).into_response(),
            ("delete", gone) if !gone.is_empty() => Redirect::to(&format!("/actions?deleted={}", gone.join(","))).into_response(),
            _ => Redirect::to(back).into_response(),
        },
        Err(e) if e.kind == ErrorKind::Unauthorized => Redirect::to("/login").into_response(),
        Err(e) => posted.show(doors.pages, back, Refused(e.clone()), Some(&e)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(all: &[(&str, &str)]) -> Pairs {
        all.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn fields_named_by_pointers_are_the_form() {
        let (kept, verb) =
            keep(pairs(&[("do", "try"), ("/name", "A"), ("/rate_limit/max", "5"), ("/conditions", "[\r\n]"), ("version", "7"), ("sample_type", "a.b"), ("other", "x")]));
        assert_eq!((verb.as_str(), kept.version, kept.sample[0].as_str()), ("try", Some(7), "a.b"));
        assert_eq!((kept.form.text("/name"), kept.form.text("/rate_limit/max"), kept.form.text("/conditions")), ("A".into(), "5".into(), "[\n]".into()));
        assert!(!kept.form.flag("/is_enabled", true), "an unticked box posts nothing");
    }

    #[test]
    fn a_sample_is_an_event() {
        let request = sample(&["a.b".into(), "{\"x\": 1}".into(), String::new()]).expect("a sample");
        assert_eq!((request.event_type.as_str(), request.event_data.len(), request.metadata.len(), request.dry_run), ("a.b", 1, 0, true));
        let error = sample(&["a.b".into(), "{".into(), String::new()]).expect_err("broken JSON");
        assert_eq!(error.errors[0].pointer, "/sample_data");
    }
}
