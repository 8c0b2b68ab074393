//! Receivers that behave badly, over HTTP and TLS: each is bounded, classed, and explained in the attempt.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::util::certs::{Flaw, Root};
use crate::util::peers::{Https, Rude, RudeServer};
use crate::util::{Answer, Sink, TestApp, event, webhook};

/// Most bytes of an answer that are kept.
const KEPT: usize = 64 << 10;

fn ok(headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes()
}

/// A gzip file of very many zeros: one literal and then repetitions of 258 bytes, 13 bits each.
fn gzip_bomb() -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let (mut bits, mut held) = (0_u64, 0);
    // Deflate sends the bits of Huffman codes from the highest, everything else from the lowest.
    let mut put = |code: &str, out: &mut Vec<u8>| {
        for bit in code.bytes() {
            bits |= u64::from(bit - b'0') << held;
            held += 1;
            if held == 8 {
                out.push(u8::try_from(bits).unwrap());
                (bits, held) = (0, 0);
            }
        }
    };
    // The last block, with fixed codes; a zero; the length 258 at the distance 1.
    put("110", &mut out);
    put("00110000", &mut out);
    while out.len() < 1 << 20 {
        put("1100010100000", &mut out);
    }
    put("0000000", &mut out);
    out
}

/// What one receiver leads to: its path, manners, and how the attempt ends.
struct Case {
    path: &'static str,
    rude: Rude,
    status: &'static str,
    class: &'static str,
    said: &'static str,
}

fn cases() -> Vec<Case> {
    let case = |path, rude, status, class, said| Case { path, rude, status, class, said };
    let many_headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-more: of this\r\n".repeat(100_000)).into_bytes();
    vec![
        case("/hangs", Rude::Hangs(Vec::new()), "dead_letter", "timeout", "did not answer within 1 s"),
        case("/head-only", Rude::Hangs(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()), "dead_letter", "timeout", "did not answer within 1 s"),
        case("/half-a-body", Rude::Hangs(ok("content-length: 100\r\n")), "dead_letter", "timeout", "the rest of its answer did not come in time"),
        case("/trickles", Rude::Trickles(ok("content-length: 1000\r\n"), Duration::from_millis(250)), "dead_letter", "timeout", "the rest of its answer did not come in time"),
        case("/trickles-headers", Rude::Trickles(b"HTTP/1.1 200 OK\r\nx-slow: ".to_vec(), Duration::from_millis(250)), "dead_letter", "timeout", "did not answer within 1 s"),
        case("/resets", Rude::Resets(Vec::new()), "dead_letter", "connection", "reset the connection"),
        case("/closes", Rude::HalfCloses(Vec::new()), "dead_letter", "connection", "closed the connection"),
        case(
            "/closes-early",
            Rude::HalfCloses([ok("content-length: 100\r\n"), b"half".to_vec()].concat()),
            "dead_letter",
            "connection",
            "closed the connection before its answer was complete",
        ),
        case("/no-http", Rude::HalfCloses(b"220 mail.example.com ESMTP\r\n\r\n".to_vec()), "dead_letter", "protocol", "did not answer with valid HTTP"),
        case("/headers", Rude::HalfCloses(many_headers), "dead_letter", "protocol", "more headers than are accepted"),
        case("/endless-head", Rude::Floods(b"HTTP/1.1 200 OK\r\nx-long: ".to_vec(), vec![b'a'; 1 << 16]), "dead_letter", "protocol", "more headers than are accepted"),
        case("/redirects", Rude::HalfCloses(b"HTTP/1.1 302 Found\r\nlocation: /hangs-elsewhere\r\ncontent-length: 0\r\n\r\n".to_vec()), "failed", "http_status", "302"),
        case("/loops", Rude::HalfCloses(b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /loops\r\ncontent-length: 0\r\n\r\n".to_vec()), "failed", "http_status", "307"),
        case("/endless", Rude::Floods(ok("connection: close\r\n"), vec![b'z'; 1 << 16]), "succeeded", "", ""),
        case("/gigabytes", Rude::Floods(ok("content-length: 8589934592\r\n"), vec![b'z'; 1 << 16]), "succeeded", "", ""),
        case("/bomb", Rude::HalfCloses([ok("content-encoding: gzip\r\nconnection: close\r\n"), gzip_bomb()].concat()), "succeeded", "", ""),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_bounded_classed_and_explained() {
    let app = TestApp::start().await;
    let server = RudeServer::start(cases().into_iter().map(|c| (c.path, c.rude))).await;
    for case in cases() {
        let more = json!({"timeout_seconds": 1, "max_retries": 0});
        app.action(webhook(case.path, &format!("rude.{}", &case.path[1..]), &format!("{}{}", server.url, case.path), more)).await;
    }
    let ids = app.batch(&cases().iter().map(|c| event(&format!("rude.{}", &c.path[1..]), json!({}))).collect::<Vec<_>>()).await;
    for (case, id) in cases().iter().zip(&ids) {
        let done = app.execution(id, &["succeeded", "failed", "dead_letter"]).await;
        assert_eq!(done.text("/status"), case.status, "{}: {:#}", case.path, done.body);
        assert!(done.at("/attempts/0/duration_ms").as_i64().is_some_and(|ms| ms < 2_000), "{}: {:#}", case.path, done.body);
        if case.status == "succeeded" {
            let response = done.at("/attempts/0/response");
            let body = response["body"].as_str().unwrap();
            let told = if case.path == "/bomb" { body.ends_with("65536 bytes that are not text)") } else { body.len() == KEPT };
            assert!(response["truncated"] == true && told, "{}: {} bytes", case.path, body.len());
        } else {
            let error = done.at("/attempts/0/error");
            assert_eq!((&error["class"], &error["retryable"]), (&json!(case.class), &json!(case.status == "dead_letter")), "{}: {error:#}", case.path);
            assert!(error["message"].as_str().unwrap().contains(case.said), "{}: {error:#}", case.path);
            assert_eq!(done.text("/attempts/0/request/method"), "POST", "the attempt shows what was sent");
        }
        assert_eq!(server.requests(case.path), 1, "{}", case.path);
    }
    for (path, status, body) in [("/half-a-body", 200, Value::Null), ("/closes-early", 200, json!("half"))] {
        let id = &ids[cases().iter().position(|c| c.path == path).unwrap()];
        let response = app.get(&format!("/executions/{id}")).await.at("/attempts/0/response").clone();
        assert_eq!((&response["status"], &response["body"], &response["truncated"]), (&json!(status), &body, &json!(true)), "{path}: what came is kept and marked");
    }
    assert_eq!(server.requests("/hangs-elsewhere"), 0, "a redirect is never followed");
    server.wait_until_alone().await;
    app.finish().await;
}

#[tokio::test]
async fn names_that_do_not_resolve_and_ports_where_nobody_listens() {
    let app = TestApp::start().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let plain = Sink::start().await;
    for (url, class, said) in [
        (format!("http://{closed}/"), "connection", "refused the connection"),
        (plain.url.replace("http://", "https://"), "tls", "handshake"),
        ("http://no-such-name.invalid/".to_owned(), "dns", "no-such-name.invalid does not resolve"),
    ] {
        let action = webhook("Nobody", "no.body", &url, json!({"execution_mode": "sync", "max_retries": 1, "retry_delay_seconds": 3600, "timeout_seconds": 20}));
        let action = app.action(action).await;
        let began = Instant::now();
        let sent = app.post("/events", &event("no.body", json!({}))).await.expect(202);
        let id = sent.text("/executions/0/id");
        let waiting = app.get(&format!("/executions/{id}")).await.expect(200);
        assert_eq!((waiting.text("/status"), waiting.at("/attempts/0/error/retryable")), ("retrying", &json!(true)), "{url}: {:#}", waiting.body);
        // A machine without a name server may need longer to say so than the attempt has.
        let late = class == "dns" && began.elapsed() > Duration::from_secs(9);
        assert!(late || waiting.text("/attempts/0/error/class") == class, "{url}: {:#}", waiting.body);
        assert!(late || waiting.text("/attempts/0/error/message").contains(said), "{url}: {:#}", waiting.body);
        app.call(&format!("/executions/{id}/cancel")).await.expect(200);
        app.delete(&format!("/event-actions/{action}")).await.expect(204);
    }
    app.finish().await;
}

/// Sends one event to the action and returns its execution.
async fn deliver(app: &TestApp, action: Value) -> Answer {
    let action = app.action(action).await;
    let sent = app.post("/events", &event("tls.test", json!({}))).await;
    app.delete(&format!("/event-actions/{action}")).await.expect(204);
    app.execution(sent.text("/executions/0/id"), &["succeeded", "failed", "dead_letter"]).await
}

#[tokio::test]
async fn a_bad_certificate_is_refused_unless_an_administrator_says_otherwise() {
    let root = Root::new();
    let app = TestApp::trusting(&root.pem(), |_| {}).await;
    let operator = app.tenant_key("default", &["actions:write", "actions:read"]).await;
    for (flaw, said) in [
        (Flaw::None, ""),
        (Flaw::Expired, "it has expired"),
        (Flaw::NotYet, "it is not valid yet"),
        (Flaw::WrongHost, "it is for another host name"),
        (Flaw::SelfSigned, "it is self-signed or its issuer is unknown"),
        (Flaw::UnknownIssuer, "it is self-signed or its issuer is unknown"),
    ] {
        let server = Https::start(&root.leaf(flaw)).await;
        let mut action = webhook("TLS", "tls.test", &server.url, json!({"execution_mode": "sync", "max_retries": 3}));
        let done = deliver(&app, action.clone()).await;
        if flaw == Flaw::None {
            assert_eq!((done.text("/status"), server.requests()), ("succeeded", 1), "{:#}", done.body);
            continue;
        }
        assert_eq!((done.text("/status"), done.at("/attempts").as_array().map(Vec::len)), ("failed", Some(1)), "{flaw:?}: waiting mends no certificate: {:#}", done.body);
        let error = done.at("/attempts/0/error");
        assert_eq!((&error["class"], &error["retryable"]), (&json!("tls"), &json!(false)), "{flaw:?}: {error:#}");
        for part in [said, "127.0.0.1", "verify_ssl"] {
            assert!(error["message"].as_str().unwrap().contains(part), "{flaw:?}: {error:#}");
        }
        assert_eq!(server.requests(), 0, "{flaw:?}: nothing was sent");

        action["configuration"]["verify_ssl"] = json!(false);
        let refused = app.send_as(&operator, reqwest::Method::POST, "/event-actions", Some(&action)).await;
        assert_eq!(refused.problem(422).1, "/configuration/verify_ssl", "{flaw:?}");
        let done = deliver(&app, action).await;
        assert_eq!((done.text("/status"), server.requests()), ("succeeded", 1), "{flaw:?}: {:#}", done.body);
    }
    app.finish().await;
}
