//! One step of a workflow: what it does with that handler's own fields, when it runs, what happens when it fails, and what the sample makes of it.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use serde_json::Value;

use super::what_happens::form;
use crate::components::feedback::field_id;
use crate::components::fields::{NumberField, SelectField, TextAreaField, TextField};
use crate::components::icon;
use crate::components::segmented::Segmented;
use crate::editing::steps::{OWN, free_name, params_for, step_form, way_of, ways};
use crate::islands::desk::Desk;
use crate::islands::desk::browser::focus_soon;
use crate::islands::desk::parts::tool;

/// A step in its place.
#[derive(Clone, Copy)]
struct Place {
    desk: Desk,
    /// Where the steps stand.
    at: StoredValue<String>,
    /// Its index.
    n: usize,
    /// How many steps there are.
    total: usize,
}

impl Place {
    fn pointer(self, name: &str) -> String {
        self.at.with_value(|p| format!("{p}/{}/{name}", self.n))
    }

    /// The id of the box around step `n`.
    fn element(self, n: usize) -> String {
        self.at.with_value(|p| field_id(&format!("{p}/{n}")))
    }

    fn shift(self, up: bool, focus: &str) {
        let to = if up { self.n.checked_sub(1) } else { Some(self.n + 1).filter(|to| *to < self.total) };
        let Some(to) = to else { return self.desk.say(format!("Step {} cannot move further {}.", self.n + 1, if up { "up" } else { "down" })) };
        self.at.with_value(|p| self.desk.change_form("", |f| f.swap(p, self.n, to)));
        self.desk.say(format!("Step {} is now step {} of {}.", self.n + 1, to + 1, self.total));
        focus_soon(format!("#{0} {focus}:enabled, #{0} [data-do]:enabled", self.element(to)));
    }

    fn duplicate(self) {
        self.at.with_value(|p| {
            self.desk.change_form("", |f| {
                let name = free_name(f.get(p), &f.text(&format!("{p}/{}/name", self.n)));
                f.duplicate(p, self.n);
                f.set(&format!("{p}/{}/name", self.n + 1), name.into());
            });
        });
        self.desk.say(format!("Step {} copied to step {}.", self.n + 1, self.n + 2));
        focus_soon(format!("#{} input", self.element(self.n + 1)));
    }

    fn delete(self) {
        self.at.with_value(|p| self.desk.change_form("", |f| f.remove(p, self.n)));
        self.desk.say(format!("Step {} deleted. Ctrl+Z brings it back.", self.n + 1));
        focus_soon(format!("#{} [data-do=delete], #{}", self.element(self.n.min(self.total.saturating_sub(2))), self.at.with_value(|p| field_id(p))));
    }

    fn key(self, event: &KeyboardEvent) {
        let up = match event.key().as_str() {
            "ArrowUp" => true,
            "ArrowDown" => false,
            _ => return,
        };
        if event.alt_key() {
            event.prevent_default();
            event.stop_propagation();
            self.shift(up, "input");
        }
    }

    /// Chooses what it does, and in which way.
    fn choose(self, action: &str, way: &str) {
        let (action_at, params_at) = (self.pointer("action"), self.pointer("params"));
        let params = self.desk.seed.with_value(|s| self.desk.form.with_untracked(|f| params_for(&s.handlers, action, way, f.get(&params_at))));
        self.desk.change_form("", |f| {
            f.set(&action_at, action.into());
            f.set(&params_at, params);
        });
    }
}

/// A step.
pub fn step(desk: Desk, at: StoredValue<String>, n: usize, total: usize) -> AnyView {
    let place = Place { desk, at, n, total };
    let number = n + 1;
    let tools = view! {
        <div class="cond-tools">
            {tool(icon::UP, "up", format!("Move step {number} up"), n == 0, move || place.shift(true, "[data-do=up]"))}
            {tool(icon::DOWN, "down", format!("Move step {number} down"), number == total, move || place.shift(false, "[data-do=down]"))}
            {tool(icon::COPY, "copy", format!("Duplicate step {number}"), false, move || place.duplicate())}
            {tool(icon::TRASH, "delete", format!("Delete step {number}"), false, move || place.delete())}
        </div>
    };
    let name = desk.text(&place.pointer("name"));
    view! {
        <fieldset class="cgroup" id=place.element(n) aria-label=format!("Step {number}") on:keydown=move |event| place.key(&event)>
            <div class="cgroup-head"><span class="cond-n">{number}</span><code class="small">"steps."{move || name.get()}</code><span class="push">{tools}</span></div>
            <div class="in stack-8">
                {fields(place)}
                {what(place)}
                {tried(place)}
            </div>
        </fieldset>
    }
    .into_any()
}

/// What every step has.
fn fields(place: Place) -> AnyView {
    let desk = place.desk;
    let mut actions: Vec<(String, String)> = OWN.iter().map(|(word, label)| ((*word).to_owned(), (*label).to_owned())).collect();
    actions.extend(desk.seed.with_value(|s| s.handlers.iter().map(|h| (h.handler_type.clone(), h.label.clone())).collect::<Vec<_>>()));
    let action = desk.text(&place.pointer("action"));
    let choose = Callback::new(move |word: String| place.choose(&word, way_of(&word, None)));
    let [name_at, action_at, when_at, fail_at, retries_at] = ["name", "action", "when", "on_error", "max_retries"].map(|name| place.pointer(name));
    let on_error = desk.text(&fail_at);
    let on_error = Signal::derive(move || Some(on_error.get()).filter(|w| !w.is_empty()).unwrap_or_else(|| "fail".to_owned()));
    let ends = vec![("fail".to_owned(), "the workflow fails".to_owned()), ("continue".to_owned(), "go on".to_owned())];
    view! {
        <div class="form-grid">
            <TextField id=field_id(&name_at) label="Name" class="s6" mono=true value=desk.text(&name_at) error=desk.error(&name_at) on_input=desk.on_text(&name_at)/>
            <SelectField id=field_id(&action_at) label="Does" class="s6" options=actions value=action error=desk.error(&action_at) on_change=choose/>
            <TextField id=field_id(&when_at) label="Only when (optional)" class="s12" mono=true placeholder="{{ steps.first.ok }}" value=desk.text(&when_at) error=desk.error(&when_at) on_input=desk.on_text(&when_at)/>
            <SelectField id=field_id(&fail_at) label="When it fails" class="s6" options=ends value=on_error on_change=desk.on_text(&fail_at)/>
            <NumberField id=field_id(&retries_at) label="Retries at once" class="s6" min=Some(0) max=Some(50) placeholder="0" value=desk.text(&retries_at) error=desk.error(&retries_at) on_input=desk.on_text(&retries_at)/>
        </div>
    }
    .into_any()
}

/// The fields of what it does; JSON where there is no form for it.
fn what(place: Place) -> AnyView {
    let desk = place.desk;
    let (action_at, params_at) = (place.pointer("action"), place.pointer("params"));
    let chosen = Memo::new(move |_| {
        desk.form.with(|f| {
            let action = f.text(&action_at);
            let way = way_of(&action, f.get(&params_at));
            let is_text = f.get(&params_at).is_some_and(Value::is_string);
            (action, way, is_text)
        })
    });
    (move || {
        let (action, way, is_text) = chosen.get();
        let at = place.pointer("params");
        let choice = (!ways(&action).is_empty()).then(|| {
            let options = ways(&action).iter().map(|(word, label)| ((*word).to_owned(), (*label).to_owned())).collect();
            let label = if action == "send" { "To" } else { "By" };
            let set = Callback::new(move |way: String| place.choose(&action, &way));
            view! { <div class="row row-wrap small"><span class="muted">{label}</span><Segmented label=format!("Step {} {}", place.n + 1, label.to_lowercase()) options=options value=Signal::stored(way.to_owned()) on_select=set small=true/></div> }
        });
        let form_fields = desk.seed.with_value(|s| step_form(&s.handlers, &chosen.with_untracked(|c| c.0.clone()), way)).filter(|_| !is_text);
        let inside = match form_fields {
            Some(handler) => form(desk, &at, handler.fields),
            None => view! { <TextAreaField id=field_id(&at) label="Parameters as JSON" mono=true rows=6 value=desk.text(&at) error=desk.error(&at) on_input=desk.on_text(&at)/> }.into_any(),
        };
        // A fault of the parameters as a whole has no field of its own.
        let whole = desk.exact_error(&at);
        view! { {choice}{inside}{move || whole.get().filter(|_| !is_text).map(|text| view! { <p class="hint hint-bad">{text}</p> })} }.into_any()
    })
    .into_any()
}

/// What the sample makes of it: what goes in and what comes out, or why it cannot be said.
fn tried(place: Place) -> AnyView {
    let desk = place.desk;
    // Steps inside another workflow are shown by that one.
    let found =
        Memo::new(move |_| desk.tried.with(|t| t.as_ref().map(|t| (t.steps.get(place.n).cloned(), t.reason.strip_prefix(&format!("Step {} ", place.n + 1)).map(str::to_owned)))));
    let word = move || match found.get() {
        Some((Some(_), _)) => "With the sample",
        Some((None, Some(_))) => "With the sample: cannot be rendered",
        _ => "With the sample: not known yet",
    };
    let inside = move || found.get().map_or_else(|| "<p class=\"hint\">The draft must be complete first.</p>".to_owned(), |(html, _)| html.unwrap_or_default());
    let why = move || found.get().and_then(|(_, why)| why).map(|why| view! { <p class="hint hint-bad">{why}</p> });
    view! { <details><summary class="small">{word}</summary>{why}<div class="tw:pt-2" inner_html=inside></div></details> }.into_any()
}
