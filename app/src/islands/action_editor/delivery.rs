//! The section "Delivery": who waits, what goes first, how often it is tried again, and its limits.

use leptos::prelude::*;
use serde_json::json;

use crate::components::fields::{NumberField, TextField};
use crate::components::segmented::Segmented;
use crate::components::switches::CheckBox;
use crate::islands::desk::Desk;

fn words(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(word, text)| ((*word).to_owned(), (*text).to_owned())).collect()
}

/// The fields of the section.
#[component]
pub fn DeliveryFields(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    let number = move |at: &'static str, label: &'static str, unit: &'static str, placeholder: &'static str| number(desk, at, label, unit, placeholder);
    let mode = desk.text("/execution_mode");
    let enabled = Signal::derive(move || desk.form.with(|f| f.flag("/is_enabled", true)));
    let set_enabled = Callback::new(move |on: bool| desk.change_form("", |f| f.set("/is_enabled", json!(on))));
    view! {
        <div class="form-grid">
            {segments(desk, "/execution_mode", "Mode", &[("sync", "Sync"), ("async", "Async"), ("queued", "Queued")], move || mode_hint(&mode.get()).to_owned())}
            {segments(desk, "/priority", "Priority", &[("low", "Low"), ("normal", "Normal"), ("high", "High"), ("critical", "Critical")], || "What goes first among the work of one event.".to_owned())}
            {number("/max_retries", "Retries", "", "3")}
            {number("/retry_delay_seconds", "First wait", "s", "10")}
            {segments(desk, "/retry_strategy", "Waits", &[("exponential", "Doubling"), ("fixed", "Always the same")], move || waits(desk))}
            {number("/rate_limit/max", "At most", "", "no limit")}
            {number("/rate_limit/per_seconds", "Per", "s", "")}
            <TextField id="f-ordering_key" label="Ordering key (optional)" class="s6" mono=true placeholder="{{ order.number }}" hint="Executions with the same key run one at a time, in the order of their events." value=desk.text("/ordering_key") error=desk.error("/ordering_key") on_input=desk.on_text("/ordering_key")/>
            {number("/timeout_seconds", "Timeout", "s", "30")}
            {number("/max_concurrency", "At once, per node", "", "no limit")}
            {number("/circuit_breaker/failures", "Breaker opens after", "", "10")}
            {number("/circuit_breaker/cooldown_seconds", "Probe after", "s", "60")}
            <div class="field s12"><CheckBox label="Enabled once saved" checked=enabled on_change=set_enabled/></div>
        </div>
    }
}

fn number(desk: Desk, at: &'static str, label: &'static str, unit: &'static str, placeholder: &'static str) -> AnyView {
    let id = crate::components::feedback::field_id(at);
    let (value, error, set) = (desk.text(at), desk.error(at), desk.on_text(at));
    if unit.is_empty() {
        return view! { <NumberField id=id label=label class="s3 half-s" min=Some(0) value=value error=error placeholder=placeholder on_input=set/> }.into_any();
    }
    view! { <NumberField id=id label=label class="s3 half-s" min=Some(0) value=value error=error placeholder=placeholder unit=unit on_input=set/> }.into_any()
}

fn segments(desk: Desk, at: &'static str, label: &'static str, options: &[(&str, &str)], hint: impl Fn() -> String + Send + Sync + 'static) -> AnyView {
    segments_with(desk, at, label, words(options), Signal::derive(hint))
}

fn segments_with(desk: Desk, at: &'static str, label: &'static str, options: Vec<(String, String)>, hint: Signal<String>) -> AnyView {
    let set = Callback::new(move |word: String| desk.change_form("", |f| f.set(at, json!(word))));
    let error = desk.error(at);
    view! {
        <div class="field s6" id=crate::components::feedback::field_id(at)>
            <span class="label">{label}</span>
            <Segmented label=label options=options value=desk.text(at) on_select=set/>
            <p class=move || if error.get().is_some() { "hint hint-bad" } else { "hint" }>{move || error.get().unwrap_or_else(|| hint.get())}</p>
        </div>
    }
    .into_any()
}

fn mode_hint(mode: &str) -> &'static str {
    match mode {
        "sync" => "Runs inside the request; the answer carries the result. Recorded before sending, like the others.",
        "queued" => "Any node may take it from the durable queue. All modes are recorded before sending.",
        _ => "Starts at once on the node that took the event. All modes are recorded before sending.",
    }
}

/// The waits in words: `10 s, 20 s, 40 s, each ± 20 %, then dead letter`.
fn waits(desk: Desk) -> String {
    let read = |at: &str, default: u64| desk.form.with(|f| f.text(at)).trim().parse().unwrap_or(default);
    let (retries, first) = (read("/max_retries", 3), read("/retry_delay_seconds", 10));
    let fixed = desk.form.with(|f| f.text("/retry_strategy")) == "fixed";
    if retries == 0 {
        return "No retry: the first failure is final.".to_owned();
    }
    let shown = (0..retries.min(4)).map(|n| format!("{} s", if fixed { first } else { first.saturating_mul(1 << n).min(3_600) })).collect::<Vec<_>>().join(", ");
    let more = if retries > 4 { format!(", … {retries} in all") } else { String::new() };
    format!("{shown}{more}, each ± 20 %, then dead letter.")
}
