//! The gate strip for many: small for the row of a table, counted for many events.

use event_actions::matching::{Gate, GateOutcome, MatchReport};
use event_actions::model::testing::StoppedAt;
use leptos::prelude::*;

use super::format::count;
use super::gate_strip::stopped;
use super::icon;

/// Where one event stopped at one action: enough for the small strip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stop {
    /// The gate; none when all eight passed.
    pub at: Option<Gate>,
    /// Whether it waits there and goes on by itself.
    pub waits: bool,
}

impl From<&MatchReport> for Stop {
    fn from(report: &MatchReport) -> Self {
        let waits = report.gates.iter().any(|g| Some(g.gate) == report.stopped_at && g.outcome == GateOutcome::Waits);
        Self { at: report.stopped_at, waits }
    }
}

impl From<MatchReport> for Stop {
    fn from(report: MatchReport) -> Self {
        Self::from(&report)
    }
}

impl Stop {
    /// Where it stands in one sentence, for those who cannot see the strip.
    #[must_use]
    pub fn sentence(self) -> String {
        match self.at {
            None => "All eight gates passed".to_owned(),
            Some(gate) => format!("{} at gate {}, {}", if self.waits { "Waits" } else { "Stopped" }, gate as usize + 1, gate.label()),
        }
    }

    /// The list items. Made of fixed words alone, so nothing needs escaping.
    fn items(self, word: &'static str) -> String {
        let mut out = String::with_capacity(2_000);
        let mut behind = false;
        for gate in Gate::ALL {
            let label = gate.label();
            let (class, glyph, said) = match (self.at == Some(gate), behind) {
                (true, _) => {
                    let look = stopped(gate, self.waits);
                    behind = true;
                    out.push_str(&format!(r#"<li class="{}">{}{label}<span class="sr">: {}</span></li>"#, look.class, icon::html(look.icon, 16), look.said));
                    continue;
                }
                (false, true) => ("is-ahead", icon::DOT, "not reached"),
                (false, false) => ("is-passed", icon::CHECK, "passed"),
            };
            out.push_str(&format!(r#"<li class="{class}" title="{label}: {said}">{}<span class="sr">{label}: {said}</span></li>"#, icon::html(glyph, 16)));
        }
        if self.at.is_none() && !word.is_empty() {
            out.push_str(&format!(r#"<li class="is-ran">{word}</li>"#));
        }
        out
    }
}

/// The small strip, 20 px high: only the stopping gate speaks.
#[component]
pub fn GateStripSmall(
    /// A report, or where it stopped.
    #[prop(into)]
    of: Stop,
    /// The word when all passed; empty for none.
    #[prop(default = "Ran")]
    word: &'static str,
) -> impl IntoView {
    view! { <ol class="gates-s" aria-label=of.sentence() inner_html=of.items(word)></ol> }
}

/// The same eight gates counted over many events: what arrived, and what each gate stopped.
#[component]
pub fn GateFlow(
    /// How many times an action was considered.
    considered: usize,
    /// How many each gate stopped or made wait.
    stopped: Vec<StoppedAt>,
    /// The words for what came through, such as "would run".
    #[prop(default = "Ran")]
    word: &'static str,
) -> impl IntoView {
    let total = considered.max(1) as f64;
    let mut left = considered;
    let items = Gate::ALL
        .into_iter()
        .map(|gate| {
            let stopped = stopped.iter().find(|s| s.gate == gate).map_or(0, |s| s.count);
            left = left.saturating_sub(stopped);
            let (kind, said) = match gate {
                Gate::RateLimit => ("stop wait", "waited"),
                Gate::HandlerAvailable | Gate::Rendering => ("stop fault", "stopped"),
                _ => ("stop", "stopped"),
            };
            let note = if stopped == 0 { "none".to_owned() } else { format!("{} {said}", count(stopped as i64)) };
            bar(stopped as f64 / total, left as f64 / total, kind, gate.label(), note)
        })
        .collect_view();
    let through = bar(0.0, left as f64 / total, "stop", word, count(left as i64));
    view! { <div class="flow"><ol>{items}{through}</ol></div> }
}

fn bar(stop: f64, pass: f64, kind: &'static str, label: &'static str, note: String) -> impl IntoView + use<> {
    view! {
        <li style=format!("--s:{stop:.4};--p:{pass:.4}")>
            <div class="bar" aria-hidden="true"><i class=kind></i><i class="pass"></i></div>
            <div class="txt"><b>{label}</b><small>{note}</small></div>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stopping_gate_speaks() {
        let html = Stop { at: Some(Gate::Conditions), waits: false }.items("Ran");
        assert_eq!(html.matches("is-passed").count(), 4);
        assert_eq!(html.matches("is-ahead").count(), 3);
        assert!(html.contains("is-stopped") && !html.contains("is-ran"));
    }

    #[test]
    fn sentences_name_the_gate() {
        assert_eq!(Stop { at: Some(Gate::RateLimit), waits: true }.sentence(), "Waits at gate 6, Limit");
        assert_eq!(Stop::default().sentence(), "All eight gates passed");
    }
}
