//! The process as an operator meets it: subcommands, exit codes, signals, and connections that misbehave.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const KEY: &str = "command-line-tests-0123456789abcdef";
const PASSWORD: &str = "correct horse battery";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// The binary with nothing but our settings, in a folder of its own.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-actions"));
    command.args(arguments).current_dir(folder).env_clear().env("EVENT_ACTIONS_BIND", "127.0.0.1:0").env("EVENT_ACTIONS_BOOTSTRAP_API_KEY", KEY);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs to the end: exit code, standard output, standard error.
fn ends(command: &mut Command, input: &str) -> (i32, String, String) {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("takes input");
    let Output { status, stdout, stderr } = child.wait_with_output().expect("ends");
    (status.code().expect("an exit code"), String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned())
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    ends(&mut command(folder, arguments), "")
}

/// A service that is listening; killed when dropped.
struct Service {
    child: Child,
    lines: BufReader<ChildStdout>,
    port: u16,
}

impl Service {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::null()).spawn().expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        let port = line.trim().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_else(|| panic!("an address: {line:?}"));
        Self { child, lines, port }
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().expect("kill runs").success());
    }

    /// The exit code, and what was printed after the first line.
    fn ends(mut self, within: Duration) -> (Option<i32>, String) {
        let end = Instant::now() + within;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("can be asked") {
                break status;
            }
            assert!(Instant::now() < end, "the service did not end in time");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("text");
        (status.code(), rest)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("takes a timeout");
        stream
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn faulty_settings_end_in_exit_2_with_one_line_each() {
    let folder = folder();
    let (code, out, errors) = ends(command(folder.path(), &["serve", "--drain-seconds", "soon"]).env("EVENT_ACTIONS_WORKERS", "0").env("EVENT_ACTIONS_BIND", "here"), "");
    assert_eq!((code, out.as_str()), (2, ""));
    let lines: Vec<_> = errors.lines().collect();
    assert_eq!(lines.len(), 3, "{errors}");
    assert!(lines[0].starts_with("bind (EVENT_ACTIONS_BIND): ") && lines[1].starts_with("workers (") && lines[2].starts_with("drain_seconds ("), "{errors}");
    assert_eq!(run(folder.path(), &["serve", "--no-such-flag"]).0, 2);
    assert_eq!(run(folder.path(), &["--config", "missing.toml"]).0, 2);
    let postgres = ends(command(folder.path(), &["serve"]).env("EVENT_ACTIONS_DATABASE_URL", "postgres://x@127.0.0.1/x"), "");
    assert_eq!(postgres.0, 2);
    assert!(postgres.2.starts_with("master_key (EVENT_ACTIONS_MASTER_KEY)"), "{}", postgres.2);
}

#[test]
fn check_shows_what_is_in_force_and_changes_nothing() {
    let folder = folder();
    std::fs::write(folder.path().join("event-actions.toml"), "workers = 7\n").expect("written");
    let (code, out, errors) = run(folder.path(), &["check", "--print", "--retention-days=3"]);
    assert_eq!(code, 0, "{out}{errors}");
    for part in ["workers", "7  (event-actions.toml)", "3  (flag)", "***  (environment)", "configuration: ok", "database: not there yet"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains(KEY));
    assert!(!folder.path().join("data").exists(), "a check makes no files");
    assert_eq!(run(folder.path(), &["migrate"]).0, 0);
    assert!(run(folder.path(), &["check"]).1.contains("database: ok (SQLite)"));
}

#[test]
fn the_openapi_document_and_the_help_need_nothing() {
    let folder = folder();
    let (code, out, _) = ends(command(folder.path(), &["openapi"]).env("EVENT_ACTIONS_BIND", "nonsense"), "");
    assert_eq!(code, 0);
    let document: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(document["openapi"].as_str().expect("a version").starts_with("3.1"));
    for subcommand in ["serve", "migrate", "check", "create-admin", "send-event", "openapi"] {
        let (code, help, _) = run(folder.path(), &[subcommand, "--help"]);
        assert!(code == 0 && help.contains("EVENT_ACTIONS_BIND"), "{subcommand}");
    }
}

#[test]
fn a_first_start_tells_the_way_in_and_sigterm_ends_it_in_order() {
    let folder = folder();
    let service = Service::start(&mut command(folder.path(), &[]));
    let taken = ends(command(folder.path(), &[]).env("EVENT_ACTIONS_BIND", format!("127.0.0.1:{}", service.port)), "");
    assert_eq!(taken.0, 1, "a taken port is told");
    assert!(taken.2.contains("cannot listen on"), "{}", taken.2);
    service.signal("TERM");
    let (code, rest) = service.ends(Duration::from_secs(20));
    assert_eq!(code, Some(0));
    assert!(rest.contains("/setup?token="), "{rest}");

    let short = ends(&mut command(folder.path(), &["create-admin", "--email", "ada@example.com"]), "short\n");
    assert!(short.0 == 1 && short.2.contains("12 to 200 characters"), "{short:?}");
    let made = ends(&mut command(folder.path(), &["create-admin", "--email", "ada@example.com"]), &format!("{PASSWORD}\n"));
    assert!(made.0 == 0 && made.1.contains("ada@example.com"), "{made:?}");

    let service = Service::start(&mut command(folder.path(), &[]));
    service.signal("INT");
    let (code, rest) = service.ends(Duration::from_secs(20));
    assert_eq!((code, rest.as_str()), (Some(0), ""), "no set-up link once there is an administrator");
}

#[test]
fn send_event_prints_the_answer() {
    let folder = folder();
    let service = Service::start(&mut command(folder.path(), &[]));
    let url = format!("http://127.0.0.1:{}", service.port);
    let sent = ends(&mut command(folder.path(), &["send-event", "-", "--url", &url]), r#"{"event_type":"user.created","data":{"id":1}}"#);
    assert!(sent.0 == 0 && sent.1.contains("\"event_id\""), "{sent:?}");
    let refused = ends(&mut command(folder.path(), &["send-event", "-", "--url", &url]), r#"{"event_type":"user..created","data":{}}"#);
    assert!(refused.0 == 1 && refused.2.contains("422") && refused.2.contains("/event_type"), "{refused:?}");
    let unknown = ends(&mut command(folder.path(), &["send-event", "-", "--url", &url, "--key", "nobody"]), "{}");
    assert!(unknown.0 == 1 && unknown.2.contains("401"), "{unknown:?}");
}

/// Changes the database by hand.
fn by_hand(folder: &Path, sql: &'static str) {
    let url = format!("sqlite://{}", folder.join("data/event-actions.db").display());
    let changed = async { sqlx::query(sql).execute(&sqlx::SqlitePool::connect(&url).await?).await };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(changed).expect("changed");
}

#[test]
fn verify_audit_names_the_place() {
    let folder = folder();
    assert_eq!(run(folder.path(), &["verify-audit"]).0, 1, "there is no database yet");
    assert!(!folder.path().join("data").exists(), "and asking makes none");
    assert_eq!(ends(&mut command(folder.path(), &["create-admin", "--email", "ada@example.com"]), &format!("{PASSWORD}\n")).0, 0);
    let (code, out, errors) = run(folder.path(), &["verify-audit"]);
    assert!(code == 0 && out.starts_with("The audit log holds: "), "{out}{errors}");
    by_hand(folder.path(), "update audit_log set actor = 'user:nobody@example.com' where seq = 2");
    let (code, out, errors) = run(folder.path(), &["verify-audit"]);
    assert!(code == 1 && out.is_empty() && errors.contains("at entry 2 of"), "{out}{errors}");
}

#[test]
fn slow_clients_are_let_go_and_others_served() {
    let folder = folder();
    let service = Service::start(command(folder.path(), &[]).env("EVENT_ACTIONS_HEADER_TIMEOUT_SECONDS", "1"));
    let mut slow: Vec<TcpStream> = ["", "GET /heal", "PRI * HTTP/2.0\r\n"]
        .iter()
        .map(|beginning| {
            let mut stream = service.connect();
            stream.write_all(beginning.as_bytes()).expect("sends");
            stream
        })
        .collect();
    let mut healthy = service.connect();
    healthy.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sends");
    let mut answer = String::new();
    healthy.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for (n, stream) in slow.iter_mut().enumerate() {
        let mut rest = Vec::new();
        // A reset is an end as well.
        if let Err(e) = stream.read_to_end(&mut rest) {
            assert_ne!(e.kind(), std::io::ErrorKind::WouldBlock, "client {n} is still connected");
        }
    }
}

#[test]
fn http_2_is_spoken_without_tls() {
    let folder = folder();
    let service = Service::start(&mut command(folder.path(), &[]));
    let mut stream = service.connect();
    // The preface and an empty SETTINGS frame.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("sends");
    let mut head = [0; 9];
    stream.read_exact(&mut head).expect("a frame");
    assert_eq!(head[3], 4, "the server's SETTINGS");
}
