//! The form of one rule. Every kind has the same fields; a hint says which of them count for which.

use event_actions::engine::Caller;
use event_actions::model::alert::{AlertKind, AlertRule, Metric, RuleScope};
use leptos::prelude::*;

use crate::components::button::{Button, ButtonKind, ButtonLink};
use crate::components::fields::{NumberField, SelectField, TextField};
use crate::components::page_head::{PageHead, Panel};
use crate::components::switches::CheckBox;
use crate::pages::PageTitle;
use crate::pages::admin::{Draft, tenant_field};
use crate::pages::alerts::words::{kind_words, metric_words};
use crate::pages::alerts::{PAGE, RULES, severities};
use crate::session::encode;

/// The page of a rule; `rule` without an id is a new one.
pub(super) fn document(title: &str, rule: &AlertRule, draft: &Draft, caller: &Caller, actions: Vec<(String, String)>, first: AnyView) -> impl IntoView + use<> {
    let is_new = rule.id.is_empty();
    let to = if is_new { format!("{RULES}/new") } else { format!("{RULES}/{}", encode(&rule.id)) };
    let crumbs = vec![("Alerts".to_owned(), PAGE.to_owned()), ("Rules".to_owned(), RULES.to_owned())];
    let tenant = is_new.then(|| tenant_field(caller, draft, "Empty means the whole platform."));
    let version = (!is_new).then(|| view! { <input type="hidden" name="version" value=draft.value("version", &rule.version.to_string())/> });
    let title = title.to_owned();
    let (what, scope) = (what(rule, draft, caller), scope(rule, draft, actions));
    let (when, on) = (when(rule, draft), on(rule, draft));
    let saves = if is_new { "Make rule" } else { "Save" };
    view! {
        <PageTitle text=title.clone()/>
        <PageHead title=title crumbs=crumbs/>
        {first}
        <form class="stack" method="post" action=to>
            {version}
            <Panel id="what-h" title="What it looks at"><div class="form-grid">{what}{scope}{tenant}</div></Panel>
            <Panel id="when-h" title="When it fires"><div class="form-grid">{when}</div>{on}</Panel>
            <div class="row"><Button kind=ButtonKind::Primary submit=true>{saves}</Button><ButtonLink href=RULES kind=ButtonKind::Ghost>"Cancel"</ButtonLink></div>
        </form>
    }
}

fn what(rule: &AlertRule, draft: &Draft, caller: &Caller) -> impl IntoView + use<> {
    // What everything shares is the platform's alone.
    let offered = |k: &AlertKind| *k == rule.kind || k.is_per_action() || (caller.is_platform && caller.tenant_id.is_none());
    let kinds = AlertKind::ALL.into_iter().filter(offered).map(|k| (k.name().to_owned(), kind_words(k).to_owned())).collect::<Vec<_>>();
    let none = (String::new(), "none".to_owned());
    let metrics = std::iter::once(none).chain(Metric::ALL.into_iter().map(|m| (m.name().to_owned(), metric_words(m).to_owned()))).collect::<Vec<_>>();
    let metric = draft.value("metric", rule.metric.map_or("", Metric::name));
    let with_metrics = kinds.iter().any(|(k, _)| k == AlertKind::ResourceExhaustion.name());
    let metric = with_metrics.then(|| {
        view! { <SelectField id="f-metric" label="Resource" name="metric" options=metrics value=metric hint="For \"Resource short\" alone." error=draft.error("/metric") class="s4"/> }
    });
    view! {
        <TextField id="f-name" label="Name" name="name" value=draft.value("name", &rule.name) error=draft.error("/name") required=true autocomplete="off" class="s12"/>
        <SelectField id="f-kind" label="About" name="kind" options=kinds value=draft.value("kind", rule.kind.name()) error=draft.error("/kind") class="s4"/>
        {metric}
        <SelectField id="f-severity" label="Severity" name="severity" options=severities() value=draft.value("severity", rule.severity.name()) error=draft.error("/severity") class="s4"/>
    }
}

fn scope(rule: &AlertRule, draft: &Draft, mut actions: Vec<(String, String)>) -> impl IntoView + use<> {
    let (word, tag, action) = match &rule.scope {
        RuleScope::All => ("all", "", ""),
        RuleScope::Tag(tag) => ("tag", tag.as_str(), ""),
        RuleScope::Action(id) => ("action", "", id.as_str()),
    };
    let chosen = draft.value("scope_action", action);
    if !chosen.is_empty() && !actions.iter().any(|(id, _)| *id == chosen) {
        actions.push((chosen.clone(), "an action that is not listed".to_owned()));
    }
    actions.insert(0, (String::new(), "none".to_owned()));
    let scopes = [("all", "Every action, or the installation"), ("tag", "Actions with the tag"), ("action", "One action")].map(|(w, t)| (w.to_owned(), t.to_owned())).to_vec();
    view! {
        <SelectField id="f-scope" label="Scope" name="scope" options=scopes value=draft.value("scope", word) error=draft.error("/scope") class="s4"/>
        <TextField id="f-scope-tag" label="Tag" name="scope_tag" value=draft.value("scope_tag", tag) hint="When the scope is a tag." error=draft.error("/scope/tag") mono=true autocomplete="off" class="s4"/>
        <SelectField id="f-scope-action" label="Action" name="scope_action" options=actions value=chosen hint="When the scope is one action." error=draft.error("/scope/action") class="s4"/>
    }
}

fn when(rule: &AlertRule, draft: &Draft) -> impl IntoView + use<> {
    let whole = |name: &str, n: u32| draft.value(name, &n.to_string());
    view! {
        <TextField id="f-threshold" label="Threshold" name="threshold" value=draft.value("threshold", &rule.threshold.to_string())
            hint="Percent of attempts, milliseconds, or the resource's unit. It fires above; for the others, from so many times on." error=draft.error("/threshold") class="s6"/>
        <NumberField id="f-window_seconds" label="Window" name="window_seconds" value=whole("window_seconds", rule.window_seconds) min=Some(60) max=Some(21_600) unit="s"
            hint="Attempts of the last so many seconds count, in whole minutes." error=draft.error("/window_seconds") class="s6"/>
        <NumberField id="f-min_samples" label="Minimum sample" name="min_samples" value=whole("min_samples", rule.min_samples) min=Some(1) max=Some(1_000_000) unit="attempts"
            hint="For error rate and slow executions: fewer say nothing." error=draft.error("/min_samples") class="s6"/>
        <NumberField id="f-for_seconds" label="Must hold for" name="for_seconds" value=whole("for_seconds", rule.for_seconds) min=Some(0) max=Some(3_600) unit="s"
            hint="Until then it is pending. 0 fires at once." error=draft.error("/for_seconds") class="s6"/>
    }
}

fn on(rule: &AlertRule, draft: &Draft) -> impl IntoView + use<> {
    let fault = draft.error("/is_enabled").map(|text| view! { <p class="hint hint-bad" id="f-is_enabled-m">{text}</p> });
    view! {
        <div class="field tw:mt-3" id="f-is_enabled">
            <CheckBox label="The rule is on" name="is_enabled" checked=draft.checked("is_enabled", rule.is_enabled)/>
            {fault}
        </div>
    }
}
