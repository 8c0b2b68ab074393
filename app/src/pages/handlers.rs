//! Handlers: what actions can do, whether each can do it now, and the fields of its configuration.

use event_actions::model::Timestamp;
use event_actions::model::handler::{Field, FieldKind, HandlerHealth, HandlerInfo};
use event_actions::model::health::HealthStatus;
use leptos::prelude::*;

use super::{PageTitle, asked, page};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::health_badge::{HealthBadge, Wellbeing};
use crate::components::icon::{self, Icon};
use crate::components::page_head::PageHead;
use crate::components::time::{Time, TimeStyle};

/// The page.
#[component]
pub fn Handlers() -> impl IntoView {
    page(async move {
        let (engine, caller) = asked()?;
        let all = engine.handlers(&caller).await?;
        let now = Timestamp::now();
        let panels = all.into_iter().map(|handler| panel(handler, now)).collect_view();
        Ok(view! {
            <PageTitle text="Handlers"/>
            <PageHead title="Handlers" lede="What an action can do when an event has passed every gate."/>
            {panels}
        })
    })
}

/// How a handler is doing, and why.
fn health(of: HandlerHealth) -> (HealthStatus, String) {
    match of {
        HandlerHealth::Healthy => (HealthStatus::Healthy, String::new()),
        HandlerHealth::Unknown => (HealthStatus::Unknown, "There is nothing to check before it runs; the health of its actions tells.".to_owned()),
        HandlerHealth::Unavailable(why) => (HealthStatus::Critical, why),
    }
}

/// How a field is entered, in words.
fn kind_words(kind: &FieldKind) -> String {
    match kind {
        FieldKind::Text => "text".to_owned(),
        FieldKind::Multiline { language } => format!("several lines of {language}"),
        FieldKind::Url => "URL".to_owned(),
        FieldKind::Number { min, max, unit } => format!("{min} to {max}{}", unit.as_deref().map(|u| format!(" {u}")).unwrap_or_default()),
        FieldKind::Switch => "yes or no".to_owned(),
        FieldKind::Choice { options } => format!("one of {}", options.join(", ")),
        FieldKind::TextList => "list of texts".to_owned(),
        FieldKind::NumberList => "list of numbers".to_owned(),
        FieldKind::KeyValue => "named texts".to_owned(),
        FieldKind::Json => "JSON".to_owned(),
        FieldKind::TemplateName => "name of a template".to_owned(),
        FieldKind::Secret => "secret".to_owned(),
        FieldKind::Steps => "steps".to_owned(),
    }
}

fn panel(handler: HandlerInfo, now: Timestamp) -> impl IntoView {
    let HandlerInfo { spec, health: state, checked_at, .. } = handler;
    let (status, why) = health(state);
    let reason = (!why.is_empty()).then(|| view! { <p class="t13 muted">{why}</p> });
    let heading = format!("h-{}", spec.handler_type);
    let labelled = heading.clone();
    let rows = spec.fields.iter().cloned().map(row).collect_view();
    let columns = vec![Column::new("Field"), Column::new("Takes"), Column::new("Needed"), Column::new("Template")];
    let fields = if spec.fields.is_empty() {
        view! { <p class="panel-body muted t13">"It needs no configuration."</p> }.into_any()
    } else {
        view! {
            <details class="fold">
                <summary>{crate::components::format::plural(spec.fields.len() as i64, "field", "fields")}</summary>
                <DataTable caption=format!("Fields of {}", spec.label) columns=columns><tbody>{rows}</tbody></DataTable>
            </details>
        }
        .into_any()
    };
    view! {
        <section class="panel" aria-labelledby=labelled>
            <div class="panel-head">
                <Icon of=icon::of_handler(spec.handler_type.as_str())/>
                <h2 id=heading>{spec.label.clone()}</h2>
                <code class="small muted">{spec.handler_type.to_string()}</code>
                <span class="push row row-wrap"><span class="note hide-s">"checked "<Time at=checked_at now=now style=TimeStyle::Ago/></span><HealthBadge of=Wellbeing::Health(status)/></span>
            </div>
            <div class="panel-body stack-4">
                <p class="t13">{spec.description.clone()}</p>
                {reason}
            </div>
            {fields}
        </section>
    }
}

fn row(field: Field) -> impl IntoView {
    let help = (!field.help.is_empty()).then(|| view! { <div class="sub">{field.help.clone()}</div> });
    let needed = match (&field.default, field.required) {
        (_, true) => "needed".to_owned(),
        (Some(default), false) => format!("else {default}"),
        (None, false) => "no".to_owned(),
    };
    let takes = kind_words(&field.kind);
    view! {
        <tr>
            <th scope="row" class="full">{field.label}" "<code class="muted">{field.name}</code>{help}</th>
            <Cell label="Takes">{takes}</Cell>
            <Cell label="Needed" class="brk">{needed}</Cell>
            <Cell label="Template">{if field.templated { "yes" } else { "no, taken literally" }}</Cell>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_words() {
        assert_eq!(kind_words(&FieldKind::Number { min: 1, max: 60, unit: Some("s".into()) }), "1 to 60 s");
        assert_eq!(kind_words(&FieldKind::Choice { options: vec!["GET".into(), "POST".into()] }), "one of GET, POST");
    }

    #[test]
    fn what_cannot_work_says_why() {
        assert_eq!(health(HandlerHealth::Unavailable("No mail server.".into())), (HealthStatus::Critical, "No mail server.".to_owned()));
    }
}
