//! The plain forms behind the pages of administration: a post and a redirect, or the same page again with what was typed.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use event_actions::engine::Engine;
use event_actions::model::ApiError;

use crate::posted::Posted;

mod account;
mod alerts;
mod audit;
mod installation;
mod keys;
mod library;
mod people;
mod secrets;
mod tenants;

pub use keys::Made;
pub use library::{Tried, TriedTemplate, Typed, sample_of};
pub use people::Invited;

/// Most bytes of one of these forms: a template's two bodies, percent-encoded.
const MAX_BYTES: usize = 2 << 20;

/// What these forms reach: the engine, and the pages that are shown again.
#[derive(Clone)]
struct Doors {
    engine: Engine,
    pages: Router,
}

/// The posts of the pages of administration. `pages` are the pages themselves, to be shown again with what was typed.
pub fn routes(engine: Engine, pages: Router) -> Router {
    Router::new()
        .merge(secrets::routes())
        .merge(keys::routes())
        .merge(people::routes())
        .merge(library::routes())
        .merge(tenants::routes())
        .merge(audit::routes())
        .merge(account::routes())
        .merge(installation::routes())
        .merge(alerts::routes())
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .with_state(Doors { engine, pages })
}

/// What was posted and refused, for the page that is shown again. Holds the fields that are named to it alone, never a secret.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Which form of the page it was, such as `new`.
    pub form: &'static str,
    /// What was typed.
    fields: Vec<(&'static str, String)>,
    /// Why it was refused.
    pub error: ApiError,
}

impl Kept {
    /// What was typed into a field; empty when it is not kept.
    #[must_use]
    pub fn value(&self, name: &str) -> String {
        self.fields.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// A form's end: where people go when it is done, and what is kept of it when it is not.
struct End {
    /// The page it stands on.
    page: String,
    /// What is said then, as a word in the address.
    done: &'static str,
    /// Which form of the page it is.
    form: &'static str,
    /// The fields whose text is shown again.
    keep: &'static [&'static str],
}

impl End {
    fn new(page: impl Into<String>, done: &'static str) -> Self {
        Self { page: page.into(), done, form: "", keep: &[] }
    }

    /// With the fields that are shown again when it is refused.
    const fn keeping(mut self, form: &'static str, keep: &'static [&'static str]) -> Self {
        self.form = form;
        self.keep = keep;
        self
    }
}

impl Doors {
    /// The answer to a form: a redirect to its page, or the page itself with what was typed and why it was refused.
    async fn end<T>(self, posted: Posted, result: Result<T, ApiError>, end: End) -> Response {
        match result {
            Ok(_) => Redirect::to(&format!("{}?done={}", end.page, end.done)).into_response(),
            Err(error) => self.refuse(posted, error, end).await,
        }
    }

    /// The page again, with what was typed and why it was refused.
    async fn refuse(self, posted: Posted, error: ApiError, end: End) -> Response {
        let fields = end.keep.iter().map(|name| (*name, posted.field(name))).collect();
        let kept = Kept { form: end.form, fields, error: error.clone() };
        posted.show(self.pages, &end.page, kept, Some(&error)).await
    }
}

/// Reads a form.
async fn read(request: Request) -> Result<Posted, Response> {
    Posted::of(request).await
}

/// A field that may be left empty.
fn given(posted: &Posted, name: &str) -> Option<String> {
    Some(posted.field(name).trim().to_owned()).filter(|text| !text.is_empty())
}

/// Where somebody ends who asks for the address of a form, such as after signing in anew: on the page it stands on.
async fn page_of(uri: Uri) -> Redirect {
    Redirect::to(&first_segment(uri.path()))
}

fn first_segment(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/').split('/').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_forms_lead_to_their_page() {
        for (path, page) in [("/secrets/1/delete", "/secrets"), ("//evil.example/x", "/evil.example"), ("/", "/")] {
            assert_eq!(first_segment(path), page, "{path}");
        }
    }

    #[test]
    fn only_named_fields_are_kept() {
        let kept = Kept { form: "new", fields: vec![("name", "A".to_owned())], error: ApiError::internal() };
        assert_eq!((kept.value("name").as_str(), kept.value("value").as_str()), ("A", ""));
    }
}
