//! Prometheus text for `/metrics`: names with units, labels from small fixed sets, no tenant's data.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Engine;
use crate::model::alert::{AlertState, Severity};
use crate::model::execution::{Outcome, Status};

/// The states of an alert that is not over.
const OPEN_STATES: [AlertState; 4] = [AlertState::Pending, AlertState::Firing, AlertState::Acknowledged, AlertState::Silenced];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandlerLabels {
    handler_type: String,
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlertLabels {
    severity: &'static str,
    state: &'static str,
}

/// What this node counts since it started.
pub(super) struct Metrics {
    registry: Registry,
    events: Family<ResultLabel, Counter>,
    attempts: Family<HandlerLabels, Counter>,
    seconds: Histogram,
    executions: Family<StatusLabel, Counter>,
    running: Gauge,
    waiting: Gauge,
    actions: Gauge,
    database_up: Gauge,
    oldest_due: Gauge<f64, AtomicU64>,
    alerts: Family<AlertLabels, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("event_actions");
        let events = Family::default();
        let attempts = Family::default();
        let executions = Family::default();
        let seconds = Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0]);
        let (running, waiting, actions, database_up) = (Gauge::default(), Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("events", "Events by what became of them on this node", events.clone());
        registry.register("attempts", "Attempts that ended on this node, by handler type and outcome", attempts.clone());
        registry.register_with_unit("attempt_duration", "How long attempts on this node took", Unit::Seconds, seconds.clone());
        registry.register("executions", "Executions that reached a terminal state on this node", executions.clone());
        registry.register("running", "Attempts under way on this node", running.clone());
        registry.register("waiting", "Executions that wait to be started, on all nodes", waiting.clone());
        registry.register("actions", "Actions in the registry", actions.clone());
        registry.register("database_up", "Whether the database answered at the last look", database_up.clone());
        let (oldest_due, alerts) = (Gauge::<f64, AtomicU64>::default(), Family::<AlertLabels, Gauge>::default());
        registry.register_with_unit("oldest_due", "How long the oldest execution that is due has waited, on all nodes", Unit::Seconds, oldest_due.clone());
        registry.register("alerts", "Alerts that are not over, on all nodes, by severity and state", alerts.clone());
        Self { registry, oldest_due, alerts, events, attempts, seconds, executions, running, waiting, actions, database_up }
    }
}

impl Metrics {
    /// Counts an event: accepted, duplicate, conflict or failed.
    pub fn event(&self, result: &str) {
        self.events.get_or_create(&ResultLabel { result: result.to_owned() }).inc();
    }

    /// Counts the end of an attempt.
    pub fn attempt(&self, handler_type: &str, outcome: Outcome, status: Status, duration_ms: i64) {
        self.attempts.get_or_create(&HandlerLabels { handler_type: handler_type.to_owned(), outcome: outcome.name().to_owned() }).inc();
        self.seconds.observe(duration_ms as f64 / 1000.0);
        if status.is_terminal() {
            self.executions.get_or_create(&StatusLabel { status: status.name().to_owned() }).inc();
        }
    }
}

impl Engine {
    /// The metrics of this node in the Prometheus text format (OpenMetrics 1.0).
    #[must_use]
    pub fn prometheus(&self) -> String {
        let m = &self.inner.metrics;
        m.running.set(i64::try_from(self.inner.running.len()).unwrap_or(i64::MAX));
        m.waiting.set(self.inner.queue_depth.load(Ordering::Relaxed));
        m.actions.set(i64::try_from(self.inner.matcher.len()).unwrap_or(i64::MAX));
        m.database_up.set(i64::from(self.inner.database_up.load(Ordering::Acquire)));
        m.oldest_due.set(self.inner.live.borrow().all.oldest_pending_ms.unwrap_or(0) as f64 / 1_000.0);
        let open = self.open_alert_counts();
        for (severity, state) in Severity::ALL.into_iter().flat_map(|severity| OPEN_STATES.map(|state| (severity, state))) {
            let labels = AlertLabels { severity: severity.name(), state: state.name() };
            // Every pair is there from the start, so that an alert on it can be written before the first one.
            m.alerts.get_or_create(&labels).set(open.get(&(severity, state)).copied().unwrap_or(0));
        }
        let mut out = String::new();
        if encode(&mut out, &m.registry).is_err() {
            out.clear();
        }
        out
    }
}
