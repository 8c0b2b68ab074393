//! The rules of alerts: when one fires, how bad it is, what it looks at. One page for all of them, one for each.

use std::collections::HashMap;

use event_actions::engine::Caller;
use event_actions::model::ApiError;
use event_actions::model::access::Scope;
use event_actions::model::alert::{AlertKind, AlertRule, RuleScope, Severity};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::admin::{Confirmed, Draft, said};
use super::alerts::words::{SeverityBadge, fires_when, kind_words};
use super::alerts::{RULES, actions, tabs};
use super::{PageTitle, asked, page};
use crate::components::button::{Button, ButtonLink};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::Empty;
use crate::components::format::plural;
use crate::components::icon;
use crate::components::page_head::PageHead;
use crate::components::status_badge::Pill;
use crate::session::encode;
use crate::shell::link;

mod form;

/// The page of all rules.
#[component]
pub fn AlertRules() -> impl IntoView {
    let first = said();
    page(async move {
        let (engine, caller) = asked()?;
        let rules = engine.list_alert_rules(&caller, None).await?;
        let names: HashMap<String, String> = actions(&engine, &caller).await?.into_iter().collect();
        let on = rules.iter().filter(|r| r.is_enabled).count();
        let lede = format!("{} of {} on. They are looked at every two seconds.", on, plural(rules.len() as i64, "rule", "rules"));
        Ok(view! {
            <PageTitle text="Alert rules"/>
            <PageHead title="Alerts" lede=lede><ButtonLink href="/alerts/rules/new" icon=icon::PLUS>"New rule"</ButtonLink></PageHead>
            {tabs(true, RULES, None)}
            {first}
            <section class="panel" aria-label="Alert rules">{table(rules, &names, &caller)}</section>
        })
    })
}

fn table(rules: Vec<AlertRule>, names: &HashMap<String, String>, caller: &Caller) -> AnyView {
    if rules.is_empty() {
        return view! { <Empty icon=icon::BELL title="No rules" text="Without rules only an action that is switched off by the service itself raises an alert."/> }.into_any();
    }
    let rows = rules.into_iter().map(|rule| row(rule, names, caller)).collect_view();
    let columns = vec![
        Column::new("Rule").width("24%"),
        Column::new("Fires when"),
        Column::new("Severity").width("112px"),
        Column::new("Looks at").width("16%"),
        Column::new("State").width("92px"),
        Column::silent("Change").width("224px"),
    ];
    view! { <DataTable caption="Alert rules in the order in which they were made" columns=columns fixed=true><tbody>{rows}</tbody></DataTable> }.into_any()
}

/// Whether the caller may change a rule; platform-wide ones are the platform's.
fn is_own(rule: &AlertRule, caller: &Caller) -> bool {
    caller.is_platform || rule.tenant_id.is_some()
}

/// What a rule looks at.
fn looks_at(rule: &AlertRule, names: &HashMap<String, String>) -> AnyView {
    match &rule.scope {
        RuleScope::All if rule.kind.is_per_action() => "every action".into_any(),
        RuleScope::All => "the installation".into_any(),
        RuleScope::Tag(tag) => {
            let tag = tag.clone();
            view! { "actions tagged "<Pill mono=true>{tag}</Pill> }.into_any()
        }
        RuleScope::Action(id) => match (names.get(id).cloned(), link(&format!("/actions/{id}"))) {
            (Some(name), Some(href)) => view! { <a href=href>{name}</a> }.into_any(),
            _ => view! { "an action that is gone" }.into_any(),
        },
    }
}

fn row(rule: AlertRule, names: &HashMap<String, String>, caller: &Caller) -> impl IntoView + use<> {
    let own = is_own(&rule, caller);
    let whose = match &rule.tenant_id {
        Some(tenant) if caller.is_platform => Some(tenant.clone()),
        Some(_) => None,
        None => Some("platform".to_owned()),
    };
    let whose = whose.map(|text| view! { " "<Pill>{text}</Pill> });
    let href = format!("{RULES}/{}", encode(&rule.id));
    let name = if own { view! { <a href=href.clone()>{rule.name.clone()}</a> }.into_any() } else { rule.name.clone().into_any() };
    let state = if rule.is_enabled { "On" } else { "Off" };
    let buttons = own.then(|| buttons(&rule, href));
    let (fires, looks, class) = (fires_when(&rule), looks_at(&rule, names), if rule.is_enabled { "" } else { "muted" });
    view! {
        <tr data-rule=rule.id.clone()>
            <th scope="row" class="full">{name}{whose}<div class="sub">{kind_words(rule.kind)}</div></th>
            <Cell label="Fires when" class="full">{fires}</Cell>
            <Cell label="Severity"><SeverityBadge severity=rule.severity/></Cell>
            <Cell label="Looks at" class="brk">{looks}</Cell>
            <Cell label="State" class=class>{state}</Cell>
            <Cell class="full"><div class="row row-wrap tw:justify-end">{buttons}</div></Cell>
        </tr>
    }
}

fn buttons(rule: &AlertRule, href: String) -> impl IntoView + use<> {
    let (verb, word) = if rule.is_enabled { ("disable", "Turn off") } else { ("enable", "Turn on") };
    // What is never silent cannot be switched off.
    let switch = (rule.kind != AlertKind::AutoDisable || !rule.is_enabled).then(|| {
        view! { <form method="post" action=format!("{href}/{verb}")><Button submit=true small=true attr:aria-label=format!("{word} {}", rule.name)>{word}</Button></form> }
    });
    let (edit, label) = (href.clone(), format!("Edit {}", rule.name));
    view! {
        {switch}
        <ButtonLink href=edit small=true attr:aria-label=label>"Edit"</ButtonLink>
        <Confirmed id=format!("d-{}", rule.id) action=format!("{href}/delete") verb="Delete" what=rule.name.clone() text="Its open alerts end. The audit log keeps the rule."/>
    }
}

/// A new rule.
#[component]
pub fn AlertRuleNew() -> impl IntoView {
    let first = said();
    let draft = Draft::of("rule");
    page(async move {
        let (engine, caller) = asked()?;
        caller.require(Scope::Admin)?;
        let choices = actions(&engine, &caller).await?;
        let rule = AlertRule::new(AlertKind::ErrorRate, "", 10.0, Severity::Warning);
        Ok(form::document("New rule", &rule, &draft, &caller, choices, first.into_any()))
    })
}

/// One rule.
#[component]
pub fn AlertRulePage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    let first = said();
    let draft = Draft::of("rule");
    page(async move {
        let (engine, caller) = asked()?;
        let rules = engine.list_alert_rules(&caller, None).await?;
        let rule = rules.into_iter().find(|r| r.id == id).ok_or_else(|| ApiError::not_found("alert rule", &id))?;
        if !is_own(&rule, &caller) {
            return Err(ApiError::forbidden(format!("The rule {:?} is platform-wide; only a platform administrator changes it.", rule.name)));
        }
        let choices = actions(&engine, &caller).await?;
        let title = rule.name.clone();
        Ok(form::document(&title, &rule, &draft, &caller, choices, first.into_any()))
    })
}

#[cfg(test)]
mod tests {
    use event_actions::model::access::Role;

    use super::*;

    #[test]
    fn rules_of_the_platform_are_the_platforms() {
        let member = Caller::member("u".into(), "a@example.com".into(), "north".into(), Role::Admin, None);
        let platform = AlertRule::new(AlertKind::ErrorRate, "A", 10.0, Severity::Warning);
        let own = AlertRule { tenant_id: Some("north".into()), ..platform.clone() };
        assert!(!is_own(&platform, &member) && is_own(&own, &member) && is_own(&platform, &Caller::system("test")));
    }
}
