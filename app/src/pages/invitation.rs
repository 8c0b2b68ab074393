//! The page behind an invitation's link: whoever has it makes an account, or enters the tenant with the one that exists.

use axum::http::request::Parts;
use event_actions::engine::Engine;
use event_actions::model::ApiError;
use event_actions::model::user::Invitation;
use leptos::prelude::*;

use super::login::{Fault, Motto, Remark};
use super::{PageTitle, page};
use crate::components::button::{Button, ButtonKind};
use crate::components::fields::TextField;
use crate::session::address_of;
use crate::shell::{query, query_all};

/// The page. It needs no session.
#[component]
pub fn Accept() -> impl IntoView {
    let token = query("token");
    let engine = use_context::<Engine>();
    let address = use_context::<Parts>().and_then(|parts| address_of(&parts.extensions));
    page(async move {
        let engine = engine.ok_or_else(ApiError::internal)?;
        let form = match engine.open_invitation(&token, address).await {
            Ok(invitation) => view! { <Enter token=token invitation=invitation/> }.into_any(),
            Err(error) => view! { <div class="w stack"><h1>"Invitation"</h1><Remark><p>{error.detail}</p></Remark><p><a href="/login">"Sign in"</a></p></div> }.into_any(),
        };
        Ok(view! { <PageTitle text="Invitation"/><main class="login" id="main" tabindex="-1"><Motto/><div class="login-form">{form}</div></main> })
    })
}

/// What is wrong with a field, when the address says that something is.
fn fault(at: &[String], field: &str, text: &str) -> Option<String> {
    at.iter().any(|f| f == field).then(|| text.to_owned())
}

#[component]
fn Enter(token: String, invitation: Invitation) -> impl IntoView {
    let (code, at) = (query("error"), query_all("at"));
    let error = (!code.is_empty() && code != "fields").then(|| view! { <Fault code=code/> });
    let exists = invitation.account_exists == Some(true);
    let text = if exists { "Enter the password of your account to join." } else { "Make your account. The link works once." };
    let name = (!exists)
        .then(|| view! { <TextField id="name" label="Your name" name="name" value=query("name") autocomplete="name" required=true error=fault(&at, "name", "A name has 1 to 200 characters.")/> });
    let (complete, hint, button) =
        if exists { ("current-password", None, "Join") } else { ("new-password", Some("At least 12 characters. A sentence is good.".to_owned()), "Make the account and sign in") };
    view! {
        <form class="stack" method="post" action="/invitation" aria-labelledby="invitation-h">
            <div><h1 id="invitation-h">"Invitation to "{invitation.tenant_id}</h1><p class="muted t13">{text}</p></div>
            {error}
            <input type="hidden" name="token" value=token/>
            <TextField id="email" label="E-mail" value=invitation.email autocomplete="username" disabled=true/>
            {name}
            <TextField id="password" label="Password" name="password" kind="password" autocomplete=complete required=true hint=hint error=fault(&at, "password", "A password has 12 to 200 characters.")/>
            <Button kind=ButtonKind::Primary submit=true>{button}</Button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn faults_stand_beside_their_field() {
        let at = ["password".to_owned()];
        assert_eq!(fault(&at, "password", "Short.").as_deref(), Some("Short."));
        assert_eq!(fault(&at, "name", "Short."), None);
    }
}
