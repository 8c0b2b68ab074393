//! Every verdict by a table.

use super::*;

const FINE: Vitals<'static> = Vitals {
    recent: Recent { succeeded: 100, failed: 0, p95_ms: Some(50.0) },
    usual_p95_ms: Some(40.0),
    timeout_ms: 30_000.0,
    overdue_ms: None,
    open_breaker: None,
    handler: Some(&HandlerHealth::Healthy),
};

fn attempts(succeeded: i64, failed: i64, p95_ms: f64) -> Recent {
    Recent { succeeded, failed, p95_ms: (succeeded + failed > 0).then_some(p95_ms) }
}

fn status_of(health: &Health, check: &str) -> HealthStatus {
    health.checks.iter().find(|c| c.name == check).map_or(HealthStatus::Unknown, |c| c.status)
}

#[test]
fn verdicts_by_share_of_failures() {
    use HealthStatus::{Critical, Degraded, Healthy, Unknown};
    for (succeeded, failed, expected) in
        [(0, 0, Unknown), (5, 0, Healthy), (100, 0, Healthy), (91, 9, Healthy), (90, 10, Degraded), (51, 49, Degraded), (1, 1, Critical), (0, 3, Critical)]
    {
        let health = verdict(true, &Vitals { recent: attempts(succeeded, failed, 20.0), ..FINE });
        assert_eq!(health.status, expected, "{succeeded} and {failed}: {}", health.message);
        assert!(!health.message.is_empty() && health.checks.len() == 5);
    }
    assert_eq!(verdict(false, &Vitals { recent: attempts(0, 9, 20.0), ..FINE }).status, Unknown);
}

#[test]
fn verdicts_by_duration() {
    use HealthStatus::{Degraded, Healthy, Unknown};
    for (count, p95, usual, timeout, expected) in [
        (100, 50.0, Some(40.0), 30_000.0, Healthy),
        (100, 23_900.0, Some(20_000.0), 30_000.0, Healthy),
        (100, 24_000.0, Some(20_000.0), 30_000.0, Degraded),
        (100, 850.0, None, 1_000.0, Degraded),
        (100, 900.0, Some(40.0), 30_000.0, Healthy),
        (100, 1_200.0, Some(400.0), 30_000.0, Degraded),
        (100, 1_200.0, Some(401.0), 30_000.0, Healthy),
        (100, 1_200.0, None, 30_000.0, Healthy),
        (9, 29_000.0, None, 30_000.0, Unknown),
    ] {
        let health = verdict(true, &Vitals { recent: attempts(count, 0, p95), usual_p95_ms: usual, timeout_ms: timeout, ..FINE });
        assert_eq!(status_of(&health, "latency"), expected, "{count} at {p95}, usually {usual:?}, of {timeout}");
        assert_eq!(health.status, if expected == Degraded { Degraded } else { Healthy }, "what is not known does not outweigh what is");
    }
}

#[test]
fn verdicts_by_queue_breaker_and_handler() {
    use HealthStatus::{Critical, Degraded, Healthy};
    let gone = HandlerHealth::Unavailable("the mail server refuses.".to_owned());
    for (vitals, check, expected) in [
        (Vitals { overdue_ms: Some(119_999), ..FINE }, "queue_age", Healthy),
        (Vitals { overdue_ms: Some(120_000), ..FINE }, "queue_age", Degraded),
        (Vitals { overdue_ms: Some(600_000), ..FINE }, "queue_age", Critical),
        (Vitals { open_breaker: Some("The breaker is open."), ..FINE }, "breaker", Critical),
        (Vitals { handler: Some(&gone), ..FINE }, "handler", Critical),
        (Vitals { handler: None, ..FINE }, "handler", Critical),
        (Vitals { handler: Some(&HandlerHealth::Unknown), ..FINE }, "handler", Healthy),
    ] {
        let health = verdict(true, &vitals);
        assert_eq!((status_of(&health, check), health.status), (expected, expected), "{vitals:?}");
    }
    let open = verdict(true, &Vitals { recent: attempts(90, 10, 20.0), open_breaker: Some("The breaker is open."), ..FINE });
    assert_eq!((open.status, open.message.as_str()), (Critical, "The breaker is open."), "the worst speaks");
}

#[test]
fn verdicts_on_the_system() {
    use HealthStatus::{Critical, Degraded, Healthy};
    let fine = SystemVitals { database_up: true, database_ms: Some(2.0), queue_max: 1_000, memory_percent: Some(20.0), disk_percent: Some(40.0), ..SystemVitals::default() };
    let trouble = vec![("email".to_owned(), "the mail server refuses.".to_owned())];
    for (vitals, expected, said) in [
        (fine.clone(), Healthy, "answers"),
        (SystemVitals { database_up: false, ..fine.clone() }, Critical, "cannot be reached"),
        (SystemVitals { database_ms: Some(500.0), ..fine.clone() }, Degraded, "500 ms"),
        (SystemVitals { queue_depth: 799, ..fine.clone() }, Healthy, "answers"),
        (SystemVitals { queue_depth: 800, ..fine.clone() }, Degraded, "800 executions"),
        (SystemVitals { queue_depth: 1_000, ..fine.clone() }, Critical, "full"),
        (SystemVitals { queue_depth: 1, oldest_pending_ms: Some(120_000), ..fine.clone() }, Degraded, "2 min"),
        (SystemVitals { unavailable: trouble, ..fine.clone() }, Degraded, "email"),
        (SystemVitals { memory_percent: Some(85.0), ..fine.clone() }, Degraded, "memory"),
        (SystemVitals { memory_percent: Some(84.9), disk_percent: Some(84.9), ..fine.clone() }, Healthy, "answers"),
        (SystemVitals { memory_percent: Some(94.9), ..fine.clone() }, Degraded, "memory"),
        (SystemVitals { memory_percent: Some(95.0), ..fine.clone() }, Critical, "memory"),
        (SystemVitals { disk_percent: Some(85.0), ..fine.clone() }, Degraded, "disk"),
        (SystemVitals { disk_percent: Some(94.9), ..fine.clone() }, Degraded, "disk"),
        (SystemVitals { disk_percent: Some(95.0), ..fine.clone() }, Critical, "disk"),
    ] {
        let health = system_verdict(&vitals);
        assert!(health.status == expected && health.message.contains(said), "{vitals:?}: {health:?}");
    }
}

#[test]
fn verdicts_on_handlers() {
    use HealthStatus::{Critical, Degraded, Healthy, Unknown};
    let gone = HandlerHealth::Unavailable("no.".to_owned());
    for (health, recent, expected) in [
        (&HandlerHealth::Healthy, attempts(0, 0, 0.0), Healthy),
        (&HandlerHealth::Healthy, attempts(80, 20, 5.0), Degraded),
        (&HandlerHealth::Unknown, attempts(0, 0, 0.0), Unknown),
        (&HandlerHealth::Unknown, attempts(100, 0, 5.0), Healthy),
        (&HandlerHealth::Unknown, attempts(0, 100, 5.0), Critical),
        (&gone, attempts(100, 0, 5.0), Critical),
    ] {
        assert_eq!(handler_verdict(health, recent).status, expected, "{health:?} {recent:?}");
    }
}
