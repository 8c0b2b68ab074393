//! Who looks at the console: from the session cookie to the caller of every operation, and where people without one are sent.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use event_actions::engine::{Caller, Engine, SignedIn};
use event_actions::model::user::User;
use event_actions::model::{ApiError, ErrorKind};
use leptos::prelude::{provide_context, use_context};

use crate::components::escape::escape;
use crate::preferences::Preferences;

/// The cookie over TLS; browsers refuse the prefix without `Secure`.
const SECURE_COOKIE: &str = "__Host-ea";
/// The cookie without TLS.
const PLAIN_COOKIE: &str = "ea";
/// A session ends after 7 days whatever happens; so does a cookie that outlives the browser.
const KEEP: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);

const fn cookie_name(is_https: bool) -> &'static str {
    if is_https { SECURE_COOKIE } else { PLAIN_COOKIE }
}

/// The cookie of a new session; `keep` lets it outlive the browser's own.
#[must_use]
pub fn cookie(token: &str, is_https: bool, keep: bool) -> Cookie<'static> {
    let mut cookie = Cookie::build((cookie_name(is_https), token.to_owned())).path("/").http_only(true).same_site(SameSite::Lax).secure(is_https).build();
    if keep {
        cookie.set_max_age(KEEP.try_into().ok());
    }
    cookie
}

/// The cookie that ends a session in the browser.
#[must_use]
pub fn no_cookie(is_https: bool) -> Cookie<'static> {
    let mut cookie = cookie("", is_https, false);
    cookie.make_removal();
    cookie
}

/// The token that came with a request.
#[must_use]
pub fn token_of(headers: &HeaderMap, is_https: bool) -> Option<String> {
    CookieJar::from_headers(headers).get(cookie_name(is_https)).map(|c| c.value().to_owned()).filter(|t| !t.is_empty())
}

/// Where a request came from.
#[must_use]
pub fn address_of(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}

/// Turns the session cookie into a [`Caller`] and a [`SignedIn`] in the request's extensions. Without a live session nothing is added.
///
/// A request with `Authorization` counts by its key alone, so its cookie is not even looked at.
pub async fn identify(State(engine): State<Engine>, mut request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/pkg/");
    let by_key = request.headers().contains_key(header::AUTHORIZATION);
    if let Some(token) = token_of(request.headers(), engine.config().is_https()).filter(|_| !is_asset && !by_key) {
        match engine.session(&token, address_of(request.extensions())).await {
            Ok(signed_in) => {
                request.extensions_mut().insert(signed_in.caller.clone());
                request.extensions_mut().insert(signed_in);
            }
            Err(e) if matches!(e.kind, ErrorKind::Unauthorized | ErrorKind::Forbidden) => {}
            Err(e) => return refused(request.headers(), e),
        }
    }
    next.run(request).await
}

/// Sends people who are not signed in to the sign-in page and back afterwards, and everybody to the set-up while there is no administrator.
///
/// For the console's pages alone.
pub async fn require_sign_in(State(engine): State<Engine>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_open = (cfg!(debug_assertions) && path == "/components") || path == "/invitation";
    let is_signed_in = request.extensions().get::<SignedIn>().is_some();
    if is_open || (is_signed_in && !matches!(path, "/login" | "/setup")) {
        return next.run(request).await;
    }
    let setup = match engine.setup_required().await {
        Ok(setup) => setup,
        Err(e) => return refused(request.headers(), e),
    };
    match (path, setup, is_signed_in) {
        ("/setup", true, _) | ("/login", false, false) => next.run(request).await,
        ("/login", false, true) => Redirect::to("/").into_response(),
        (_, true, _) => Redirect::to("/setup").into_response(),
        ("/setup", false, _) => Redirect::to("/login").into_response(),
        _ => Redirect::to(&login_url(request.method(), request.uri())).into_response(),
    }
}

fn login_url(method: &Method, uri: &Uri) -> String {
    let here = uri.path_and_query().map_or("/", |p| p.as_str());
    if method == Method::GET && here != "/" { format!("/login?next={}", encode(here)) } else { "/login".to_owned() }
}

/// A refusal as a page for people and as a problem for programs.
fn refused(headers: &HeaderMap, error: ApiError) -> Response {
    let wants_page = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"));
    if !wants_page {
        return error.into_response();
    }
    let status = if error.kind == ErrorKind::Unavailable { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
    let page =
        format!("<!doctype html><html lang=\"en\"><title>Event Actions</title><h1>Not available now</h1><p>{}</p><p><a href=\"\">Try again</a></p></html>", escape(&error.detail));
    (status, Html(page)).into_response()
}

/// `next` when it leads to a page of this service; anything else could lead elsewhere.
#[must_use]
pub fn local_path(next: &str) -> Option<&str> {
    let fine = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t', '\0']) && next.len() <= 2_000;
    fine.then_some(next)
}

/// A text as the value of a query parameter.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What pages and server functions find in their context: the engine, the caller, the person, the preferences.
///
/// Give it to Leptos as the additional context of its routes.
pub fn page_context(engine: &Engine) -> impl Fn() + Clone + Send + Sync + 'static {
    let engine = engine.clone();
    move || {
        provide_context(engine.clone());
        let parts = use_context::<Parts>();
        let headers = parts.as_ref().map(|p| p.headers.clone()).unwrap_or_default();
        let preferences = Preferences::of(&headers);
        provide_context(preferences);
        provide_context(preferences.zone);
        let signed_in = parts.as_ref().and_then(|p| p.extensions.get::<SignedIn>().cloned());
        let address = parts.as_ref().and_then(|p| address_of(&p.extensions));
        provide_context(signed_in.as_ref().map_or_else(|| Caller::anonymous(address), |s| s.caller.clone()));
        if let Some(signed_in) = signed_in {
            provide_context::<User>(signed_in.user.clone());
            provide_context(signed_in);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_stays_here() {
        for (next, fine) in [
            ("/actions?q=a", true),
            ("/", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("", false),
            ("/a\nb", false),
            ("/\t/evil.example", false),
        ] {
            assert_eq!(local_path(next).is_some(), fine, "{next:?}");
        }
    }

    #[test]
    fn the_cookie_is_strict() {
        let https = cookie("t", true, true).to_string();
        assert!(https.starts_with("__Host-ea=t;"), "{https}");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=604800"] {
            assert!(https.contains(part), "{part}");
        }
        let http = cookie("t", false, false).to_string();
        assert!(http.starts_with("ea=t;") && !http.contains("Secure") && !http.contains("Max-Age"));
    }

    #[test]
    fn people_come_back_to_where_they_were() {
        let uri = Uri::from_static("/actions?q=a%20b&page=2");
        assert_eq!(login_url(&Method::GET, &uri), "/login?next=/actions%3Fq%3Da%2520b%26page%3D2");
        assert_eq!(login_url(&Method::POST, &uri), "/login");
    }
}
