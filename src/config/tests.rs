//! Tables for loading: precedence, every fault at once, nothing secret shown.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn load(flags: &[(&'static str, &str)], env: &[(&str, &str)], file: Option<&str>) -> Result<Config, Vec<ConfigFault>> {
    let flags: BTreeMap<_, _> = flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Config::load(flags, |name| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()), file)
}

fn faults(env: &[(&str, &str)]) -> Vec<String> {
    load(&[], env, None).expect_err("faults").iter().map(ToString::to_string).collect()
}

#[test]
fn defaults_are_those_of_the_table() {
    let c = load(&[], &[], None).expect("defaults load");
    assert_eq!(c.bind.to_string(), "127.0.0.1:3000");
    assert_eq!(c.public_url, "http://localhost:3000");
    assert_eq!(c.data_dir, Path::new("./data"));
    assert_eq!(c.effective_database_url(), "sqlite://./data/event-actions.db");
    assert_eq!((c.workers, c.retention_days, c.stats_retention_days), (256, 30, 400));
    assert_eq!((c.drain_seconds, c.sync_deadline_seconds), (30, 60));
    assert!(c.js_workers >= 1 && c.allow_targets.is_empty() && c.smtp_url.is_none() && !c.is_postgres() && !c.is_https());
    assert_eq!((c.log.as_str(), c.log_format), ("info", LogFormat::Auto));
    assert_eq!((c.log_rotation, c.log_keep, c.otlp_endpoint), (LogRotation::Bytes(100 << 20), 7, None));
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let file = Some("workers = 10\nretention_days = 7\ndrain_seconds = 3");
    let c = load(&[("workers", "30")], &[("EVENT_ACTIONS_WORKERS", "20"), ("EVENT_ACTIONS_RETENTION_DAYS", "8")], file).expect("loads");
    assert_eq!((c.workers, c.retention_days, c.drain_seconds, c.stats_retention_days), (30, 8, 3, 400));
    let origin = |name: &str| c.shown().iter().find(|s| s.name == name).map(|s| s.origin);
    assert_eq!(origin("workers"), Some(Origin::Flag));
    assert_eq!(origin("retention_days"), Some(Origin::Environment));
    assert_eq!(origin("drain_seconds"), Some(Origin::File));
    assert_eq!(origin("stats_retention_days"), Some(Origin::Default));
}

#[test]
fn empty_means_unset_and_lists_are_comma_separated() {
    let c =
        load(&[], &[("EVENT_ACTIONS_WORKERS", "  "), ("EVENT_ACTIONS_SMTP_URL", ""), ("EVENT_ACTIONS_ALLOW_TARGETS", "127.0.0.0/8, ::1 ,Sink.internal,")], None).expect("loads");
    assert_eq!(c.workers, 256);
    assert!(c.smtp_url.is_none());
    assert_eq!(c.allow_targets, ["127.0.0.0/8", "::1", "sink.internal"]);
    let c = load(&[], &[], Some("allow_targets = [\"10.0.0.0/8\", \"localhost\"]")).expect("loads");
    assert_eq!(c.allow_targets, ["10.0.0.0/8", "localhost"]);
}

#[test]
fn every_fault_is_reported_at_once_one_line_each_with_the_setting() {
    let found =
        faults(&[("EVENT_ACTIONS_BIND", "here"), ("EVENT_ACTIONS_WORKERS", "0"), ("EVENT_ACTIONS_PUBLIC_URL", "ftp://x"), ("EVENT_ACTIONS_BOOTSTRAP_API_KEY", "hunter2-hunter2")]);
    assert_eq!(found.len(), 4, "{found:?}");
    for (line, name) in found.iter().zip(["bind (EVENT_ACTIONS_BIND)", "public_url (EVENT_ACTIONS_PUBLIC_URL)", "bootstrap_api_key", "workers (EVENT_ACTIONS_WORKERS)"]) {
        assert!(line.starts_with(name) && !line.contains('\n'), "{line}");
    }
    assert!(found[3].ends_with("expected a whole number from 1 to 10000, not \"0\" (from environment)"), "{}", found[3]);
    assert!(!found.concat().contains("hunter2"), "a faulty secret is not repeated");
}

#[test]
fn each_wrong_value_is_refused() {
    for (name, value) in [
        ("BIND", "3000"),
        ("PUBLIC_URL", "https://x.example/console"),
        ("PUBLIC_URL", "https://user:pass@x.example"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "sqlite::memory:"),
        ("DATABASE_CONNECTIONS", "1"),
        ("MASTER_KEY", "c2hvcnQ="),
        ("MASTER_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,"),
        ("MASTER_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,c2hvcnQ="),
        ("ALLOW_TARGETS", "10.0.0.0/33"),
        ("ALLOW_TARGETS", "999.1.1.1"),
        ("ALLOW_TARGETS", "http://x"),
        ("SMTP_URL", "smtp://user:secret@mail.example.com"),
        ("SMTP_URL", "smtp://mail.example.com?tls=opportunistic"),
        ("SMTP_URL", "http://mail.example.com"),
        ("WORKERS", "-1"),
        ("RETENTION_DAYS", "99999999999999"),
        ("DRAIN_SECONDS", "1.5"),
        ("LOG", "verbose"),
        ("LOG_FORMAT", "xml"),
        ("LOG_ROTATION", "weekly"),
        ("LOG_ROTATION", "100"),
        ("LOG_ROTATION", "0MB"),
        ("LOG_ROTATION", "101GB"),
        ("LOG_ROTATION", "99999999999999999999GB"),
        ("LOG_KEEP", "1001"),
        ("OTLP_ENDPOINT", "collector:4317"),
        ("OTLP_ENDPOINT", "http://me:secret@collector:4318"),
        ("OTLP_ENDPOINT", "http://collector:4318?key=secret"),
    ] {
        let found = faults(&[(&format!("EVENT_ACTIONS_{name}"), value)]);
        assert_eq!(found.len(), 1, "{name}={value}: {found:?}");
        assert!(found[0].starts_with(&name.to_lowercase()) && !found[0].contains("secret"), "{}", found[0]);
    }
}

#[test]
fn each_right_value_is_taken() {
    for (name, value) in [
        ("BIND", "[::]:80"),
        ("PUBLIC_URL", "https://events.example.com/"),
        ("DATABASE_URL", "sqlite:///var/lib/x.db"),
        ("MASTER_KEY", KEY),
        ("MASTER_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="),
        ("ALLOW_TARGETS", "fd00::/8,my_host,a.b-c.example"),
        ("SMTP_URL", "smtp://user:secret@127.0.0.1:2525"),
        ("SMTP_URL", "smtp://user:secret@[::1]"),
        ("SMTP_URL", "smtp://user:secret@mail.example.com?tls=required"),
        ("SMTP_URL", "smtps://user:secret@mail.example.com"),
        ("SMTP_URL", "smtp://mail.example.com"),
        ("LOG", "warn,event_actions::engine=debug"),
        ("LOG_FORMAT", "json"),
        ("LOG_ROTATION", "never"),
        ("LOG_ROTATION", "daily"),
        ("LOG_ROTATION", "5MB"),
        ("LOG_ROTATION", "2 GB"),
        ("LOG_KEEP", "0"),
        ("OTLP_ENDPOINT", "https://otel.example/in"),
        ("DRAIN_SECONDS", "0"),
    ] {
        assert!(load(&[], &[(&format!("EVENT_ACTIONS_{name}"), value)], None).is_ok(), "{name}={value}");
    }
    let c = load(&[], &[("EVENT_ACTIONS_PUBLIC_URL", "https://events.example.com/")], None).expect("loads");
    assert!(c.is_https() && c.public_url == "https://events.example.com");
}

#[test]
fn settings_that_do_not_fit_each_other_are_refused() {
    let url = ("EVENT_ACTIONS_DATABASE_URL", "postgres://ea:pw@db/ea");
    assert!(faults(&[url])[0].starts_with("master_key (EVENT_ACTIONS_MASTER_KEY): must be set with PostgreSQL"));
    assert_eq!(faults(&[url, ("EVENT_ACTIONS_MASTER_KEY", "x")]).len(), 1, "one fault for one setting");
    assert!(load(&[], &[url, ("EVENT_ACTIONS_MASTER_KEY", KEY)], None).expect("loads").is_postgres());
    assert!(faults(&[("EVENT_ACTIONS_ADMIN_EMAIL", "a@b.example")])[0].starts_with("admin_password"));
    assert!(faults(&[("EVENT_ACTIONS_ADMIN_PASSWORD", "long enough by far")])[0].starts_with("admin_email"));
}

#[test]
fn the_file_is_checked_too() {
    for (text, name) in [("wrokers = 3", "wrokers"), ("workers = [", "event-actions.toml"), ("workers = true", "workers"), ("[bind]\nhost = \"x\"", "bind")] {
        let found = load(&[], &[], Some(text)).expect_err("faults");
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].to_string().starts_with(name) && !found[0].to_string().contains('\n'), "{}", found[0]);
    }
}

#[test]
fn secrets_show_nowhere() {
    let env = [
        ("EVENT_ACTIONS_DATABASE_URL", "postgres://ea:canary-1@db.example:5433/ea?password=canary-2"),
        ("EVENT_ACTIONS_MASTER_KEY", KEY),
        ("EVENT_ACTIONS_SMTP_URL", "smtps://me:canary-3@mail.example.com"),
        ("EVENT_ACTIONS_BOOTSTRAP_API_KEY", "canary-4-canary-4-canary-4-canary-4"),
        ("EVENT_ACTIONS_ADMIN_EMAIL", "a@b.example"),
        ("EVENT_ACTIONS_ADMIN_PASSWORD", "canary-5-long"),
    ];
    let c = load(&[], &env, None).expect("loads");
    let text = format!("{c:?} {:?}", c.shown());
    assert!(!text.contains("canary") && !text.contains(KEY), "{text}");
    assert!(text.contains("postgres://***@db.example:5433/ea"), "{text}");
    assert_eq!(c.admin_password.expect("set").expose_secret(), "canary-5-long");
}

#[test]
fn the_table_is_in_order() {
    let mut names = std::collections::BTreeSet::new();
    for s in SETTINGS {
        assert!(names.insert(s.name), "{} twice", s.name);
        assert_eq!(s.env, format!("EVENT_ACTIONS_{}", s.name.to_uppercase()));
        assert!(!s.help.is_empty() && !s.value.is_empty() && !s.help.ends_with('.'), "{}", s.name);
    }
    assert_eq!(load(&[], &[], None).expect("defaults load").shown().len(), SETTINGS.len());
}

#[test]
fn tests_get_a_free_port_and_their_own_folder() {
    let c = Config::for_tests(Path::new("/tmp/50% off?"));
    assert_eq!(c.bind.port(), 0);
    assert_eq!(c.effective_database_url(), "sqlite:///tmp/50%25 off%3F/event-actions.db");
}

#[test]
fn people_are_sent_where_the_console_really_is() {
    for (public, listening, url) in [
        ("", "127.0.0.1:4100", "http://localhost:4100"),
        ("", "0.0.0.0:3000", "http://localhost:3000"),
        ("", "192.0.2.7:3000", "http://192.0.2.7:3000"),
        ("https://events.example.com", "127.0.0.1:4100", "https://events.example.com"),
    ] {
        let c = load(&[], &[("EVENT_ACTIONS_PUBLIC_URL", public)], None).expect("loads");
        assert_eq!(c.console_url(listening.parse().expect("an address")), url);
    }
}
