//! Set-up: whoever has the link that the server printed becomes the first administrator.

use axum::http::request::Parts;
use event_actions::engine::Engine;
use event_actions::model::ApiError;
use leptos::prelude::*;

use super::login::{Fault, Motto, Remark};
use super::{PageTitle, page};
use crate::components::button::{Button, ButtonKind};
use crate::components::fields::TextField;
use crate::components::switches::Radio;
use crate::session::address_of;
use crate::shell::{query, query_all};

/// The page. Without a valid token it says where to find one.
#[component]
pub fn SetUp() -> impl IntoView {
    let token = query("token");
    let engine = use_context::<Engine>();
    let address = use_context::<Parts>().and_then(|parts| address_of(&parts.extensions));
    page(async move {
        let engine = engine.ok_or_else(ApiError::internal)?;
        let fits = if token.is_empty() { None } else { Some(engine.check_setup_token(&token, address).await.map_err(|e| e.detail)) };
        let form = match fits {
            Some(Ok(())) => view! { <Account token=token/> }.into_any(),
            Some(Err(why)) => view! { <div class="w stack"><h1>"Set up"</h1><Remark><p>{why}</p></Remark></div> }.into_any(),
            None => view! {
                <div class="w stack">
                    <h1>"Set up"</h1>
                    <p class="t13">"This instance has no administrator yet. Open the link that the server printed when it started; it ends in "<code>"/setup?token=…"</code>"."</p>
                </div>
            }
            .into_any(),
        };
        Ok(view! { <PageTitle text="Set up"/><main class="login" id="main" tabindex="-1"><Motto/><div class="login-form">{form}</div></main> })
    })
}

/// What is wrong with a field, when the address says that something is.
fn fault(at: &[String], field: &str, text: &str) -> Option<String> {
    at.iter().any(|f| f == field).then(|| text.to_owned())
}

#[component]
fn Account(token: String) -> impl IntoView {
    let code = query("error");
    let at = query_all("at");
    let error = (!code.is_empty() && code != "fields").then(|| view! { <Fault code=code/> });
    let wants_demo = query("data") == "demo";
    let hint = "At least 12 characters. A sentence is good.";
    view! {
        <form class="stack" method="post" action="/setup" aria-labelledby="setup-h">
            <div><h1 id="setup-h">"Set up"</h1><p class="muted t13">"Make the first administrator. The link works once."</p></div>
            {error}
            <input type="hidden" name="token" value=token/>
            <TextField id="name" label="Your name" name="name" value=query("name") autocomplete="name" required=true error=fault(&at, "name", "A name has 1 to 200 characters.")/>
            <TextField id="email" label="E-mail" name="email" kind="email" value=query("email") autocomplete="username" required=true error=fault(&at, "email", "This is no e-mail address, such as ada@example.com.")/>
            <TextField id="password" label="Password" name="password" kind="password" autocomplete="new-password" required=true hint=hint error=fault(&at, "password", "A password has 12 to 200 characters.")/>
            <fieldset class="stack-4">
                <legend class="label">"Begin with"</legend>
                <Radio name="data" value="empty" label="Empty: an installation ready for work" checked=!wants_demo/>
                <Radio name="data" value="demo" label="Demo: a tenant to look around in, with six actions and a made-up day behind them; removable in one click" checked=wants_demo/>
            </fieldset>
            <Button kind=ButtonKind::Primary submit=true>"Make the administrator and sign in"</Button>
        </form>
    }
}
