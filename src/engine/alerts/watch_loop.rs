//! The look at the rules every two seconds: by one node for all, whose changes every node then takes over.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::nodes::NodeReport;
use super::raise::{Note, begun};
use super::readings::{self, Counts, Shared};
use super::rules::{Reading, Step, decide};
use crate::db::{alert_rules, alerts, leases, nodes, stats, vitals};
use crate::engine::Engine;
use crate::model::Timestamp;
use crate::model::alert::{Alert, AlertKind, AlertRule, AlertState};

/// How often rules are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Rest before a round that something has called for.
const POKE_REST: Duration = Duration::from_millis(50);
/// The lease of the node that looks at them, and the part of it that the node itself counts on, in milliseconds.
const LEASE_MS: i64 = 15_000;
const LEASE_USED: Duration = Duration::from_secs(10);
const LEASE: &str = "alerts";
/// Chores of one node: the audit log is verified, actions that only fail are switched off.
const CHORES_EVERY: Duration = Duration::from_secs(3_600);
/// The first of them, so that they do not weigh on the start.
const CHORES_FIRST: Duration = Duration::from_secs(30);
/// A rule over a long window is looked at less often: this many times per window.
const LOOKS_PER_WINDOW: u32 = 200;

/// What the loop remembers between two rounds. Nothing is lost with it but a little time.
struct Memory {
    /// Since when an open alert has been well.
    well_since: HashMap<String, Timestamp>,
    /// When a rule over attempts is to be looked at again.
    due: HashMap<String, Instant>,
    chores: Instant,
    failed: bool,
}

/// What one look knows.
struct Look<'a> {
    now: Timestamp,
    reports: &'a [NodeReport],
    shared: Shared,
    counts: HashMap<u32, Counts>,
}

impl Engine {
    /// Makes the first rules and loads what is open.
    pub(in crate::engine) async fn start_alerts(&self) -> anyhow::Result<()> {
        self.make_first_rules().await?;
        self.refresh_alerts().await
    }

    pub(in crate::engine) async fn alerts_loop(self) {
        let mut memory = Memory { well_since: HashMap::new(), due: HashMap::new(), chores: Instant::now() + CHORES_FIRST, failed: false };
        loop {
            let began = Instant::now();
            let round = self.alert_round(&mut memory).await;
            if let Err(e) = &round
                && !memory.failed
            {
                warn!(error = format!("{e:#}"), "the alert rules could not be looked at");
            }
            memory.failed = round.is_err();
            // Never more than a tenth of the time, however much there is to look at. Time that a database away has cost does not count.
            let rest = if memory.failed { EVERY } else { EVERY.max(began.elapsed() * 10) };
            tokio::select! {
                () = self.inner.stopping.cancelled() => break,
                () = self.inner.alerts.poke.notified() => tokio::time::sleep(POKE_REST.max(began.elapsed())).await,
                () = tokio::time::sleep(rest) => {}
            }
        }
        if self.db().is_shared() {
            self.leads_for(None);
            let gone = (leases::release(self.db(), LEASE, &self.inner.token).await, nodes::forget(self.db(), &self.inner.node).await);
            if let (Err(e), _) | (_, Err(e)) = gone {
                warn!(error = %e, "the node could not say that it is gone; the others find out within seconds");
            }
        }
    }

    async fn alert_round(&self, memory: &mut Memory) -> anyhow::Result<()> {
        let reports = self.refresh_reports().await?;
        self.raise_notes().await;
        if self.take_lead().await? {
            self.look(memory, &reports).await?;
            if Instant::now() >= memory.chores {
                memory.chores = Instant::now() + CHORES_EVERY;
                self.chores().await?;
            }
            self.tell_of_alerts().await?;
        }
        self.refresh_alerts().await
    }

    /// Takes or keeps the lead where several nodes share a database.
    async fn take_lead(&self) -> anyhow::Result<bool> {
        if self.db().is_shared() {
            let held = leases::hold(self.db(), LEASE, &self.inner.token, LEASE_MS).await?;
            self.leads_for(held.then_some(LEASE_USED));
        }
        Ok(self.leads())
    }

    async fn chores(&self) -> anyhow::Result<()> {
        let caller = crate::engine::Caller::system(super::ACTOR);
        let verdict = self.verify_audit(&caller).await?;
        if let Some(fault) = &verdict.first_fault {
            warn!(fault = fault.message, "the audit log does not verify");
        }
        self.raise_notes().await;
        self.disable_dead_actions(Timestamp::now()).await?;
        nodes::forget_old(self.db()).await?;
        Ok(())
    }

    /// Looks at every rule and every open alert once.
    async fn look(&self, memory: &mut Memory, reports: &[NodeReport]) -> anyhow::Result<()> {
        let open = alerts::open(self.db()).await?;
        let rules = alert_rules::all(self.db()).await?;
        memory.well_since.retain(|id, _| open.iter().any(|a| a.id == *id));
        memory.due.retain(|id, _| rules.iter().any(|r| r.id == *id));
        let live = self.inner.live.borrow().all.clone();
        let shared = Shared { queue_depth: live.queue_depth, queue_age_seconds: live.oldest_pending_ms.unwrap_or(0) as f64 / 1_000.0 };
        let mut look = Look { now: Timestamp::now(), reports, shared, counts: HashMap::new() };
        for rule in rules.iter().filter(|r| r.is_enabled) {
            if rule.kind.counts_attempts() {
                let due = memory.due.entry(rule.id.clone()).or_insert_with(Instant::now);
                if Instant::now() < *due {
                    continue;
                }
                *due = Instant::now() + Duration::from_secs(u64::from(rule.window_seconds)) / LOOKS_PER_WINDOW;
            }
            let of_rule: Vec<&Alert> = open.iter().filter(|a| a.rule_id == rule.id).collect();
            let found = self.read(&mut look, rule, &of_rule).await?;
            self.act(memory, look.now, Some(rule), found, &of_rule).await?;
        }
        // Rules that were deleted or switched off; what is never silent has a rule of its own.
        let orphans: Vec<&Alert> = open.iter().filter(|a| !rules.iter().any(|r| r.id == a.rule_id && r.is_enabled)).collect();
        let (built_in, gone): (Vec<&Alert>, Vec<&Alert>) = orphans.into_iter().partition(|a| a.rule_id == super::defaults::BUILT_IN);
        let rule = super::defaults::built_in(AlertKind::AutoDisable);
        let found = self.read(&mut look, &rule, &built_in).await?;
        self.act(memory, look.now, Some(&rule), found, &built_in).await?;
        self.act(memory, look.now, None, Vec::new(), &gone).await
    }

    /// What a rule measures now.
    async fn read(&self, look: &mut Look<'_>, rule: &AlertRule, open: &[&Alert]) -> anyhow::Result<Vec<Reading>> {
        let find = |id: &str| self.inner.matcher.get(id);
        Ok(match rule.kind {
            AlertKind::ErrorRate | AlertKind::SlowExecutions => {
                let window = rule.window_seconds;
                if !look.counts.contains_key(&window) {
                    let since = (look.now.0 - i64::from(window) * 1_000).div_euclid(60_000);
                    let mut counts = Counts::default();
                    stats::by_action(self.db(), since..i64::MAX).await?.iter().for_each(|row| counts.add(row));
                    look.counts.insert(window, counts);
                }
                look.counts.get(&window).map_or_else(Vec::new, |counts| readings::of_attempts(rule, counts, find))
            }
            AlertKind::HandlerFailure => readings::of_handlers(rule, look.reports, find),
            AlertKind::ResourceExhaustion => readings::of_resources(rule, look.shared, look.reports),
            AlertKind::AutoDisable | AlertKind::AuditChain | AlertKind::Loop => open.iter().filter(|a| self.lasts(rule, a, look.now)).map(|a| as_it_was(rule, a)).collect(),
        })
    }

    /// Whether something that happened still matters.
    fn lasts(&self, rule: &AlertRule, alert: &Alert, now: Timestamp) -> bool {
        match rule.kind {
            AlertKind::AutoDisable => alert.action_id.as_deref().and_then(|id| self.inner.matcher.get(id)).is_some_and(|a| !a.definition.is_enabled),
            AlertKind::Loop => now.0 - alert.updated_at.0 < i64::from(rule.window_seconds) * 1_000,
            // Only a verification ends it.
            _ => true,
        }
    }

    /// Does what the decisions on a rule's subjects say.
    async fn act(&self, memory: &mut Memory, now: Timestamp, rule: Option<&AlertRule>, found: Vec<Reading>, open: &[&Alert]) -> anyhow::Result<()> {
        let found: BTreeMap<String, Reading> = found.into_iter().map(|r| (r.subject.clone(), r)).collect();
        let subjects: BTreeSet<&str> = found.keys().map(String::as_str).chain(open.iter().map(|a| a.subject.as_str())).collect();
        for subject in subjects {
            let (reading, alert) = (found.get(subject), open.iter().find(|a| a.subject == subject).copied());
            let well = alert.and_then(|a| memory.well_since.get(&a.id).copied());
            let (step, well) = decide(rule, reading, alert, well, now);
            if let Some(alert) = alert {
                match well {
                    Some(since) => drop(memory.well_since.insert(alert.id.clone(), since)),
                    None => drop(memory.well_since.remove(&alert.id)),
                }
            }
            match (step, rule, reading, alert) {
                (Step::Fire | Step::Pend, Some(rule), Some(reading), None) => self.begin(rule, reading, step, now).await?,
                (Step::Keep, ..) => {}
                (_, _, _, Some(alert)) => self.go_on(step, rule, reading, alert, now).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Begins an alert, unless a person has just ended one on the same.
    async fn begin(&self, rule: &AlertRule, reading: &Reading, step: Step, now: Timestamp) -> anyhow::Result<()> {
        let since = now.plus_ms(-i64::from(rule.window_seconds) * 1_000);
        if alerts::ended_by_hand(self.db(), &rule.id, &reading.subject, since).await?.is_some() {
            return Ok(());
        }
        let state = if step == Step::Fire { AlertState::Firing } else { AlertState::Pending };
        let alert = Alert { message: self.message_of(rule, reading).await?, ..begun(rule, reading, state, now) };
        let mut tx = self.db().begin().await?;
        if let Some(alert) = alerts::insert(&mut tx, &alert, true).await? {
            tx.commit().await?;
            if state == AlertState::Firing {
                warn!(alert_id = alert.id, rule = alert.rule, subject = alert.subject, message = alert.message, "alert fired");
            }
        }
        Ok(())
    }

    /// The sentence of a reading, with the latest error where attempts fail.
    async fn message_of(&self, rule: &AlertRule, reading: &Reading) -> anyhow::Result<String> {
        let mut message = reading.message.clone();
        if let (AlertKind::ErrorRate, Some(id)) = (rule.kind, &reading.action_id)
            && let Some(e) = vitals::latest_error(self.db(), id, rule.tenant_id.as_deref()).await?
        {
            message.push_str(&format!(" The latest error: {}", e.message));
        }
        Ok(message)
    }

    /// Carries on an alert that is open. Should another node have changed it meanwhile, the next round decides anew.
    async fn go_on(&self, step: Step, rule: Option<&AlertRule>, reading: Option<&Reading>, alert: &Alert, now: Timestamp) -> anyhow::Result<()> {
        let mut next = Alert { updated_at: now, ..alert.clone() };
        if let (Some(rule), Some(reading)) = (rule, reading)
            && matches!(step, Step::Fire | Step::Refresh)
        {
            next.message = self.message_of(rule, reading).await?;
            (next.value, next.threshold, next.severity) = (reading.value, reading.limit, rule.severity);
        }
        match step {
            Step::Fire => (next.state, next.fired_at) = (AlertState::Firing, Some(now)),
            Step::Unsilence => (next.state, next.silenced_until) = (AlertState::Firing, None),
            Step::Resolve => (next.state, next.resolved_at) = (AlertState::Resolved, Some(now)),
            Step::Keep | Step::Pend | Step::Drop | Step::Refresh => {}
        }
        let mut tx = self.db().begin().await?;
        if step == Step::Drop {
            alerts::drop_pending(&mut tx, alert).await?;
            return Ok(tx.commit().await?);
        }
        let Some(stored) = alerts::update(&mut tx, &next).await? else { return Ok(()) };
        tx.commit().await?;
        match step {
            Step::Fire => warn!(alert_id = stored.id, rule = stored.rule, subject = stored.subject, message = stored.message, "alert fired"),
            Step::Resolve => info!(alert_id = stored.id, rule = stored.rule, subject = stored.subject, "alert resolved"),
            _ => {}
        }
        Ok(())
    }

    /// Notes what a verification of the audit log has found.
    pub(in crate::engine) fn note_audit(&self, verdict: &crate::model::audit::AuditVerdict) {
        self.inner.alerts.note(Note::Audit(verdict.clone()));
    }
}

/// The reading of something that happened and still matters: as it was.
fn as_it_was(rule: &AlertRule, alert: &Alert) -> Reading {
    Reading {
        subject: alert.subject.clone(),
        tenant_id: alert.tenant_id.clone(),
        action_id: alert.action_id.clone(),
        value: alert.value.max(rule.threshold),
        limit: alert.threshold,
        samples: 1,
        message: alert.message.clone(),
    }
}
