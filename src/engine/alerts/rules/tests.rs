//! Every decision by a table.

use super::*;
use crate::model::alert::Severity;

const NOW: Timestamp = Timestamp(1_000_000);

fn rule(kind: AlertKind, threshold: f64, for_seconds: u32) -> AlertRule {
    AlertRule { id: "r".into(), for_seconds, ..AlertRule::new(kind, "Rule", threshold, Severity::Critical) }
}

fn reading(value: f64, samples: i64) -> Reading {
    Reading { subject: "action:x".into(), tenant_id: None, action_id: Some("x".into()), value, limit: 10.0, samples, message: "It fails.".into() }
}

fn alert(state: AlertState, started_ago_ms: i64) -> Alert {
    let at = NOW.plus_ms(-started_ago_ms);
    Alert {
        id: "a".into(),
        rule: "Rule".into(),
        rule_id: "r".into(),
        kind: AlertKind::ErrorRate,
        severity: Severity::Critical,
        state,
        subject: "action:x".into(),
        tenant_id: None,
        action_id: Some("x".into()),
        message: "It fails.".into(),
        value: 30.0,
        threshold: 10.0,
        started_at: at,
        fired_at: None,
        updated_at: at,
        acknowledged_at: None,
        acknowledged_by: None,
        silenced_until: Some(NOW),
        silenced_by: None,
        resolved_at: None,
        resolved_by: None,
        revision: 1,
    }
}

#[test]
fn what_breaches_and_what_is_well() {
    use AlertKind::{AuditChain, AutoDisable, ErrorRate, HandlerFailure, Loop, ResourceExhaustion, SlowExecutions};
    for (kind, threshold, value, samples, breaches, well) in [
        (ErrorRate, 10.0, 10.0, 10, false, false),
        (ErrorRate, 10.0, 10.1, 10, true, false),
        (ErrorRate, 10.0, 100.0, 9, false, false),
        (ErrorRate, 10.0, 8.1, 50, false, false),
        (ErrorRate, 10.0, 8.0, 50, false, true),
        (ErrorRate, 10.0, 0.0, 0, false, true),
        (SlowExecutions, 5_000.0, 5_001.0, 10, true, false),
        (SlowExecutions, 5_000.0, 4_000.0, 10, false, true),
        (ResourceExhaustion, 800.0, 800.0, 1, false, false),
        (ResourceExhaustion, 800.0, 801.0, 1, true, false),
        (ResourceExhaustion, 800.0, 640.0, 1, false, true),
        (HandlerFailure, 1.0, 10.0, 1, true, false),
        (HandlerFailure, 20.0, 10.0, 1, false, true),
        (Loop, 1.0, 1.0, 1, true, false),
        (Loop, 1.0, 0.0, 1, false, true),
        (AutoDisable, 1.0, 1.0, 1, true, false),
        (AutoDisable, 1.0, 0.0, 1, false, true),
        (AuditChain, 1.0, 1.0, 1, true, false),
        (AuditChain, 1.0, 0.0, 1, false, true),
    ] {
        let (rule, reading) = (rule(kind, threshold, 0), reading(value, samples));
        assert_eq!((reading.breaches(&rule), reading.is_well(&rule)), (breaches, well), "{kind:?} {value} of {threshold}, {samples} samples");
    }
}

#[test]
fn alerts_begin() {
    let (at_once, patient) = (rule(AlertKind::ErrorRate, 10.0, 0), rule(AlertKind::ErrorRate, 10.0, 30));
    let (bad, good) = (reading(30.0, 10), reading(0.0, 10));
    for (rule, reading, open, expected) in [
        (Some(&at_once), Some(&bad), None, Step::Fire),
        (Some(&at_once), Some(&good), None, Step::Keep),
        (Some(&at_once), None, None, Step::Keep),
        (None, Some(&bad), None, Step::Keep),
        (Some(&patient), Some(&bad), None, Step::Pend),
        (Some(&patient), Some(&bad), Some(alert(AlertState::Pending, 29_999)), Step::Keep),
        (Some(&patient), Some(&bad), Some(alert(AlertState::Pending, 30_000)), Step::Fire),
        (Some(&patient), Some(&good), Some(alert(AlertState::Pending, 30_000)), Step::Drop),
        (Some(&patient), None, Some(alert(AlertState::Pending, 1)), Step::Drop),
        (None, Some(&bad), Some(alert(AlertState::Pending, 60_000)), Step::Drop),
    ] {
        assert_eq!(decide(rule, reading, open.as_ref(), None, NOW), (expected, None), "{reading:?} {open:?}");
    }
}

#[test]
fn alerts_end_when_it_has_been_well_for_a_while() {
    let (at_once, patient) = (rule(AlertKind::ErrorRate, 10.0, 0), rule(AlertKind::ErrorRate, 10.0, 30));
    let (well, between) = (reading(5.0, 50), reading(9.0, 50));
    let ago = |ms: i64| Some(NOW.plus_ms(-ms));
    for state in [AlertState::Firing, AlertState::Acknowledged] {
        let open = alert(state, 5_000);
        for (rule, reading, since, expected) in [
            (Some(&at_once), Some(&well), None, (Step::Keep, ago(0))),
            (Some(&at_once), Some(&well), ago(1_499), (Step::Keep, ago(1_499))),
            (Some(&at_once), Some(&well), ago(1_500), (Step::Resolve, ago(1_500))),
            (Some(&at_once), Some(&between), ago(1_500), (Step::Keep, None)),
            (Some(&at_once), None, ago(1_500), (Step::Resolve, ago(1_500))),
            (None, Some(&between), ago(1_500), (Step::Resolve, ago(1_500))),
            (Some(&patient), Some(&well), ago(29_999), (Step::Keep, ago(29_999))),
            (Some(&patient), Some(&well), ago(30_000), (Step::Resolve, ago(30_000))),
        ] {
            assert_eq!(decide(rule, reading, Some(&open), since, NOW), expected, "{state:?} {reading:?} {since:?}");
        }
    }
}

#[test]
fn silences_end_and_numbers_follow() {
    let rule = rule(AlertKind::ErrorRate, 10.0, 0);
    let decided = |reading: Reading, open: Alert| decide(Some(&rule), Some(&reading), Some(&open), None, NOW).0;
    let silenced = |until: i64| Alert { silenced_until: Some(Timestamp(until)), ..alert(AlertState::Silenced, 60_000) };
    assert_eq!(decided(reading(30.0, 10), silenced(NOW.0 + 1)), Step::Keep);
    assert_eq!(decided(reading(30.0, 10), silenced(NOW.0)), Step::Unsilence);
    assert_eq!(decided(reading(60.0, 10), alert(AlertState::Firing, 9_999)), Step::Keep, "numbers move at most every ten seconds");
    assert_eq!(decided(reading(60.0, 10), alert(AlertState::Firing, 10_000)), Step::Refresh);
    assert_eq!(decided(reading(31.0, 10), alert(AlertState::Firing, 10_000)), Step::Keep, "nearly the same is the same");
}
