//! Health badges: how something has been doing. Glyph and word without tint, a reason beside or beneath.

use event_actions::model::health::HealthStatus;
use leptos::prelude::*;

use super::icon::{self, Icon};

/// How something is doing, seen by an operator: the API's words, and two states that explain themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wellbeing {
    /// One of the API's words.
    Health(HealthStatus),
    /// The circuit breaker is open: executions wait.
    BreakerOpen,
    /// Switched off by a person.
    Off,
}

impl From<HealthStatus> for Wellbeing {
    fn from(status: HealthStatus) -> Self {
        Self::Health(status)
    }
}

/// How something has been doing. Put the reason beside it.
#[component]
pub fn HealthBadge(
    /// A health status, or one of the two other states.
    #[prop(into)]
    of: Wellbeing,
) -> impl IntoView {
    let (class, icon, text) = match of {
        Wellbeing::Health(HealthStatus::Healthy) => ("health health-ok", icon::HEALTHY, "Healthy"),
        Wellbeing::Health(HealthStatus::Degraded) => ("health health-warn", icon::DEGRADED, "Degraded"),
        Wellbeing::Health(HealthStatus::Critical) => ("health health-bad", icon::CRITICAL, "Critical"),
        Wellbeing::Health(HealthStatus::Unknown) => ("health health-none", icon::UNKNOWN, "Unknown"),
        Wellbeing::BreakerOpen => ("health health-queue", icon::BREAKER, "Breaker open"),
        Wellbeing::Off => ("health health-off", icon::OFF, "Off"),
    };
    view! { <span class=class><Icon of=icon/>{text}</span> }
}

/// A line of a list of healths: badge, name, reason.
#[component]
pub fn HealthLine(
    /// How it is doing.
    #[prop(into)]
    of: Wellbeing,
    /// What it is.
    #[prop(into)]
    name: String,
    /// Where it is shown in full; plain text when absent.
    #[prop(optional, into)]
    href: Option<String>,
    /// An English sentence.
    #[prop(into)]
    reason: String,
) -> impl IntoView {
    let name = match href {
        Some(href) => view! { <a class="plain" href=href>{name}</a> }.into_any(),
        None => name.into_any(),
    };
    view! {
        <div class="health-line">
            <HealthBadge of=of/>
            <div class="t13">{name}<div class="small muted">{reason}</div></div>
        </div>
    }
}
