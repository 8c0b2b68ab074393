//! Sign-in: a plain form. What went wrong comes back as a short code in the address.

use event_actions::engine::Engine;
use event_actions::matching::Gate;
use leptos::prelude::*;

use super::PageTitle;
use crate::components::button::{Button, ButtonKind};
use crate::components::feedback::{Callout, CalloutKind};
use crate::components::fields::TextField;
use crate::components::format::duration;
use crate::components::gate_row::{GateStripSmall, Stop};
use crate::components::icon::{self, Icon};
use crate::components::switches::CheckBox;
use crate::shell::query;

/// The page.
#[component]
pub fn Login() -> impl IntoView {
    let code = query("error");
    let wrong = code == "credentials";
    let error = (!code.is_empty()).then(|| view! { <Fault code=code/> });
    let host = use_context::<Engine>().map(|engine| engine.config().public_url.split_once("://").map_or_else(String::new, |(_, host)| host.to_owned()));
    view! {
        <PageTitle text="Sign in"/>
        <main class="login" id="main" tabindex="-1">
            <Motto/>
            <div class="login-form">
                <form class="stack" method="post" action="/login" aria-labelledby="login-h">
                    <div><h1 id="login-h">"Sign in"</h1><p class="muted t13">{host}</p></div>
                    {error}
                    <input type="hidden" name="next" value=query("next")/>
                    <TextField id="email" label="E-mail" name="email" kind="email" value=query("email") autocomplete="username" required=true/>
                    <TextField id="password" label="Password" name="password" kind="password" autocomplete="current-password" required=true error=wrong.then(|| "Type it again.".to_owned())/>
                    <CheckBox label="Keep me signed in on this device" name="keep"/>
                    <Button kind=ButtonKind::Primary submit=true>"Sign in"</Button>
                    <p class="small muted">"No account? An administrator makes one. On a new instance, open the set-up link that the server printed when it started."</p>
                </form>
            </div>
        </main>
    }
}

/// What went wrong, from its code.
#[component]
pub fn Fault(
    /// The code in the address.
    code: String,
) -> impl IntoView {
    let wait = query("wait").parse::<f64>().ok().map(|s| format!("Try again in {}.", duration(s * 1_000.0).replace(".0 s", " s")));
    let (text, more) = match code.as_str() {
        "credentials" => ("That e-mail and password do not match.", None),
        "pause" => ("Too many tries.", Some(wait.unwrap_or_else(|| "Wait a little, then try again.".to_owned()))),
        "unavailable" => ("The service cannot sign you in now.", Some(wait.unwrap_or_else(|| "Try again soon.".to_owned()))),
        "forbidden" => ("This is not allowed.", Some("The account belongs to no tenant, or the link is not valid any more.".to_owned())),
        "form" => ("The form could not be read.", Some("Fill it in again.".to_owned())),
        _ => ("Something went wrong on our side.", Some("The log has the details.".to_owned())),
    };
    view! {
        <div class="summary-bad" role="alert">
            <p class="bad row strong"><Icon of=icon::TRIANGLE/>{text}</p>
            {more.map(|more| view! { <p class="small muted">{more}</p> })}
        </div>
    }
}

/// The side of sign-in and set-up that says what this is.
#[component]
pub fn Motto() -> impl IntoView {
    let strip = |text: &'static str, at: Option<Gate>, waits: bool| view! { <p class="small muted">{text}</p><GateStripSmall of=Stop { at, waits }/> };
    view! {
        <div class="login-side">
            <p class="row strong brand-large"><Icon of=icon::LOGO size=24/>"Event Actions"</p>
            <p class="motto">"Every event meets eight gates. You see which one it stopped at, and why."</p>
            <div class="login-gates stack-8">
                {strip("All gates let it through: the action runs.", None, false)}
                {strip("A condition stopped it: a decision, no fault.", Some(Gate::Conditions), false)}
                {strip("It waits at a limit and goes on by itself.", Some(Gate::RateLimit), true)}
            </div>
        </div>
    }
}

/// A remark under a form's heading.
#[component]
pub fn Remark(
    /// The remark.
    children: Children,
) -> impl IntoView {
    view! { <Callout kind=CalloutKind::Remark>{children()}</Callout> }
}
