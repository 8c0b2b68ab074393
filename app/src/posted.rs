//! A plain form on its way: what was posted and by whom, and the page that is shown again with what was typed.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Form, Request};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{RequestExt as _, Router};
use event_actions::engine::{Caller, SignedIn};
use event_actions::http::error::status_of;
use event_actions::http::request_id::RequestId;
use event_actions::model::ApiError;
use tower::ServiceExt as _;

/// Names and values of a form's fields, in the order of the page.
pub type Pairs = Vec<(String, String)>;

/// The fields of a form and who posted them.
#[derive(Debug)]
pub struct Posted {
    /// Who posted it.
    pub caller: Caller,
    pairs: Pairs,
    again: Request,
}

impl Posted {
    /// Reads a form.
    ///
    /// # Errors
    /// A redirect to the sign-in for nobody; the refusal of a body that is no form, or too large.
    pub async fn of(request: Request) -> Result<Self, Response> {
        let Some(caller) = request.extensions().get::<Caller>().cloned() else { return Err(Redirect::to("/login").into_response()) };
        let again = again(&request);
        match request.extract::<Form<Pairs>, _>().await {
            Ok(Form(pairs)) => Ok(Self { caller, pairs, again }),
            Err(rejection) => Err(rejection.into_response()),
        }
    }

    /// The first value of a field, as it was typed but with plain line ends; empty when it is not there.
    #[must_use]
    pub fn field(&self, name: &str) -> String {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.replace("\r\n", "\n")).unwrap_or_default()
    }

    /// Every value of a field.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// All fields as they were posted, taken out.
    pub fn take(&mut self) -> Pairs {
        std::mem::take(&mut self.pairs)
    }

    /// The page at `path`, which finds `with` in its request; under the status of `error`, if there is one.
    pub async fn show<T: Clone + Send + Sync + 'static>(mut self, pages: Router, path: &str, with: T, error: Option<&ApiError>) -> Response {
        if let Ok(uri) = path.parse() {
            *self.again.uri_mut() = uri;
        }
        self.show_here(pages, with, error).await
    }

    /// The same for the page that was posted to.
    pub async fn show_here<T: Clone + Send + Sync + 'static>(mut self, pages: Router, with: T, error: Option<&ApiError>) -> Response {
        self.again.extensions_mut().insert(with);
        let mut response = pages.oneshot(self.again).await.into_response();
        if let Some(error) = error {
            *response.status_mut() = status_of(error.kind).0;
        }
        response
    }
}

/// The same person asking for a page, without the form.
fn again(posted: &Request) -> Request {
    let mut request = Request::new(Body::empty());
    request.uri_mut().clone_from(posted.uri());
    for (name, value) in posted.headers() {
        if !name.as_str().starts_with("content-") {
            request.headers_mut().append(name, value.clone());
        }
    }
    let (from, to) = (posted.extensions(), request.extensions_mut());
    from.get::<SignedIn>().cloned().map(|x| to.insert(x));
    from.get::<Caller>().cloned().map(|x| to.insert(x));
    from.get::<RequestId>().cloned().map(|x| to.insert(x));
    from.get::<ConnectInfo<SocketAddr>>().copied().map(|x| to.insert(x));
    request
}
