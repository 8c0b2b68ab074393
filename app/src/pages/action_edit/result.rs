//! What a test found, as HTML: the gate strip with the gates behind the stop, and the exact output.

use event_actions::matching::{ConditionReport, Gate, MatchReport};
use event_actions::model::testing::{TestReport, TestRequest};
use event_actions::model::value::short;
use leptos::prelude::*;
use serde_json::{Map, Value};

use crate::components::gate_strip::{GateStrip, deciding};
use crate::components::json_view::{JsonView, TextView};
use crate::server_fns::actions::Tried;

/// The answer to the editor.
#[must_use]
pub fn tried(report: TestReport, request: &TestRequest, filters: &Map<String, Value>) -> Tried {
    let gates = report.report.gates.iter().map(|g| g.outcome).collect();
    let reason = report.report.reason.clone();
    let destination = report.preview.as_ref().and_then(|p| p.get("destination")).and_then(Value::as_str).map(str::to_owned);
    let execution_id = report.execution.as_ref().map(|x| x.id.clone());
    let steps = steps_of(report.preview.as_ref().and_then(|p| p.get("request"))).into_iter().map(|step| step_found(&step).to_html()).collect();
    let html = found(report, request, filters, true).to_html();
    Tried { gates, reason, html, steps, destination, execution_id }
}

/// Strip and output. `tabs` needs JavaScript; without it the parts stand below each other.
pub fn found(report: TestReport, request: &TestRequest, filters: &Map<String, Value>, tabs: bool) -> AnyView {
    let TestReport { report, preview, .. } = report;
    let context = (!filters.is_empty()).then(|| comparison(filters, &request.metadata));
    let output = match (preview, context) {
        (Some(preview), context) => Some(output(&preview, context, tabs)),
        // What cannot be rendered has no output; what the filters compare can still be seen.
        (None, Some(context)) => Some(view! { <div><h3>"Context"</h3>{context}</div> }.into_any()),
        (None, None) => None,
    };
    view! { <div>{strip(report)}</div>{output} }.into_any()
}

fn strip(report: MatchReport) -> impl IntoView {
    let stops_before_the_end = report.stopped_at.is_some_and(|g| g < Gate::Rendering);
    let conditions = report.gates.iter().find(|g| g.gate == Gate::Conditions && report.stopped_at == Some(Gate::Conditions));
    let mend = conditions.and_then(|g| deciding(&g.conditions)).and_then(mend_button);
    view! {
        <GateStrip report=report>
            <div class="row row-wrap">{mend}{stops_before_the_end.then(|| view! { <span class="small muted">"Production stops here."</span> })}</div>
        </GateStrip>
    }
}

/// The mend of the condition that decided; the editor hears the click.
fn mend_button(condition: &ConditionReport) -> Option<impl IntoView + use<>> {
    let mend = condition.mend.clone()?;
    let pointer = condition.pointer.clone();
    Some(view! { <button type="button" class="btn btn-mend tw:noscript:hidden" data-mend=pointer data-value=mend.value.to_string()>{mend.label}</button> })
}

/// Every context filter with what the event says.
fn comparison(filters: &Map<String, Value>, metadata: &Map<String, Value>) -> AnyView {
    let lines = filters
        .iter()
        .map(|(key, needs)| {
            let actual = metadata.get(key).map_or_else(|| "missing".to_owned(), short);
            view! { <dt>{key.clone()}</dt><dd>{actual}", needs "{short(needs)}</dd> }
        })
        .collect_view();
    view! { <dl class="cmp">{lines}</dl> }.into_any()
}

fn output(preview: &Value, context: Option<AnyView>, tabs: bool) -> AnyView {
    let request = preview.get("request").cloned().unwrap_or(Value::Null);
    let mut parts: Vec<(&'static str, &'static str, AnyView)> = vec![("request", "Request", sent(&request))];
    if let Some(curl) = preview.get("curl").and_then(Value::as_str) {
        let text = curl.to_owned();
        parts.push((
            "curl",
            "curl",
            view! { <div class="stack-8"><TextView text=text plain=true/><p class="hint">"Secrets stay names; set them in your shell."</p></div> }.into_any(),
        ));
    }
    if let Some(context) = context {
        parts.push(("context", "Context", context));
    }
    let heads = tabs.then(|| {
        let buttons = parts
            .iter()
            .enumerate()
            .map(|(n, (word, text, _))| view! { <button type="button" role="tab" id=format!("out-t-{word}") aria-controls=format!("out-p-{word}") aria-selected=if n == 0 { "true" } else { "false" } data-output=*word>{*text}</button> })
            .collect_view();
        view! { <div class="tabs" role="tablist" aria-label="Exact output">{buttons}</div> }
    });
    let bodies = parts.into_iter().enumerate().map(|(n, (word, text, body))| part(word, text, body, tabs, n == 0)).collect_view();
    view! { <div><h3>"Exact output"</h3>{heads}{bodies}</div> }.into_any()
}

fn part(word: &'static str, text: &'static str, body: AnyView, tabs: bool, first: bool) -> AnyView {
    if tabs {
        view! { <div role="tabpanel" id=format!("out-p-{word}") aria-labelledby=format!("out-t-{word}") tabindex="0" data-output=word hidden=!first class="tw:pt-3">{body}</div> }
            .into_any()
    } else {
        view! { <div class="tw:pt-3"><h4>{text}</h4>{body}</div> }.into_any()
    }
}

/// The rendered request: a web request, a mail, or whatever a handler says it would send.
fn sent(request: &Value) -> AnyView {
    let text = |name: &str| request.get(name).and_then(Value::as_str).map(str::to_owned);
    let steps = steps_of(Some(request));
    if !steps.is_empty() {
        let cards = steps.iter().map(|step| view! { <li class="rule-top tw:pt-2">{step_head(step)}{step_found(step)}</li> }).collect_view();
        return view! { <ol class="stack-8">{cards}</ol> }.into_any();
    }
    match (text("method"), text("url"), text("subject")) {
        (Some(method), Some(url), _) => web(method, url, request),
        (_, _, Some(subject)) => mail(subject, request),
        _ => view! { <JsonView value=request.clone() plain=true/> }.into_any(),
    }
}

/// The steps that a workflow's preview tells of.
fn steps_of(request: Option<&Value>) -> Vec<Value> {
    let steps = request.and_then(|r| r.get("steps")).and_then(Value::as_array).cloned().unwrap_or_default();
    if steps.iter().all(|s| s.get("number").is_some() && s.get("action").is_some()) { steps } else { Vec::new() }
}

fn step_head(step: &Value) -> AnyView {
    let text = |name: &str| step.get(name).map(shown).unwrap_or_default();
    view! { <p class="t13"><strong>{text("number")}". "{text("name")}</strong>" "<span class="muted">{text("action")}</span></p> }.into_any()
}

/// What goes into a step and what comes out.
fn step_found(step: &Value) -> AnyView {
    let part = |title: &'static str, value: Option<&Value>| value.filter(|v| !v.is_null()).map(|v| view! { <div><p class="small muted">{title}</p>{any(v)}</div> });
    let skipped = match step.get("runs") {
        Some(Value::Bool(false)) => Some("Its “only when” does not hold: it is skipped.".to_owned()),
        Some(Value::String(why)) => Some(format!("Whether it runs is {why}.")),
        _ => None,
    };
    let pending = step.get("pending").and_then(Value::as_str).map(|why| format!("What it does is {why}."));
    let lines = skipped.into_iter().chain(pending).map(|text| view! { <p class="hint">{text}</p> }).collect_view();
    let request = step.get("request").filter(|_| step.get("destination").is_some()).map(|r| view! { <div><p class="small muted">"Would send"</p>{sent(r)}</div> });
    view! {
        <div class="stack-8">
            {lines}
            {part("Input", step.get("input"))}
            {request}
            {part("Output", step.get("outcome"))}
        </div>
    }
    .into_any()
}

fn any(value: &Value) -> AnyView {
    match value {
        Value::String(text) => view! { <TextView text=text.clone() plain=true/> }.into_any(),
        other => view! { <JsonView value=other.clone() plain=true/> }.into_any(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn web(method: String, url: String, request: &Value) -> AnyView {
    let headers = request.get("headers").and_then(Value::as_object).into_iter().flatten().map(|(k, v)| view! { <dt>{k.clone()}</dt><dd>{shown(v)}</dd> }).collect_view();
    let body = match request.get("body") {
        None | Some(Value::Null) => ().into_any(),
        Some(Value::String(text)) => match serde_json::from_str::<Value>(text) {
            Ok(json) if json.is_object() || json.is_array() => view! { <JsonView value=json plain=true/> }.into_any(),
            _ => view! { <TextView text=text.clone() plain=true/> }.into_any(),
        },
        Some(json) => view! { <JsonView value=json.clone() plain=true/> }.into_any(),
    };
    view! {
        <div class="stack-8">
            <p class="t13 brk"><span class="verb">{method}</span>" "<code>{url}</code></p>
            <dl class="cmp">{headers}</dl>
            {body}
        </div>
    }
    .into_any()
}

fn mail(subject: String, request: &Value) -> AnyView {
    let line = |name: &'static str| {
        let value = request.get(name).filter(|v| !v.is_null() && v.as_array().is_none_or(|a| !a.is_empty()))?;
        let text = value.as_array().map_or_else(|| shown(value), |all| all.iter().map(shown).collect::<Vec<_>>().join(", "));
        Some(view! { <dt>{name}</dt><dd>{text}</dd> })
    };
    let lines = ["from", "to", "cc", "bcc", "reply_to"].map(line).into_iter().flatten().collect_view();
    // Strangers' HTML: in a frame that may do nothing, not even run scripts or reach this page.
    let html = request
        .get("html")
        .and_then(Value::as_str)
        .map(|html| view! { <iframe class="tw:w-full tw:h-72 tw:bg-white tw:border" sandbox="" title="The mail as HTML" srcdoc=html.to_owned()></iframe> });
    let text = request.get("text").and_then(Value::as_str).map(|text| view! { <div><p class="small muted">"As text"</p><TextView text=text.to_owned() plain=true/></div> });
    view! { <div class="stack-8"><p class="t13"><strong>{subject}</strong></p><dl class="cmp">{lines}</dl>{html}{text}</div> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_actions::matching::explain;
    use event_actions::model::Timestamp;
    use event_actions::model::action::NewAction;
    use event_actions::model::event::Event;
    use event_actions::model::handler::HandlerType;
    use serde_json::json;

    #[test]
    fn strangers_cannot_write_markup_and_a_mend_is_offered() {
        let mut action = NewAction::blank(HandlerType::new("webhook"));
        action.event_types = vec!["order.paid".into()];
        action.conditions = crate::editing::json_text::parse_conditions(r#"[{"field":"zone","operator":"equals","value":20}]"#).expect("conditions");
        let at = Timestamp(0);
        let evil = "<script>alert(1)</script>";
        let event = Event {
            id: "e".into(),
            tenant_id: "t".into(),
            event_type: "order.paid".into(),
            aggregate_id: None,
            aggregate_type: None,
            data: json!({"zone": "20"}),
            metadata: json!({}),
            occurred_at: at,
            received_at: at,
            correlation_id: None,
            causation_id: None,
            depth: 0,
        };
        let preview = json!({"destination": "POST https://a.example", "request": {"method": "POST", "url": evil, "headers": {evil: evil}, "body": evil}, "curl": evil});
        let report = TestReport { report: explain(&action, &event), preview: Some(preview), execution: None };
        let request = TestRequest { event_type: "order.paid".into(), event_data: Map::new(), metadata: Map::new(), dry_run: true };
        let tried = Owner::new().with(|| tried(report, &request, &Map::new()));
        assert!(!tried.html.contains("<script>"), "{}", tried.html);
        assert!(tried.html.contains(r#"data-mend="/conditions/0""#) && tried.html.contains("Production stops here."));
        assert_eq!(tried.destination.as_deref(), Some("POST https://a.example"));
    }
}
