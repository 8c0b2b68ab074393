//! The line below a condition: the verdict, the actual value, a mend, and how many recent events pass.

use leptos::prelude::*;

use crate::components::status_badge::{Verdict, VerdictMark};
use crate::editing::verdict::State;
use crate::islands::desk::Desk;
use crate::islands::desk::parts::word_button;

/// The verdict on a row or group.
#[component]
pub fn VerdictLine(
    /// The desk.
    desk: Desk,
    /// The node.
    id: u32,
) -> impl IntoView {
    let verdict = Memo::new(move |_| desk.verdicts.with(|v| (v.nodes.get(&id).cloned().unwrap_or_default(), v.share(id))));
    move || {
        let (v, share) = verdict.get();
        let mark = match v.state {
            State::Pass => Verdict::Pass,
            State::Fail => Verdict::Fail,
            State::Unsure => Verdict::Unsure,
            State::Muted => Verdict::Muted,
        };
        let actual = v.actual.map(|text| view! { "actual "<code>{text}</code> });
        let mend = v.mend.map(|mend| {
            let value = mend.value;
            let run = move || {
                desk.change_tree("", |t| t.mend(id, value.clone(), t.row(id).and_then(|r| desk.kind(&r.field))));
                desk.say("Put right.");
            };
            word_button("btn btn-mend", None, mend.label, false.into(), run)
        });
        let share = share.map(|n| {
            view! { <span class="share"><span class="share-bar" aria-hidden="true"><i style=format!("width:{n}%")></i></span>{n}" % of recent pass"</span> }
        });
        view! { <div class="verdict"><VerdictMark verdict=mark/><span>{actual}{v.note}</span>{mend}{share}</div> }.into_any()
    }
}
