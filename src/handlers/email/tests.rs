//! Mails: what is rendered and refused, and how each answer of a mail server is classed.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::handlers::MailTemplate;
use crate::handlers::testing::{TestHost, call};

fn host() -> Arc<TestHost> {
    let stored = MailTemplate {
        name: "welcome_email".into(),
        subject: "Hello {{ user.name }}".into(),
        html: Some("<p>{{ user.name }} {{ params.code|default('-') }} {{ code|default('-') }}</p>".into()),
        text: Some("{{ user.name }}".into()),
    };
    Arc::new(TestHost { templates: vec![stored], senders: vec!["@example.com".into()], ..TestHost::default() })
}

fn data() -> Value {
    json!({"user": {"name": "A & B", "email": "a@x.org", "all": ["b@x.org", "c@x.org"]}, "bad": "x\r\nBcc: evil@x.org"})
}

fn example() -> Value {
    json!({"to": "{{user.email}}", "template": "welcome_email", "from": "noreply@example.com", "subject": "Welcome to our platform!"})
}

fn with(changes: Value) -> Value {
    let mut configuration = example();
    for (key, value) in changes.as_object().expect("object") {
        configuration[key] = value.clone();
    }
    configuration
}

#[tokio::test]
async fn the_example_of_the_original_document_lands_in_the_outbox_as_previewed() {
    let (host, email) = (host(), Email::new(None).expect("no server"));
    let configuration = with(json!({"cc": ["{{ user.all }}"], "bcc": "bcc@example.com, a@x.org", "params": {"code": "{{ user.email }}"}}));
    assert_eq!(email.validate(&configuration), []);
    let call = call(&host, configuration, data());
    let preview = email.preview(&call).expect("previews");
    let output = email.handle(&call).await.expect("sends");
    assert_eq!(output.request, Some(preview.request.clone()));
    assert_eq!(preview.request["html"], "<p>A &amp; B a@x.org a@x.org</p>");
    assert_eq!((preview.request["subject"].clone(), preview.request["text"].clone()), (json!("Welcome to our platform!"), json!("A & B")));
    let outbox = host.outbox.lock().expect("no panic");
    let (id, mail) = &outbox[0];
    assert_eq!((id.as_str(), mail.recipients.join(" ")), ("x-1", "a@x.org b@x.org c@x.org bcc@example.com".to_owned()));
    let raw = String::from_utf8(mail.raw.clone()).expect("text");
    assert!(raw.contains("Message-ID: <x-1@example.com>\r\n") && raw.contains("To: a@x.org\r\n") && raw.contains("Cc: b@x.org, c@x.org\r\n"), "{raw}");
    assert!(!raw.contains("bcc@example.com") && raw.contains("multipart/alternative"), "{raw}");
}

#[tokio::test]
async fn what_must_not_be_sent_is_refused_for_good() {
    let email = Email::new(None).expect("no server");
    let many: Vec<String> = (0..51).map(|i| format!("u{i}@x.org")).collect();
    for (changes, part) in [
        (json!({"to": "{{ bad }}"}), "line break"),
        (json!({"subject": "{{ bad }}"}), "line break"),
        (json!({"from": "{{ bad }} <noreply@example.com>"}), "line break"),
        (json!({"reply_to": "nobody"}), "reply_to: \"nobody\" is no e-mail address"),
        (json!({"from": "noreply@evil.org"}), "not allowed as a sender"),
        (json!({"to": many}), "51 recipients"),
        (json!({"to": ["{{ '' }}"]}), "at least one recipient"),
        (json!({"to": "{{ user.mail }}"}), "user.mail is not defined"),
        (json!({"template": "nope"}), "no mail template \"nope\""),
        (json!({"template": "", "html": "{{ nope }}"}), "html: nope is not defined"),
        (json!({"template": "", "text": "a\0"}), "NUL"),
        (json!({"subject": "{{ '  ' }}"}), "came out empty"),
    ] {
        let call = call(&host(), with(changes.clone()), data());
        let error = email.handle(&call).await.expect_err("refused");
        assert!(!error.retryable && error.message.contains(part), "{changes}: {}", error.message);
        assert_eq!(email.preview(&call).expect_err("refused").message, error.message, "{changes}");
    }
}

#[test]
fn faults_show_when_saving() {
    let email = Email::new(None).expect("no server");
    for (changes, pointers) in [
        (json!({}), vec![]),
        (json!({"from": "nobody"}), vec!["/from"]),
        (json!({"to": ["a@x.org", "nobody"]}), vec!["/to/1"]),
        (json!({"to": []}), vec!["/to"]),
        (json!({"subject": "a\nb"}), vec!["/subject"]),
        (json!({"html": "<p>"}), vec!["/template"]),
        (json!({"template": "", "subject": ""}), vec!["/template", "/subject"]),
        (json!({"params": [1]}), vec!["/params"]),
        (json!({"to": (0..40).map(|i| format!("u{i}@x.org")).collect::<Vec<_>>(), "bcc": (0..11).map(|i| format!("v{i}@x.org")).collect::<Vec<_>>()}), vec!["/to"]),
    ] {
        assert_eq!(email.validate(&with(changes.clone())).iter().map(|f| f.pointer.clone()).collect::<Vec<_>>(), pointers, "{changes}");
    }
}

#[test]
fn urls_of_mail_servers() {
    for (url, fine) in [
        ("smtp://127.0.0.1:2525", true),
        ("smtp://user:p%40ss@localhost", true),
        ("smtp://mail.example.com?tls=required", true),
        ("smtps://user:secret@mail.example.com", true),
        ("smtp://mail.example.com?tls=opportunistic", false),
        ("http://mail.example.com", false),
        ("smtp://", false),
        ("nonsense", false),
    ] {
        assert_eq!(Email::new(Some(&SecretString::from(url))).is_ok(), fine, "{url}");
    }
}

/// What a mail server says to a line.
type Answer = fn(&str) -> Option<&'static str>;

/// What a proper server does, and refuses, is shown with a real one in the integration tests. This one is for the rest: a
/// server that answers each line by `answer`, the end of a message as `.`; none closes the connection, an empty
/// answer stalls. Every line it hears is sent to the returned channel.
async fn server(answer: Answer) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let url = format!("smtp://{}", listener.local_addr().expect("bound"));
    let (heard, lines) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let heard = heard.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.split();
                let mut read = BufReader::new(read).lines();
                let mut line = "CONNECT".to_owned();
                let mut in_message = false;
                loop {
                    if !in_message || line == "." {
                        drop(heard.send(line.clone()));
                        match answer(&line) {
                            None => return,
                            Some("") => std::future::pending().await,
                            Some(reply) => drop(write.write_all(format!("{reply}\r\n").as_bytes()).await),
                        }
                        in_message = line == "DATA" && answer("DATA").is_some_and(|reply| reply.starts_with('3'));
                    }
                    match read.next_line().await {
                        Ok(Some(next)) => line = next,
                        _ => return,
                    }
                }
            });
        }
    });
    (url, lines)
}

fn usual(line: &str) -> Option<&'static str> {
    Some(match line.split(' ').next().unwrap_or_default() {
        "CONNECT" => "220 test ESMTP",
        "EHLO" => "250-test\r\n250-8BITMIME\r\n250 SMTPUTF8",
        "DATA" => "354 go on",
        "." => "250 2.0.0 queued as 1",
        "QUIT" => "221 bye",
        _ => "250 ok",
    })
}

#[tokio::test]
async fn what_no_proper_server_says_is_classed() {
    let cases: [(Answer, ErrorClass, bool, &str); 4] = [
        (|l| if l == "CONNECT" { Some("421 busy") } else { usual(l) }, ErrorClass::Smtp, true, "421 busy"),
        (|l| if l == "CONNECT" { None } else { usual(l) }, ErrorClass::Connection, true, "connecting"),
        (|l| if l == "CONNECT" { Some("") } else { usual(l) }, ErrorClass::Timeout, true, "at: connecting"),
        (|l| if l == "CONNECT" { Some("HTTP/1.1 400 Bad Request") } else { usual(l) }, ErrorClass::Protocol, true, "no SMTP"),
    ];
    for (answer, class, retryable, part) in cases {
        let (url, _lines) = server(answer).await;
        let email = Email::new(Some(&SecretString::from(url))).expect("fine");
        let call = Call { timeout: Duration::from_secs(2), ..call(&host(), example(), data()) };
        let error = email.handle(&call).await.expect_err("fails");
        assert_eq!((error.class, error.retryable), (class, retryable), "{part}: {}", error.message);
        assert!(error.message.contains(part), "{part}: {}", error.message);
        assert!(error.request.is_some());
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("binds").local_addr().expect("bound");
    let email = Email::new(Some(&SecretString::from(format!("smtp://{gone}")))).expect("fine");
    let error = email.handle(&call(&host(), example(), data())).await.expect_err("nobody listens");
    assert_eq!((error.class, error.retryable), (ErrorClass::Connection, true), "{}", error.message);
    assert!(matches!(email.health().await, HandlerHealth::Unavailable(_)));
}

#[tokio::test]
async fn a_connection_is_used_again_only_after_a_complete_exchange() {
    let (url, mut lines) = server(usual).await;
    let email = Email::new(Some(&SecretString::from(url))).expect("fine");
    for _ in 0..2 {
        let output = email.handle(&call(&host(), with(json!({"cc": "ü@x.org"})), data())).await.expect("sends");
        assert_eq!(output.response, Some(json!({"reply": "250 2.0.0 queued as 1"})));
    }
    assert_eq!(email.health().await, HandlerHealth::Healthy);
    let mut heard = Vec::new();
    while let Ok(line) = lines.try_recv() {
        heard.push(line);
    }
    assert_eq!(heard.iter().filter(|l| *l == "CONNECT").count(), 2, "one for the mails, one for the health: {heard:?}");
    assert!(heard.iter().any(|l| l.starts_with("MAIL FROM:<noreply@example.com>") && l.contains("SMTPUTF8")), "{heard:?}");
    // A server that stalls once: the abandoned connection must not serve the next mail.
    let (url, mut lines) = server(|l| if l.contains("stall") { Some("") } else { usual(l) }).await;
    let email = Email::new(Some(&SecretString::from(url))).expect("fine");
    let short = |to: &str| Call { timeout: Duration::from_millis(300), ..call(&host(), with(json!({"to": to})), data()) };
    assert!(email.handle(&short("stall@x.org")).await.is_err());
    assert!(email.handle(&short("b@x.org")).await.is_ok());
    let mut connects = 0;
    while let Ok(line) = lines.try_recv() {
        connects += usize::from(line == "CONNECT");
    }
    assert_eq!(connects, 2);
}
