//! What is read from which numbers.

use super::super::nodes::OpenBreaker;
use super::*;
use crate::model::Timestamp;
use crate::model::action::NewAction;
use crate::model::alert::Severity;
use crate::model::handler::HandlerType;

fn action(id: &str, tenant: Option<&str>, tags: &[&str]) -> Arc<Action> {
    let definition = NewAction {
        name: id.to_uppercase(),
        tenant_id: tenant.map(str::to_owned),
        tags: tags.iter().map(|t| (*t).to_owned()).collect(),
        ..NewAction::blank(HandlerType::new("webhook"))
    };
    let at = Timestamp(0);
    Arc::new(Action { id: id.into(), definition, version: 1, created_at: at, updated_at: at, created_by: String::new(), deleted_at: None, health: None, stats: None })
}

fn find(id: &str) -> Option<Arc<Action>> {
    match id {
        "x" => Some(action("x", Some("north"), &["billing"])),
        "all" => Some(action("all", None, &[])),
        _ => None,
    }
}

fn row(action: &str, tenant: &str, kind: &str, bucket: i64, count: i64) -> StatRow {
    StatRow { minute: 0, tenant_id: tenant.into(), action_id: action.into(), kind: kind.into(), bucket, count, sum_ms: 0 }
}

fn rule(kind: AlertKind, threshold: f64) -> AlertRule {
    AlertRule { id: "r".into(), ..AlertRule::new(kind, "Rule", threshold, Severity::Critical) }
}

#[test]
fn rules_look_at_their_own_actions() {
    let (x, all) = (action("x", Some("north"), &["billing"]), action("all", None, &[]));
    let platform = rule(AlertKind::ErrorRate, 10.0);
    let of = |tenant: &str| AlertRule { tenant_id: Some(tenant.into()), ..platform.clone() };
    let some = |tenant: &str| Some(Some(tenant.to_owned()));
    assert_eq!((concerns(&platform, &x), concerns(&platform, &all)), (some("north"), Some(None)));
    assert_eq!((concerns(&of("north"), &x), concerns(&of("south"), &x)), (some("north"), None));
    assert_eq!((concerns(&of("north"), &all), concerns(&of("south"), &all)), (some("north"), some("south")));
    let tagged = AlertRule { scope: RuleScope::Tag("billing".into()), ..platform };
    assert_eq!((concerns(&tagged, &x), concerns(&tagged, &all)), (some("north"), None));
}

#[test]
fn attempts_that_alerts_cause_do_not_count() {
    let mut counts = Counts::default();
    for (action, tenant, kind, count) in [
        ("x", "north", ATTEMPT_SUCCEEDED, 7),
        ("x", "north", ATTEMPT_FAILED, 6),
        ("x", "north", ECHO_FAILED, 3),
        ("x", "north", "queue_wait", 50),
        ("all", "north", ATTEMPT_FAILED, 2),
        ("all", "south", ATTEMPT_SUCCEEDED, 8),
        ("gone", "north", ATTEMPT_FAILED, 99),
    ] {
        counts.add(&row(action, tenant, kind, 10, count));
    }
    let read = |rule: &AlertRule| {
        let mut out: Vec<_> = of_attempts(rule, &counts, find).into_iter().map(|r| (r.subject, r.tenant_id, r.value, r.samples)).collect();
        out.sort_by(|a, b| a.0.cmp(&b.0));
        out
    };
    let north = || Some("north".to_owned());
    let platform = rule(AlertKind::ErrorRate, 10.0);
    assert_eq!(read(&platform), [("action:all".to_owned(), None, 20.0, 10), ("action:x".to_owned(), north(), 30.0, 10)]);
    let own = AlertRule { tenant_id: north(), ..platform };
    assert_eq!(read(&own), [("action:all".to_owned(), north(), 100.0, 2), ("action:x".to_owned(), north(), 30.0, 10)], "a tenant's rule counts its own events");
    assert_eq!(read(&rule(AlertKind::SlowExecutions, 5.0))[1], ("action:x".to_owned(), north(), 10.0, 10));
}

#[test]
fn breakers_and_handlers() {
    let breaker = |failures, cause: Option<&str>| OpenBreaker { why: "It is open.".into(), failures, limit: 10, cause: cause.map(str::to_owned) };
    let report = |node: &str, breakers: Vec<(&str, OpenBreaker)>, unavailable: &[(&str, &str)]| NodeReport {
        node: node.into(),
        breakers: breakers.into_iter().map(|(id, b)| (id.to_owned(), b)).collect(),
        unavailable: unavailable.iter().map(|(k, w)| ((*k).to_owned(), (*w).to_owned())).collect(),
        ..NodeReport::default()
    };
    let reports = [report("a", vec![("x", breaker(10, None)), ("all", breaker(10, Some("r")))], &[("email", "no answer.")]), report("b", vec![("x", breaker(12, None))], &[])];
    let platform = rule(AlertKind::HandlerFailure, 1.0);
    let found: Vec<(String, f64, f64)> = of_handlers(&platform, &reports, find).into_iter().map(|r| (r.subject, r.value, r.limit)).collect();
    assert_eq!(found, [("action:x".to_owned(), 12.0, 10.0), ("handler:email".to_owned(), 1.0, 1.0)], "the worst node counts; what the rule's own alert caused does not");
    let narrow = AlertRule { scope: RuleScope::Action("all".into()), id: "other".into(), ..platform };
    assert_eq!(of_handlers(&narrow, &reports, find).into_iter().map(|r| r.subject).collect::<Vec<_>>(), ["action:all"]);
}

#[test]
fn what_runs_short() {
    let reports = [
        NodeReport { node: "a".into(), memory_percent: Some(91.4), disk_percent: None, ..NodeReport::default() },
        NodeReport { node: "b".into(), memory_percent: Some(12.0), database_latency_ms: Some(700.0), ..NodeReport::default() },
    ];
    let shared = Shared { queue_depth: 900, queue_age_seconds: 61.0 };
    for (metric, expected) in [
        (Metric::QueueDepth, vec![("queue_depth", 900.0)]),
        (Metric::QueueAgeSeconds, vec![("queue_age_seconds", 61.0)]),
        (Metric::MemoryPercent, vec![("node:a:memory_percent", 91.4), ("node:b:memory_percent", 12.0)]),
        (Metric::DatabaseLatencyMs, vec![("node:b:database_latency_ms", 700.0)]),
        (Metric::DiskPercent, vec![]),
        (Metric::ConnectionsPercent, vec![]),
    ] {
        let rule = AlertRule { metric: Some(metric), ..rule(AlertKind::ResourceExhaustion, 80.0) };
        let found: Vec<(String, f64)> = of_resources(&rule, shared, &reports).into_iter().map(|r| (r.subject, r.value)).collect();
        assert_eq!(found, expected.into_iter().map(|(s, v)| (s.to_owned(), v)).collect::<Vec<_>>(), "{metric:?}");
    }
    let memory = AlertRule { metric: Some(Metric::MemoryPercent), ..rule(AlertKind::ResourceExhaustion, 80.0) };
    assert_eq!(of_resources(&memory, shared, &reports)[0].message, "The node a uses 91 % of the memory it may have. The limit is 80 %.");
    let rule = AlertRule { metric: Some(Metric::QueueAgeSeconds), ..rule(AlertKind::ResourceExhaustion, 300.0) };
    let message = of_resources(&rule, Shared { queue_age_seconds: 3_753.0, ..shared }, &reports).remove(0).message;
    assert_eq!(message, "The oldest execution that is due has waited for 62 min; the limit is 5 min.");
}
