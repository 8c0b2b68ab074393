//! The field of a condition: an editable combobox of the paths seen in events, with type, example and how often each is seen.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use crate::components::icon::{self, Icon};
use crate::editing::catalog::Known;
use crate::islands::desk::Desk;

/// Most paths offered at once.
const MAX_OFFERS: usize = 10;

/// The state of one open combobox.
#[derive(Clone, Copy)]
struct Combo {
    desk: Desk,
    id: u32,
    open: RwSignal<bool>,
    /// Whether anything was typed since it opened; until then every path is offered.
    typed: RwSignal<bool>,
    /// The option that the keys are on.
    active: RwSignal<Option<usize>>,
    /// What is offered; empty while it is closed.
    offers: Memo<Vec<Known>>,
}

impl Combo {
    fn new(desk: Desk, id: u32) -> Self {
        let (open, typed) = (RwSignal::new(false), RwSignal::new(false));
        let offers = Memo::new(move |_| {
            let text = if typed.get() { field(desk, id) } else { String::new() };
            if open.get() { desk.catalog.with(|c| c.offers(&text, MAX_OFFERS).into_iter().cloned().collect()) } else { Vec::new() }
        });
        Self { desk, id, open, typed, active: RwSignal::new(None), offers }
    }

    fn write(self, text: String) {
        let kind = self.desk.kind(&text);
        self.desk.change_tree(&format!("field {}", self.id), |t| t.edit(self.id, |row| row.set_field(text, kind)));
    }

    fn choose(self, path: String) {
        self.write(path);
        self.close();
    }

    fn close(self) {
        self.open.set(false);
        self.typed.set(false);
        self.active.set(None);
    }

    fn key(self, event: &KeyboardEvent) {
        let offers = self.offers.get_untracked();
        let last = offers.len().checked_sub(1);
        let now = self.active.get_untracked();
        match event.key().as_str() {
            _ if event.alt_key() => return,
            "ArrowDown" | "ArrowUp" if !self.open.get_untracked() => self.open.set(true),
            "ArrowDown" => self.active.set(last.map(|last| now.map_or(0, |n| if n >= last { 0 } else { n + 1 }))),
            "ArrowUp" => self.active.set(last.map(|last| now.map_or(last, |n| if n == 0 { last } else { n - 1 }))),
            "Escape" if self.open.get_untracked() => self.close(),
            "Enter" => {
                // Enter chooses; it never sends the form from here.
                if let Some(known) = now.and_then(|n| offers.get(n)) {
                    self.choose(known.path.clone());
                }
            }
            _ => return,
        }
        event.prevent_default();
    }
}

fn field(desk: Desk, id: u32) -> String {
    desk.tree.with(|t| t.row(id).map(|r| r.field.clone()).unwrap_or_default())
}

/// The combobox.
#[component]
pub fn FieldBox(
    /// The desk.
    desk: Desk,
    /// The row.
    id: u32,
    /// The id of the input.
    input_id: Signal<String>,
    /// The row's number.
    number: Memo<String>,
) -> impl IntoView {
    let state = Combo::new(desk, id);
    let list = format!("c{id}-fields");
    let list_id = list.clone();
    let doubt = Memo::new(move |_| desk.catalog.with(|c| c.doubt(&field(desk, id))));
    let option_id = move |n: usize| format!("c{id}-field-{n}");
    view! {
        <div class="combo fld">
            <input
                class="input mono"
                id=move || input_id.get()
                role="combobox"
                aria-autocomplete="list"
                aria-label=move || format!("Condition {} field", number.get())
                aria-expanded=move || (!state.offers.with(Vec::is_empty)).to_string()
                aria-controls=list
                aria-activedescendant=move || state.active.get().map(option_id)
                aria-describedby=move || doubt.with(Option::is_some).then(|| format!("c{id}-doubt"))
                autocomplete="off"
                spellcheck="false"
                placeholder="data.…"
                value=move || field(desk, id)
                prop:value=move || field(desk, id)
                on:input=move |event| {
                    state.open.set(true);
                    state.typed.set(true);
                    state.active.set(None);
                    state.write(event_target_value(&event));
                }
                on:click=move |_| state.open.set(true)
                on:blur=move |_| state.close()
                on:keydown=move |event| state.key(&event)
            />
            <Icon of=icon::CHEVRON/>
            {move || listbox(state, list_id.clone())}
            {move || doubt.get().map(|text| view! { <p class="hint hint-warn" id=format!("c{id}-doubt")>{text}</p> })}
        </div>
    }
}

fn listbox(state: Combo, list_id: String) -> AnyView {
    let offers = state.offers.get();
    if offers.is_empty() {
        return ().into_any();
    }
    let options = offers
        .into_iter()
        .enumerate()
        .map(|(n, known)| {
            let share = state.desk.catalog.with_untracked(|c| c.seen_percent(&known));
            let seen = share.filter(|_| known.seen > 0).map_or_else(|| "in the sample".to_owned(), |s| format!("seen {s} %"));
            let path = known.path.clone();
            view! {
                // The pointer goes down before the input loses the focus, which would close the list.
                <div
                    class="opt"
                    role="option"
                    id=format!("c{}-field-{n}", state.id)
                    aria-selected=move || (state.active.get() == Some(n)).to_string()
                    on:mousedown=move |event| {
                        event.prevent_default();
                        state.choose(path.clone());
                    }
                >
                    <code class="trunc">{known.path}</code>
                    <small class="ty">{known.kind.word()}</small>
                    <code class="trunc muted ex">{known.example}</code>
                    <span class="num">{seen}</span>
                </div>
            }
        })
        .collect_view();
    view! { <div class="listbox tw:absolute tw:top-full tw:left-0 tw:z-30 tw:w-full tw:min-w-[min(460px,80vw)]" role="listbox" id=list_id aria-label="Fields">{options}</div> }
        .into_any()
}
