//! What a webhook sends, what it shows of it, and what it makes of the answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::answer::{is_retryable, is_success, retry_after};
use super::{Webhook, needs_admin};
use crate::handlers::outbound::{Outbound, OutboundConfig};
use crate::handlers::testing::{TestHost, call};
use crate::handlers::{Call, Handler as _, HandlerError, StepRef};
use crate::model::Timestamp;
use crate::model::execution::ErrorClass;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn webhook() -> Webhook {
    let config = OutboundConfig { allow_targets: vec!["127.0.0.0/8".into()], per_host: 4, ..OutboundConfig::default() };
    Webhook::new(Outbound::new(config).expect("client"))
}

fn call_of(configuration: Value) -> Call {
    let user = json!({"email": "a@example.com", "age": 41, "tags": ["x"], "line": "a\r\nb"});
    call(&Arc::new(TestHost::default()), configuration, json!({"user": user}))
}

/// Answers one request with these bytes; gives the URL and what arrived.
async fn sink(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let url = format!("http://{}/hook?a=b", listener.local_addr().expect("address"));
    let arrived = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accept");
        let mut got = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            let n = stream.read(&mut buffer).await.expect("read");
            got.extend_from_slice(&buffer[..n]);
            let text = String::from_utf8_lossy(&got).into_owned();
            let length = |head: &str| head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ").map(|n| n.parse::<usize>().expect("number")));
            if n == 0 || text.split_once("\r\n\r\n").is_some_and(|(head, body)| body.len() >= length(head).unwrap_or(0)) {
                stream.write_all(answer.as_bytes()).await.expect("write");
                return text;
            }
        }
    });
    (url, arrived)
}

/// The line, the headers and the body of a request.
fn parts(request: &str) -> (String, BTreeMap<String, String>, String) {
    let (head, body) = request.split_once("\r\n\r\n").expect("head and body");
    let (line, headers) = head.split_once("\r\n").expect("line and headers");
    let headers = headers.lines().filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
    (line.to_owned(), headers, body.to_owned())
}

#[tokio::test]
async fn the_preview_is_what_is_sent() {
    for (configuration, body) in [
        (json!({}), None),
        (json!({"method": "PUT", "headers": {"X-Age": "{{ user.age }}"}, "body": {"age": "{{ user.age }}", "all": ["{{ user.tags }}"]}}), Some(r#"{"age":41,"all":[["x"]]}"#)),
        (json!({"body": "{{ user.tags }}"}), Some(r#"["x"]"#)),
        (json!({"body": "age={{ user.age }}", "headers": {"content-type": "text/x-age"}}), Some("age=41")),
        (json!({"method": "GET"}), Some("")),
    ] {
        let (url, arrived) = sink("HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"order\": \"o1\"}").await;
        let mut configuration = configuration;
        configuration["url"] = json!(url);
        let call = call_of(configuration);
        let preview = webhook().preview(&call).expect("preview");
        let output = webhook().handle(&call).await.expect("delivered");
        assert_eq!(output.result, json!({"status": 200, "body": {"order": "o1"}}));
        let (line, mut headers, sent) = parts(&arrived.await.expect("request"));
        assert_eq!(line, format!("{} /hook?a=b HTTP/1.1", preview.request["method"].as_str().expect("method")));
        assert_eq!(preview.request["url"], json!(url));
        for own in ["host", "content-length", "webhook-timestamp"] {
            headers.remove(own);
        }
        let mut shown: BTreeMap<String, String> = serde_json::from_value(preview.request["headers"].clone()).expect("headers");
        assert!(shown.remove("webhook-timestamp").is_some_and(|t| t.parse::<i64>().is_ok()));
        assert_eq!(headers, shown);
        assert_eq!(headers["webhook-id"], "x-1");
        let expected = body.map_or_else(|| serde_json::to_string(&*call.event).expect("json"), str::to_owned);
        assert_eq!(sent, expected);
        match &preview.request["body"] {
            Value::Null => assert!(sent.is_empty()),
            Value::String(text) => assert_eq!(*text, sent),
            value => assert_eq!(*value, serde_json::from_str::<Value>(&sent).expect("json")),
        }
        assert_eq!(output.request.expect("kept")["body"], preview.request["body"]);
    }
}

#[tokio::test]
async fn requests_are_signed_and_credentials_stay_hidden() {
    let (url, arrived) = sink("HTTP/1.1 200 OK\r\nset-cookie: s=1\r\ncontent-length: 36\r\n\r\nyou sent Bearer the-token, my-secret").await;
    let configuration = json!({
        "url": url, "signing_secret": [KEY, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
        "auth": {"type": "bearer", "token": "{{ secret.TOKEN }}"}, "headers": {"X-Api-Key": "my-secret"}, "body": "é",
    });
    let mut call = call_of(configuration);
    call.step = Some(StepRef { number: 2, name: "send".into() });
    let output = webhook().handle(&call).await.expect("delivered");
    let (_, headers, body) = parts(&arrived.await.expect("request"));
    assert_eq!(headers["authorization"], "Bearer the-token");
    assert_eq!(headers["x-api-key"], "my-secret");
    assert_eq!(headers["webhook-id"], "x-1-2");
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    let timestamp = headers["webhook-timestamp"].parse().expect("number");
    let expected: Vec<_> = [KEY, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]
        .map(|key| standardwebhooks::Webhook::new(key).expect("key").sign("x-1-2", timestamp, body.as_bytes()).expect("signature"))
        .into();
    assert_eq!(headers["webhook-signature"], expected.join(" "));
    let kept = output.request.expect("kept");
    assert_eq!((&kept["headers"]["authorization"], &kept["headers"]["x-api-key"]), (&json!("Bearer [secret TOKEN]"), &json!("[redacted]")));
    let everything = format!("{kept}{:?}{}", output.response, output.result);
    assert!(!everything.contains("the-token") && !everything.contains("my-secret") && !everything.contains("s=1"), "{everything}");
    let preview = webhook().preview(&call).expect("preview");
    let curl = preview.curl.expect("curl");
    assert!(curl.contains("-H \"authorization: Bearer $TOKEN\"") && curl.contains("--data-raw 'é'"), "{curl}");
    assert!(!curl.contains("my-secret") && !preview.request.to_string().contains("the-token"));
}

async fn refused(answer: &'static str) -> HandlerError {
    let (url, _arrived) = sink(answer).await;
    webhook().handle(&call_of(json!({"url": url}))).await.expect_err("refused")
}

#[tokio::test]
async fn statuses_decide() {
    let busy = refused("HTTP/1.1 429 Too Many Requests\r\nretry-after: 77\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!((busy.class, busy.retryable, busy.retry_after), (ErrorClass::HttpStatus, true, Some(Duration::from_secs(77))));
    assert!(busy.request.is_some() && busy.response.expect("kept")["status"] == json!(429));
    let gone = refused("HTTP/1.1 410 Gone\r\nretry-after: 77\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!((gone.retryable, gone.retry_after, gone.disable_action), (false, None, true));
    for (status, retryable) in [(300, false), (304, false), (400, false), (404, false), (408, true), (410, false), (425, true), (429, true), (499, false), (500, true), (503, true)]
    {
        assert_eq!(is_retryable(status), retryable, "{status}");
    }
    for (status, list, success) in [(204, None, true), (304, None, false), (304, Some([200, 304]), true), (204, Some([200, 304]), false)] {
        assert_eq!(is_success(status, list.as_ref().map(|l| &l[..])), success, "{status}");
    }
    let now = Timestamp::parse("1994-11-06T08:49:00Z").expect("time");
    for (value, seconds) in [
        ("7", Some(7)),
        ("99999", Some(3600)),
        ("99999999999999999999999", Some(3600)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(1)),
        ("0", Some(1)),
        ("Mon, 07 Nov 1994 08:49:37 GMT", Some(3600)),
        ("soon", None),
        ("-5", None),
        ("", None),
    ] {
        assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_permanent() {
    for (configuration, class, part) in [
        (json!({"url": "http://10.0.0.1/"}), ErrorClass::ForbiddenTarget, "private"),
        (json!({"url": "http://{{ user.email }}/"}), ErrorClass::Configuration, "user name"),
        (json!({"url": "https://example.com/{{ user.phone }}"}), ErrorClass::Render, "user.phone"),
        (json!({"url": "https://example.com/", "headers": {"x-line": "{{ user.line }}"}}), ErrorClass::Configuration, "line break"),
        (json!({"url": "https://example.com/", "headers": {"webhook-id": "1"}}), ErrorClass::Configuration, "webhook-id"),
        (json!({"url": "https://example.com/", "headers": {"authorization": "x"}, "auth": {"type": "bearer", "token": "y"}}), ErrorClass::Configuration, "twice"),
        (json!({"url": "https://example.com/", "signing_secret": "{{ user.email }}"}), ErrorClass::Configuration, "signing secret"),
        (json!({"url": "https://example.com/", "headers": {"x": "{{ secret.NOPE }}"}}), ErrorClass::Render, "\"NOPE\""),
        (json!({"url": "https://example.com/", "method": "TRACE"}), ErrorClass::Configuration, "method"),
    ] {
        let call = call_of(configuration.clone());
        let error = webhook().handle(&call).await.expect_err("refused");
        assert_eq!((error.class, error.retryable), (class, false), "{configuration}");
        assert!(error.message.contains(part), "{configuration}: {}", error.message);
        assert_eq!(webhook().preview(&call).expect_err("refused").message, error.message);
    }
    let stopped = call_of(json!({"url": sink("").await.0}));
    stopped.cancel.cancel();
    assert_eq!(webhook().handle(&stopped).await.expect_err("stopped").class, ErrorClass::Cancelled);
}

#[test]
fn configurations_are_checked_when_saved() {
    for (configuration, places) in [
        (
            json!({"url": "https://api.example.com/webhook", "method": "POST", "headers": {"Authorization": "Bearer token", "Content-Type": "application/json"}, "timeout": 30, "verify_ssl": true}),
            vec![],
        ),
        (json!({"url": "http://169.254.169.254/"}), vec!["/url"]),
        (json!({"url": "http://10.0.0.1/{{ a }}"}), vec!["/url"]),
        (json!({"url": "ftp://x/{{ a }}"}), vec!["/url"]),
        (json!({"url": "{{ data.callback }}"}), vec![]),
        (json!({"url": "https://{{ data.region }}.example.com/"}), vec![]),
        (
            json!({"url": "https://x.example", "headers": {"Host": "y", "X-A": "a\nb", "x-a": "1", "Webhook-Signature": "1", "bad name": "1"}}),
            vec!["/headers/Host", "/headers/Webhook-Signature", "/headers/X-A", "/headers/bad name", "/headers/x-a"],
        ),
        (json!({"url": "https://x.example", "auth": {"type": "digest"}}), vec!["/auth/type"]),
        (json!({"url": "https://x.example", "auth": {"type": "basic", "username": "a:b", "password": "c"}}), vec!["/auth/username"]),
        (json!({"url": "https://x.example", "auth": {"type": "basic", "username": "a"}}), vec!["/auth/password"]),
        (json!({"url": "https://x.example", "auth": {"type": "api_key", "header": "te", "value": "c"}}), vec!["/auth/header"]),
        (json!({"url": "https://x.example", "auth": {"type": "bearer", "token": "c", "user": "d"}}), vec!["/auth/user"]),
        (json!({"url": "https://x.example", "signing_secret": "abc"}), vec!["/signing_secret"]),
        (json!({"url": "https://x.example", "signing_secret": [KEY, "{{ secret.OLD }}"]}), vec![]),
        (json!({"url": "https://x.example", "success_statuses": [200, 99]}), vec!["/success_statuses/1"]),
    ] {
        let faults = webhook().validate(&configuration);
        let mut found: Vec<_> = faults.iter().map(|f| f.pointer.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, places, "{configuration}");
    }
    assert_eq!(needs_admin(&json!({"url": "x"})), None);
    assert_eq!(needs_admin(&json!({"verify_ssl": true})), None);
    assert!(needs_admin(&json!({"verify_ssl": false})).is_some() && needs_admin(&json!({"verify_ssl": "{{ no }}"})).is_some());
}
