//! The plain forms behind sign-in, set-up and preferences. They work without JavaScript: a post, a cookie, a redirect.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use axum::{Extension, RequestExt as _};
use axum_extra::extract::cookie::CookieJar;
use event_actions::engine::{Engine, SignedIn, Visitor};
use event_actions::http::request_id::RequestId;
use event_actions::model::user::NewAccount;
use event_actions::model::{ApiError, ErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::components::time::Zone;
use crate::preferences::{AS_BROWSER, KEYS_COOKIE, OFF, ON, THEME_COOKIE, Theme, ZONE_COOKIE, cookie as preference};
use crate::session::{address_of, cookie, encode, local_path, no_cookie, token_of};

/// Most bytes of one of these forms.
const MAX_BYTES: usize = 64 * 1024;
/// The choice of the set-up page that loads the demo.
const DEMO: &str = "demo";

/// `POST /login`, `/logout`, `/setup`, `/preferences` and `/tenant`.
pub fn routes(engine: Engine) -> Router {
    Router::new()
        .route("/login", post(sign_in))
        .route("/logout", post(sign_out))
        .route("/setup", post(set_up))
        .route("/preferences", post(prefer))
        .route("/tenant", post(look_at))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .with_state(engine)
}

#[derive(Deserialize)]
struct SignIn {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    keep: Option<String>,
}

/// Reads the form; a body that is none becomes `None`, which the pages answer like an empty form.
pub(crate) async fn form<T: DeserializeOwned + 'static>(request: Request) -> Option<T> {
    request.extract::<Form<T>, _>().await.ok().map(|Form(form)| form)
}

pub(crate) fn visitor(request: &Request, is_https: bool) -> Visitor {
    let headers = request.headers();
    Visitor {
        address: address_of(request.extensions()),
        user_agent: headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).map(str::to_owned),
        previous_session: token_of(headers, is_https),
        request_id: request.extensions().get::<RequestId>().map(|id| id.0.clone()),
    }
}

async fn sign_in(State(engine): State<Engine>, request: Request) -> Response {
    let is_https = engine.config().is_https();
    let visitor = visitor(&request, is_https);
    let Some(form) = form::<SignIn>(request).await else { return Redirect::to("/login?error=form").into_response() };
    match engine.sign_in(&form.email, &form.password, visitor).await {
        Ok((token, _)) => {
            let jar = CookieJar::new().add(cookie(token.as_str(), is_https, form.keep.is_some()));
            (jar, Redirect::to(local_path(&form.next).unwrap_or("/"))).into_response()
        }
        Err(e) => Redirect::to(&format!("/login?{}&email={}&next={}", fault(&e), encode(&form.email), encode(local_path(&form.next).unwrap_or_default()))).into_response(),
    }
}

/// A refusal as query parameters: a short code, and the wait where there is one.
pub(crate) fn fault(error: &ApiError) -> String {
    let code = match error.kind {
        ErrorKind::Unauthorized => "credentials",
        ErrorKind::TooManyRequests => "pause",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Forbidden if error.code == "forbidden" => "forbidden",
        ErrorKind::Unprocessable => "fields",
        _ => "failed",
    };
    let wait = error.retry_after_seconds.map_or_else(String::new, |s| format!("&wait={s}"));
    let fields = error.errors.iter().map(|e| format!("&at={}", encode(e.pointer.trim_start_matches('/')))).collect::<String>();
    format!("error={code}{wait}{fields}")
}

async fn sign_out(State(engine): State<Engine>, request: Request) -> Response {
    let is_https = engine.config().is_https();
    if let Some(token) = token_of(request.headers(), is_https)
        && let Err(e) = engine.sign_out(&token, address_of(request.extensions())).await
    {
        // The browser's cookie must not go while the session lives on.
        return e.into_response();
    }
    (CookieJar::new().add(no_cookie(is_https)), Redirect::to("/login")).into_response()
}

#[derive(Deserialize)]
struct SetUp {
    token: String,
    name: String,
    email: String,
    password: String,
    /// `demo` to begin with demo data; anything else to begin empty.
    #[serde(default)]
    data: String,
}

async fn set_up(State(engine): State<Engine>, request: Request) -> Response {
    let is_https = engine.config().is_https();
    let visitor = visitor(&request, is_https);
    let Some(form) = form::<SetUp>(request).await else { return Redirect::to("/setup?error=form").into_response() };
    let address = visitor.address;
    let account = NewAccount { email: form.email.trim().to_owned(), name: form.name.trim().to_owned(), password: form.password };
    let (email, name) = (encode(&account.email), encode(&account.name));
    match engine.complete_setup(&form.token, account, visitor).await {
        Ok((token, _)) => {
            let page = if form.data == DEMO { first_page_of_demo(&engine, token.as_str(), address).await } else { "/" };
            (CookieJar::new().add(cookie(token.as_str(), is_https, false)), Redirect::to(page)).into_response()
        }
        Err(e) => {
            let typed = format!("token={}&email={email}&name={name}&data={}", encode(&form.token), encode(&form.data));
            Redirect::to(&format!("/setup?{}&{typed}", fault(&e))).into_response()
        }
    }
}

/// Loads the demo for the administrator who has just been made, and lets them look at it. Where they go then.
async fn first_page_of_demo(engine: &Engine, token: &str, address: Option<std::net::IpAddr>) -> &'static str {
    let loaded = async {
        let signed_in = engine.session(token, address).await?;
        engine.load_demo(&signed_in.caller).await?;
        let tenant = engine.demo().map(|demo| demo.tenant_id.clone());
        engine.switch_tenant(&signed_in, tenant.as_deref()).await
    };
    match loaded.await {
        Ok(()) => "/",
        Err(e) => {
            tracing::error!(error = %e, "the demo could not be loaded");
            "/settings?done=demo_failed"
        }
    }
}

#[derive(Deserialize)]
struct Prefer {
    #[serde(default)]
    theme: Option<String>,
    #[serde(default)]
    tz: Option<String>,
    #[serde(default)]
    keys: Option<String>,
    #[serde(default)]
    back: String,
}

async fn prefer(State(engine): State<Engine>, Form(form): Form<Prefer>) -> Response {
    let is_https = engine.config().is_https();
    let mut jar = CookieJar::new();
    if let Some(theme) = form.theme.as_deref().and_then(Theme::parse) {
        jar = jar.add(preference(THEME_COOKIE, theme.word().to_owned(), is_https));
    }
    if let Some(word) = form.tz.as_deref().filter(|word| *word == AS_BROWSER || Zone::parse(word).is_some()) {
        jar = jar.add(preference(ZONE_COOKIE, word.to_owned(), is_https));
    }
    if let Some(word) = form.keys.as_deref().filter(|word| [ON, OFF].contains(word)) {
        jar = jar.add(preference(KEYS_COOKIE, word.to_owned(), is_https));
    }
    (jar, Redirect::to(local_path(&form.back).unwrap_or("/"))).into_response()
}

#[derive(Deserialize)]
struct LookAt {
    /// Empty for the whole platform.
    tenant: String,
}

async fn look_at(State(engine): State<Engine>, signed_in: Option<Extension<SignedIn>>, Form(form): Form<LookAt>) -> Response {
    let Some(Extension(signed_in)) = signed_in else { return Redirect::to("/login").into_response() };
    let tenant = Some(form.tenant.as_str()).filter(|t| !t.is_empty());
    match engine.switch_tenant(&signed_in, tenant).await {
        Ok(()) => Redirect::to("/").into_response(),
        Err(e) => e.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_become_short_codes() {
        assert_eq!(fault(&ApiError::unauthorized("No.")), "error=credentials");
        assert_eq!(fault(&ApiError::too_many("throttled", "Wait.", 30)), "error=pause&wait=30");
        assert_eq!(fault(&ApiError::invalid("/password", "bad_password", "Short.")), "error=fields&at=password");
    }
}
