//! The forms of mail templates and functions: save, try, delete. To try one stores nothing.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use event_actions::model::function::NewFunction;
use event_actions::model::template::NewTemplate;
use serde_json::{Map, Value, json};

use super::{Doors, End, Kept, given, page_of, read};
use crate::posted::Posted;
use crate::session::encode;

mod trying;

pub use trying::{TriedTemplate, sample_of};
use trying::{preview, run, send_test};

/// The fields of a template's form.
const TEMPLATE: &[&str] = &["name", "subject", "html", "text", "tenant_id", "event_id", "event_type", "event_data", "to", "from", "version"];
/// The fields of a function's form.
const FUNCTION: &[&str] = &["name", "source", "tenant_id", "event_id", "event_type", "event_data", "function", "args", "kwargs", "timeout_seconds", "version"];

/// What came of trying what was typed, and what was typed.
#[derive(Clone, Debug)]
pub struct Tried<T> {
    /// What was typed.
    fields: Vec<(&'static str, String)>,
    /// What came of it.
    pub found: T,
}

impl<T> Tried<T> {
    /// What was typed into a field.
    #[must_use]
    pub fn value(&self, name: &str) -> String {
        self.fields.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/templates/new", post(new_template))
        .route("/templates/{id}", post(template))
        .route("/templates/{id}/delete", post(delete_template).get(page_of))
        .route("/functions/new", post(new_function))
        .route("/functions/{id}", post(function))
        .route("/functions/{id}/delete", post(delete_function).get(page_of))
}

/// A text that may be empty.
fn body(posted: &Posted, name: &str) -> Option<String> {
    Some(posted.field(name)).filter(|text| !text.trim().is_empty())
}

fn is_try(posted: &Posted) -> bool {
    posted.field("verb") == "try"
}

async fn new_template(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let page = "/templates/new";
    if is_try(&posted) {
        return preview(doors, posted, page.to_owned()).await;
    }
    let new = NewTemplate {
        name: posted.field("name").trim().to_owned(),
        subject: posted.field("subject"),
        html: body(&posted, "html"),
        text: body(&posted, "text"),
        tenant_id: given(&posted, "tenant_id"),
    };
    match doors.engine.create_template(&posted.caller, new).await {
        Ok(template) => Redirect::to(&format!("/templates/{}?done=template_saved", template.id)).into_response(),
        Err(error) => doors.refuse(posted, error, End::new(page, "").keeping("edit", TEMPLATE)).await,
    }
}

async fn template(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let page = format!("/templates/{}", encode(&id));
    match posted.field("verb").as_str() {
        "try" => return preview(doors, posted, page).await,
        "send" => return send_test(doors, posted, &id, page).await,
        _ => {}
    }
    let changes = object(json!({"name": posted.field("name").trim(), "subject": posted.field("subject"), "html": body(&posted, "html"), "text": body(&posted, "text")}));
    let result = doors.engine.update_template(&posted.caller, &id, changes, posted.field("version").parse().ok()).await;
    doors.end(posted, result, End::new(page, "template_saved").keeping("edit", TEMPLATE)).await
}

async fn delete_template(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    match doors.engine.delete_template(&posted.caller, &id, false).await {
        Ok(()) => Redirect::to("/templates?done=template_deleted").into_response(),
        Err(error) => doors.refuse(posted, error, End::new(format!("/templates/{}", encode(&id)), "")).await,
    }
}

async fn new_function(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let page = "/functions/new";
    if is_try(&posted) {
        return run(doors, posted, page.to_owned()).await;
    }
    let new = NewFunction { name: posted.field("name").trim().to_owned(), source: posted.field("source"), tenant_id: given(&posted, "tenant_id") };
    match doors.engine.create_function(&posted.caller, new).await {
        Ok(function) => Redirect::to(&format!("/functions/{}?done=function_saved", function.id)).into_response(),
        Err(error) => doors.refuse(posted, error, End::new(page, "").keeping("edit", FUNCTION)).await,
    }
}

async fn function(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let page = format!("/functions/{}", encode(&id));
    if is_try(&posted) {
        return run(doors, posted, page).await;
    }
    let changes = object(json!({"name": posted.field("name").trim(), "source": posted.field("source")}));
    let result = doors.engine.update_function(&posted.caller, &id, changes, posted.field("version").parse().ok()).await;
    doors.end(posted, result, End::new(page, "function_saved").keeping("edit", FUNCTION)).await
}

async fn delete_function(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    match doors.engine.delete_function(&posted.caller, &id, false).await {
        Ok(()) => Redirect::to("/functions?done=function_deleted").into_response(),
        Err(error) => doors.refuse(posted, error, End::new(format!("/functions/{}", encode(&id)), "")).await,
    }
}

/// The members of an object.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What was typed into a form that was tried or refused; else what is stored.
#[derive(Clone, Debug, Default)]
pub struct Typed(Vec<(&'static str, String)>, bool);

impl Typed {
    /// From what was kept of a refusal, else from what was tried, else nothing.
    #[must_use]
    pub fn of<T>(kept: Option<&Kept>, tried: Option<&Tried<T>>) -> Self {
        match (kept.filter(|k| k.form == "edit"), tried) {
            (Some(kept), _) => {
                let is_conflict = kept.error.code == "version_conflict";
                Self(kept.fields.iter().filter(|(name, _)| !(is_conflict && *name == "version")).cloned().collect(), true)
            }
            (None, Some(tried)) => Self(tried.fields.clone(), true),
            (None, None) => Self(Vec::new(), false),
        }
    }

    /// The text of a field: as typed, else as stored.
    #[must_use]
    pub fn value(&self, name: &str, stored: &str) -> String {
        if !self.1 {
            return stored.to_owned();
        }
        self.0.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The version that saving goes by: the one that the form began with. After a conflict it is the stored one, since the
    /// person has been told then, and saving again means it.
    #[must_use]
    pub fn version(&self, stored: &str) -> String {
        self.0.iter().find(|(n, _)| *n == "version").map_or_else(|| stored.to_owned(), |(_, value)| value.clone())
    }

    /// Whether anything was typed that is not stored.
    #[must_use]
    pub const fn is_unsaved(&self) -> bool {
        self.1
    }
}

#[cfg(test)]
mod tests {
    use event_actions::model::ApiError;

    use super::*;

    #[test]
    fn what_was_typed_comes_before_what_is_stored() {
        let tried = Tried { fields: vec![("name", "new".to_owned())], found: () };
        let typed = Typed::of(None, Some(&tried));
        assert_eq!((typed.value("name", "old").as_str(), typed.value("html", "old").as_str(), typed.is_unsaved()), ("new", "", true));
        assert_eq!(Typed::of::<()>(None, None).value("name", "old"), "old");
        let kept = Kept { form: "edit", fields: vec![("name", "refused".to_owned())], error: ApiError::internal() };
        assert_eq!(Typed::of(Some(&kept), Some(&tried)).value("name", "old"), "refused");
    }

    #[test]
    fn after_a_conflict_saving_goes_by_the_stored_version() {
        let fields = vec![("name", "mine".to_owned()), ("version", "3".to_owned())];
        let version = |code: &str| {
            let kept = Kept { form: "edit", fields: fields.clone(), error: ApiError::conflict(code, "No.") };
            Typed::of::<()>(Some(&kept), None).version("4")
        };
        assert_eq!((version("version_conflict").as_str(), version("name_taken").as_str()), ("4", "3"));
    }
}
