//! Mails through a real SMTP server: TLS both ways, sign-in, and everything that a server or its certificate can refuse.

use secrecy::SecretString;
use serde_json::{Value, json};

use crate::util::certs::{Flaw, Root};
use crate::util::peers::Mailer;
use crate::util::{Answer, TestApp, event};

const LOGIN: (&str, &str) = ("shop", "pa ss/w:rd");
/// The password as a URL writes it.
const IN_URL: &str = "shop:pa%20ss%2Fw%3Ard";

async fn app_with(root: &Root, url: String) -> TestApp {
    TestApp::trusting(&root.pem(), |c| c.smtp_url = Some(SecretString::from(url))).await
}

/// Sends a mail to one address and returns its execution as it stands after the first attempt.
async fn mail(app: &TestApp, to: &str, more: Value) -> Answer {
    let configuration =
        json!({"to": to, "from": "Shop <shop@example.com>", "subject": "Order {{ n }} – ü", "html": "<b>{{ n }}</b>", "text": "{{ n }}", "bcc": "archive@example.com"});
    let mut action = json!({"name": "Mail", "handler_type": "email", "configuration": configuration, "event_types": ["mail.test"], "execution_mode": "sync", "max_retries": 0, "timeout_seconds": 10});
    action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let action = app.action(action).await;
    let sent = app.post("/events", &event("mail.test", json!({"n": 7}))).await;
    app.delete(&format!("/event-actions/{action}")).await.expect(204);
    app.get(&format!("/executions/{}", sent.text("/executions/0/id"))).await.expect(200)
}

#[tokio::test]
async fn a_mail_arrives_encrypted_and_signed_in_both_ways() {
    let root = Root::new();
    for (security, url) in [("starttls", "smtp://LOGIN@127.0.0.1:PORT?tls=required"), ("tls", "smtps://LOGIN@127.0.0.1:PORT")] {
        let server = Mailer::start(security, Some(&root.leaf(Flaw::None)), Some(LOGIN)).await;
        let app = app_with(&root, url.replace("LOGIN", IN_URL).replace("PORT", &server.port.to_string())).await;
        let draft = json!({"name": "Mail", "handler_type": "email", "event_types": ["mail.test"], "configuration": {"to": "ada@example.com", "from": "Shop <shop@example.com>", "subject": "Order {{ n }} – ü", "html": "<b>{{ n }}</b>", "text": "{{ n }}", "bcc": "archive@example.com"}});
        let report = app.post("/event-actions/test", &json!({"action": draft, "event_type": "mail.test", "event_data": {"n": 7}})).await.expect(200);
        assert!(server.heard("connect").iter().all(|_| server.heard("from").is_empty()), "a dry run sends nothing");
        let done = mail(&app, "ada@example.com", json!({})).await;
        assert_eq!((done.text("/status"), done.text("/result/sent_to")), ("succeeded", "smtp"), "{security}: {:#}", done.body);
        assert!(done.text("/attempts/0/response/reply").starts_with("250 "), "{:#}", done.body);
        let heard = server.wait_for("mail", 1).await;
        let (raw, preview) = (heard[0]["raw"].as_str().unwrap(), report.at("/preview/request"));
        assert_eq!((&heard[0]["secure"], &heard[0]["user"]), (&json!(true), &json!("shop")), "{security}");
        assert_eq!(heard[0]["recipients"], json!(["ada@example.com", "archive@example.com"]));
        assert!(server.heard("auth").iter().chain(&server.heard("from")).all(|line| line["secure"] == true), "{security}: no word of it before TLS");
        assert!(raw.contains(&format!("Message-ID: <{}@example.com>", done.id())) && !raw.contains("archive@example.com"), "{raw}");
        assert!(raw.contains("From: Shop <shop@example.com>") || raw.contains("From: \"Shop\" <shop@example.com>"), "{raw}");
        for (part, marker) in [("html", "text/html"), ("text", "text/plain")] {
            assert!(raw.contains(marker) && raw.contains(preview[part].as_str().unwrap()), "{part} as previewed: {raw}");
        }
        app.finish().await;

        let wrong = url.replace("LOGIN", "shop:wrong").replace("PORT", &server.port.to_string());
        let app = app_with(&root, wrong).await;
        let done = mail(&app, "ada@example.com", json!({})).await;
        assert_eq!((done.text("/status"), done.text("/error/class")), ("failed", "smtp"), "{:#}", done.body);
        assert!(done.text("/error/message").contains("AUTH") && done.text("/error/message").contains("535"), "{:#}", done.body);
        assert_eq!(server.heard("mail").len(), 1);
        app.finish().await;
    }
}

#[tokio::test]
async fn every_refusal_is_classed() {
    let root = Root::new();
    let server = Mailer::start("plain", None, None).await;
    let app = app_with(&root, format!("smtp://127.0.0.1:{}", server.port)).await;
    for (to, status, class, said) in [
        ("later@example.com", "dead_letter", "smtp", "refused at RCPT TO later@example.com: 451"),
        ("nobody@example.com", "failed", "smtp", "refused at RCPT TO nobody@example.com: 550"),
        ("spam@example.com", "failed", "smtp", "refused at the message: 554"),
        ("drop@example.com", "dead_letter", "connection", "It may have taken the mail"),
        ("stall@example.com", "dead_letter", "timeout", "at: the message. It may have taken the mail"),
    ] {
        let done = mail(&app, to, json!({"timeout_seconds": 2})).await;
        assert_eq!((done.text("/status"), done.text("/error/class")), (status, class), "{to}: {:#}", done.body);
        assert!(done.text("/error/message").contains(said), "{to}: {:#}", done.body);
        assert_eq!(done.at("/attempts/0/error"), done.at("/error"), "{to}");
        assert!(done.at("/attempts/0/request").to_string().contains(to), "{to}: the attempt shows the mail");
    }
    let fine = mail(&app, "ada@example.com", json!({})).await;
    assert_eq!(fine.text("/status"), "succeeded", "a connection that went wrong serves no other mail: {:#}", fine.body);

    let again = mail(&app, "once@example.com", json!({"max_retries": 2, "retry_delay_seconds": 0})).await;
    let done = app.execution(&again.id(), &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!((done.text("/status"), done.at("/attempts").as_array().map(Vec::len)), ("succeeded", Some(2)), "{:#}", done.body);
    assert_eq!(done.at("/attempts/0/error/class"), "smtp");
    let id = |mail: &Value| mail["raw"].as_str().unwrap().lines().find(|l| l.starts_with("Message-ID:")).unwrap().to_owned();
    let both: Vec<_> = server.wait_for("mail", 6).await.iter().filter(|m| m["recipients"][0] == "once@example.com").map(id).collect();
    assert_eq!((both.len(), &both[0]), (2, &format!("Message-ID: <{}@example.com>", done.id())), "a retry carries the same Message-ID");
    assert_eq!(both[0], both[1]);
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_or_to_a_stranger() {
    let root = Root::new();
    for (security, flaw, url, status, said) in [
        ("plain", None, "smtp://LOGIN@127.0.0.1:PORT?tls=required", "dead_letter", "offers no STARTTLS"),
        ("starttls", Some(Flaw::Expired), "smtp://LOGIN@127.0.0.1:PORT?tls=required", "failed", "Nothing was sent"),
        ("starttls", Some(Flaw::WrongHost), "smtp://LOGIN@127.0.0.1:PORT?tls=required", "failed", "Nothing was sent"),
        ("starttls", Some(Flaw::SelfSigned), "smtp://LOGIN@127.0.0.1:PORT?tls=required", "failed", "Nothing was sent"),
        ("tls", Some(Flaw::Expired), "smtps://LOGIN@127.0.0.1:PORT", "failed", "Nothing was sent"),
        ("tls", Some(Flaw::UnknownIssuer), "smtps://LOGIN@127.0.0.1:PORT", "failed", "Nothing was sent"),
    ] {
        let leaf = flaw.map(|flaw| root.leaf(flaw));
        let server = Mailer::start(security, leaf.as_ref(), Some(LOGIN)).await;
        let app = app_with(&root, url.replace("LOGIN", IN_URL).replace("PORT", &server.port.to_string())).await;
        let done = mail(&app, "ada@example.com", json!({})).await;
        assert_eq!((done.text("/status"), done.text("/error/class")), (status, "tls"), "{security} {flaw:?}: {:#}", done.body);
        assert!(done.text("/error/message").contains(said), "{security} {flaw:?}: {:#}", done.body);
        for event in ["auth", "from", "to", "mail"] {
            assert_eq!(server.heard(event), Vec::<Value>::new(), "{security} {flaw:?}: neither name, password, addresses nor mail");
        }
        assert!(app.get("/mailbox").await.expect(200).items().is_empty(), "and it does not quietly end in the outbox");
        app.finish().await;
    }
}
