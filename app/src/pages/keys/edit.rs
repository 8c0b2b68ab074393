//! One API key: its name, what it may do, when it ends. The key itself stays as it is.

use event_actions::model::Timestamp;
use event_actions::model::access::{ApiKey, Scope};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{Standing, beginning, means, standing};
use crate::components::button::{Button, ButtonKind};
use crate::components::feedback::{Callout, CalloutKind};
use crate::components::fields::TextField;
use crate::components::icon::{self, Icon};
use crate::components::page_head::{PageHead, Panel};
use crate::components::switches::CheckBox;
use crate::components::time::{Zone, use_zone};
use crate::pages::admin::{Draft, said};
use crate::pages::{PageTitle, asked, page};

/// The page.
#[component]
pub fn KeyPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|p| p.get("id")).unwrap_or_default();
    let (zone, draft, first) = (use_zone(), Draft::of("edit"), said());
    page(async move {
        let (engine, caller) = asked()?;
        let key = engine.get_api_key(&caller, &id).await?;
        let crumbs = vec![("API keys".to_owned(), "/keys".to_owned())];
        let (title, prefix) = (key.name.clone(), beginning(&key.prefix));
        let content = match standing(&key, Timestamp::now()) {
            Standing::Revoked => view! { <Callout kind=CalloutKind::Remark><p>"This key is revoked. It cannot be changed any more."</p></Callout> }.into_any(),
            _ => form(&key, &draft, zone).into_any(),
        };
        Ok(view! {
            <PageTitle text=format!("{title}, API key")/>
            <PageHead title=title crumbs=crumbs lede=prefix/>
            {first}
            {content}
        })
    })
}

fn form(key: &ApiKey, draft: &Draft, zone: Zone) -> impl IntoView + use<> {
    let boxes = Scope::ALL
        .into_iter()
        .map(|scope| {
            let checked = draft.checked(scope.name(), key.scopes.contains(&scope));
            view! { <CheckBox label=format!("{}: {}", scope.name(), means(scope)) name=scope.name() checked=checked/> }
        })
        .collect_view();
    let fault = draft.error("/scopes").map(|text| view! { <p class="hint hint-bad"><Icon of=icon::CROSS size=12/>{text}</p> });
    let (name, ends) = (draft.value("name", &key.name), draft.value("expires_at", &key.expires_at.map(|at| zone.field(at)).unwrap_or_default()));
    let (name_fault, ends_fault) = (draft.error("/name"), draft.error("/expires_at"));
    let action = format!("/keys/{}", key.id);
    let hint = format!("Time in {}. Empty means never.", zone.label());
    view! {
        <Panel id="edit-h" title="What it may do">
            <form class="stack" method="post" action=action aria-labelledby="edit-h">
                <div class="form-grid">
                    <TextField id="f-name" label="What it is for" name="name" value=name error=name_fault required=true class="s6"/>
                    <TextField id="f-expires_at" label="Ends" name="expires_at" kind="datetime-local" value=ends hint=hint error=ends_fault class="s4"/>
                </div>
                <fieldset id="f-scopes" class="stack-4"><legend class="label">"It may"</legend>{boxes}{fault}</fieldset>
                <p class="hint">"Changes count from the next request with the key."</p>
                <div class="row"><Button kind=ButtonKind::Primary submit=true>"Save"</Button><a class="btn" href="/keys">"Cancel"</a></div>
            </form>
        </Panel>
    }
}
