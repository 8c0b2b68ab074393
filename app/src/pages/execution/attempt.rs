//! One attempt in full: what was sent, what came back, what was logged. All of it as text; strangers wrote it.

use event_actions::model::execution::{Attempt, Execution};
use leptos::prelude::*;
use serde_json::{Map, Value};

use crate::components::curl::of_request;
use crate::components::diff::{Diff, diff_json};
use crate::components::feedback::{Callout, CalloutKind};
use crate::components::format::{bytes, duration_or_dash};
use crate::components::icon;
use crate::components::json_view::{JsonView, TextView};
use crate::components::segmented::{Choice, TabLinks};
use crate::components::status_badge::{Badge, OutcomeBadge, Tone};
use crate::islands::copy::CopyFrom;
use crate::pages::words::{class_words, http_status, http_words, node_words};

/// What the URL says of the attempt shown.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Which; the last when absent or none of them.
    pub number: Option<u32>,
    /// `response`, `request`, `log`, `curl` or `compare`; the most telling one when empty.
    pub part: String,
}

/// The attempt that is shown.
#[must_use]
pub fn chosen<'a>(x: &'a Execution, shown: &Shown) -> Option<&'a Attempt> {
    x.attempts.iter().find(|a| Some(a.number) == shown.number).or(x.attempts.last())
}

/// What stands in place of a secret, in the forms that handlers use.
const MARKS: [&str; 2] = ["[redacted]", "••••••"];

/// Text in which what was taken out is marked.
fn redacted(text: &str) -> AnyView {
    let at = |text: &str| {
        let fixed = MARKS.iter().filter_map(|m| text.find(m).map(|at| (at, at + m.len())));
        let named = text.find("[secret ").and_then(|at| text[at..].find(']').map(|end| (at, at + end + 1)));
        fixed.chain(named).min()
    };
    let mut out: Vec<AnyView> = Vec::new();
    let mut rest = text;
    while let Some((from, to)) = at(rest) {
        out.push(rest[..from].to_owned().into_any());
        out.push(view! { <span class="redact">{rest[from..to].trim_matches(['[', ']']).to_owned()}</span> }.into_any());
        rest = &rest[to..];
    }
    out.push(rest.to_owned().into_any());
    out.into_any()
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The panel.
pub fn panel(x: &Execution, attempt: &Attempt, shown: &Shown) -> impl IntoView + use<> {
    let number = attempt.number;
    let badge = match http_status(attempt) {
        Some(status) => {
            let (tone, icon) = if attempt.error.is_none() { (Tone::Ok, icon::CHECK) } else { (Tone::Bad, icon::CROSS) };
            view! { <Badge tone=tone icon=icon text=status.to_string()/> }.into_any()
        }
        None => view! { <OutcomeBadge outcome=attempt.outcome/> }.into_any(),
    };
    let node = if attempt.node.is_empty() { String::new() } else { format!(", {}", node_words(&attempt.node)) };
    let note = format!("{}{node}", duration_or_dash(attempt.duration_ms));
    let curl = attempt.request.as_ref().and_then(of_request);
    let before = x.attempts.iter().rfind(|a| a.number < number && a.response.is_some()).filter(|_| attempt.response.is_some());
    let part = part_of(shown, attempt, curl.is_some(), before.is_some());
    let tabs = tabs(x, attempt, part, curl.is_some(), before.map(|b| b.number));
    let error = attempt.error.clone().map(|e| view! { <Callout kind=CalloutKind::Fault><strong>{class_words(e.class)}". "</strong>{e.message}</Callout> });
    let body = match part {
        "request" => attempt.request.as_ref().map_or_else(|| nothing("Nothing was sent."), request),
        "log" => log(&attempt.logs),
        "curl" => curl_view(curl.unwrap_or_default()),
        "compare" => before.and_then(|b| b.response.as_ref().zip(attempt.response.as_ref())).map_or_else(|| nothing("There is nothing to compare with."), |(a, b)| compare(a, b)),
        _ => answer(x, attempt),
    };
    view! {
        <section class="panel" aria-labelledby="attempt">
            <div class="panel-head"><h2 id="attempt">{format!("Attempt {number}")}</h2>{badge}<span class="note">{note}</span></div>
            <div class="panel-body stack">{error}<div>{tabs}<div class="stack-8 tw:pt-3">{body}</div></div></div>
        </section>
    }
}

/// The part that is shown: the one asked for, if there is such a part, else what came back, else what was sent.
fn part_of(shown: &Shown, attempt: &Attempt, has_curl: bool, has_before: bool) -> &'static str {
    match shown.part.as_str() {
        "request" => "request",
        "log" => "log",
        "response" => "response",
        "curl" if has_curl => "curl",
        "compare" if has_before => "compare",
        _ if attempt.response.is_none() && attempt.error.is_some() && attempt.request.is_some() => "request",
        _ => "response",
    }
}

fn tabs(x: &Execution, attempt: &Attempt, part: &'static str, has_curl: bool, before: Option<u32>) -> impl IntoView + use<> {
    let choice = |word: &'static str, text: String| Choice::new(text, format!("/executions/{}?attempt={}&part={word}#attempt", x.id, attempt.number), part == word);
    let mut choices = vec![choice("response", "Response".to_owned()), choice("request", "Request".to_owned())];
    let mut log = choice("log", "Log".to_owned());
    log.count = (!attempt.logs.is_empty()).then(|| attempt.logs.len().to_string());
    choices.push(log);
    if has_curl {
        choices.push(choice("curl", "curl".to_owned()));
    }
    choices.extend(before.map(|n| choice("compare", format!("Compare with {n}"))));
    view! { <TabLinks label=format!("Attempt {}", attempt.number) choices=choices/> }
}

fn nothing(text: &'static str) -> AnyView {
    view! { <p class="muted t13">{text}</p> }.into_any()
}

fn headers(of: &Value) -> Option<AnyView> {
    let all = of.get("headers").and_then(Value::as_object).filter(|h| !h.is_empty())?;
    let lines = all.iter().map(|(name, value)| view! { <dt>{name.clone()}</dt><dd>{redacted(&text_of(value))}</dd> }).collect_view();
    Some(view! { <dl class="cmp">{lines}</dl> }.into_any())
}

/// A body: JSON as numbered lines, also when it came as text; anything else line by line.
fn body(value: Option<&Value>) -> AnyView {
    match value {
        None | Some(Value::Null) => nothing("No body."),
        Some(Value::String(text)) => match serde_json::from_str::<Value>(text) {
            Ok(json) if json.is_object() || json.is_array() => view! { <JsonView value=json/> }.into_any(),
            _ => view! { <TextView text=text.clone()/> }.into_any(),
        },
        Some(json) => view! { <JsonView value=json.clone()/> }.into_any(),
    }
}

fn size(value: Option<&Value>) -> String {
    value.filter(|v| !v.is_null()).map_or_else(|| "no body".to_owned(), |v| bytes(v.as_str().map_or_else(|| v.to_string().len(), str::len)))
}

fn cut(of: &Value) -> Option<AnyView> {
    let cut = of.get("truncated").and_then(Value::as_bool).unwrap_or_default();
    cut.then(|| view! { <p class="hint">"Cut: only the first 64 KiB of the body are kept."</p> }.into_any())
}

fn request(of: &Value) -> AnyView {
    let text = |name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    match text("method").zip(text("url")) {
        Some((method, url)) => view! {
            <p class="t13 brk"><span class="verb">{method}</span>" "<code>{redacted(&url)}</code></p>
            {headers(of)}
            {body(of.get("body"))}
            {cut(of)}
        }
        .into_any(),
        None => document(of),
    }
}

fn answer(x: &Execution, attempt: &Attempt) -> AnyView {
    if let Some(response) = &attempt.response {
        let Some(status) = http_status(attempt) else { return document(response) };
        let class = if attempt.error.is_some() { "verb bad" } else { "verb" };
        let reason = http_words(status).trim_start_matches(|c: char| c.is_ascii_digit()).trim().to_owned();
        let about = format!(" {reason}, {}", size(response.get("body")));
        return view! {
            <p class="t13"><span class=class>{status}</span>{about}</p>
            {headers(response)}
            {body(response.get("body"))}
            {cut(response)}
        }
        .into_any();
    }
    let is_last = x.attempts.last().is_some_and(|a| a.number == attempt.number);
    match (&x.result, attempt.finished_at, is_last && attempt.error.is_none()) {
        (_, None, _) => nothing("It is under way; nothing has come back yet."),
        (Some(result), _, true) => view! { <h3>"Returned"</h3><JsonView value=result.clone()/> }.into_any(),
        _ => nothing("Nothing came back."),
    }
}

/// What is no web request: texts of several lines stand by themselves, so that they can be read; the rest is JSON.
fn document(of: &Value) -> AnyView {
    let Some(map) = of.as_object() else { return body(Some(of)) };
    let is_long = |v: &Value| v.as_str().is_some_and(|t| t.contains('\n') || t.len() > 200);
    let short: Map<String, Value> = map.iter().filter(|(_, v)| !is_long(v)).map(|(k, v)| (k.clone(), v.clone())).collect();
    let long = map.iter().filter(|(_, v)| is_long(v)).map(|(name, v)| view! { <h3>{name.clone()}</h3><TextView text=v.as_str().unwrap_or_default().to_owned()/> }).collect_view();
    view! { <JsonView value=Value::Object(short)/>{long} }.into_any()
}

fn log(lines: &[String]) -> AnyView {
    if lines.is_empty() {
        return nothing("It logged nothing. Functions and workflows can.");
    }
    view! { <TextView text=lines.join("\n")/> }.into_any()
}

fn curl_view(command: String) -> AnyView {
    view! {
        <div id="attempt-curl"><TextView text=command plain=true/></div>
        <div><CopyFrom of="attempt-curl".to_owned() label="Copy as curl".to_owned() small=false/></div>
        <p class="hint">"Secrets stay names; set them in your shell. The signature and its time are those of this attempt, so a receiver that checks them will refuse the copy."</p>
    }
    .into_any()
}

fn compare(before: &Value, after: &Value) -> AnyView {
    if before == after {
        return nothing("Both answers are the same.");
    }
    view! { <Diff lines=diff_json(before, after)/> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_asked_for_must_exist() {
        let shown = |part: &str| Shown { number: None, part: part.to_owned() };
        let attempt = Attempt {
            number: 1,
            node: String::new(),
            started_at: event_actions::model::Timestamp(0),
            finished_at: None,
            duration_ms: None,
            outcome: None,
            error: None,
            request: None,
            response: None,
            logs: Vec::new(),
        };
        assert_eq!(part_of(&shown("curl"), &attempt, false, false), "response");
        assert_eq!(part_of(&shown("curl"), &attempt, true, false), "curl");
        assert_eq!(part_of(&shown("<b>"), &attempt, true, true), "response");
    }

    #[test]
    fn what_was_taken_out_is_marked() {
        let html = redacted("Bearer [secret CRM_TOKEN], then [redacted] and ••••••<b>").to_html();
        assert_eq!(html.matches("redact").count(), 4, "{html}");
        assert!(html.contains("secret CRM_TOKEN") && !html.contains("<b>"));
    }
}
