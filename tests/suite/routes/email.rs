//! Mails: the original document's examples land in the outbox as rendered, and what cannot be sent says why.

use serde_json::{Value, json};

use crate::util::{Answer, TestApp, event};

/// Example 2, "Welcome Email".
fn example_2() -> Value {
    json!({
        "name": "Welcome Email",
        "description": "Send welcome email to verified users",
        "handler_type": "email",
        "configuration": {
            "to": "{{user.email}}",
            "template": "welcome_email",
            "from": "noreply@example.com",
            "subject": "Welcome to our platform!"
        },
        "event_types": ["user.created"],
        "conditions": [
            {"field": "data.user.email_verified", "operator": "equals", "value": true},
            {"field": "data.user.email", "operator": "contains", "value": "@"}
        ],
        "execution_mode": "async",
        "priority": "high"
    })
}

/// The only mail that an execution has put into the outbox.
async fn mail_of(app: &TestApp, execution: &str) -> Answer {
    let list = app.get(&format!("/mailbox?execution_id={execution}")).await.expect(200);
    assert_eq!(list.items().len(), 1, "{:#}", list.body);
    app.get(&format!("/mailbox/{}", list.text("/items/0/id"))).await.expect(200)
}

/// Runs a mail of this configuration for an event and returns its execution as it ended.
async fn send(app: &TestApp, configuration: Value, data: Value) -> Answer {
    let action = json!({"name": "Mail", "handler_type": "email", "configuration": configuration, "event_types": ["mail.test"], "execution_mode": "sync", "max_retries": 0});
    let action = app.action(action).await;
    let sent = app.post("/events", &event("mail.test", data)).await.expect(200);
    app.delete(&format!("/event-actions/{action}")).await.expect(204);
    app.get(&format!("/executions/{}", sent.text("/executions/0/id"))).await.expect(200)
}

#[tokio::test]
async fn example_2_puts_the_welcome_mail_into_the_outbox() {
    let app = TestApp::start().await;
    let template = json!({"name": "welcome_email", "subject": "Hello", "html": "<p>Welcome, {{ user.name }}!</p>", "text": "Welcome, {{ user.name }}!"});
    app.post("/templates", &template).await.expect(201);
    let made = app.post("/event-actions", &example_2()).await.expect(201);
    for (member, value) in example_2().as_object().unwrap() {
        assert_eq!(made.body[member], *value, "{member}");
    }
    let user = |verified: bool| json!({"user": {"id": "user_123", "name": "Ada <3", "email": "john@example.com", "email_verified": verified}});
    assert_eq!(app.post("/events", &event("user.created", user(false))).await.expect(200).at("/matched"), 0);
    let receipt = app.post("/events", &event("user.created", user(true))).await.expect(202);
    let id = receipt.text("/executions/0/id");
    let done = app.execution(id, &["succeeded", "failed"]).await;
    assert_eq!((done.text("/status"), done.text("/priority")), ("succeeded", "high"), "{:#}", done.body);
    assert_eq!((done.text("/result/sent_to"), done.at("/result/recipients")), ("outbox", &json!(1)));

    let mail = mail_of(&app, id).await;
    assert_eq!((mail.text("/id"), mail.text("/from"), mail.at("/recipients")), (id, "noreply@example.com", &json!(["john@example.com"])));
    assert_eq!(mail.text("/subject"), "Welcome to our platform!", "the action's subject replaces the template's");
    assert_eq!(mail.text("/text").trim_end(), "Welcome, Ada <3!");
    assert_eq!(mail.text("/html").trim_end(), "<p>Welcome, Ada &lt;3!</p>", "HTML escapes what it prints");
    let raw = app.get(&format!("/mailbox/{id}/raw")).await.expect(200);
    assert_eq!(raw.header("content-type"), "message/rfc822");
    assert!(raw.header("content-disposition").contains(".eml"), "{}", raw.header("content-disposition"));
    let text = raw.body.as_str().unwrap();
    assert!(text.contains("To: john@example.com") && text.contains(&format!("<{id}@example.com>")), "{text}");
    app.finish().await;
}

#[tokio::test]
async fn the_configuration_of_the_guide_reaches_every_recipient() {
    let app = TestApp::start().await;
    app.post("/templates", &json!({"name": "email_template_name", "subject": "From the template", "text": "Order {{ order.id }}: {{ params.note }}"})).await.expect(201);
    let guide = json!({
        "to": "recipient@example.com",
        "from": "noreply@example.com",
        "subject": "Email Subject",
        "template": "email_template_name",
        "cc": ["cc@example.com"],
        "bcc": ["bcc@example.com"]
    });
    let failed = send(&app, guide.clone(), json!({"order": {"id": 7}})).await;
    assert_eq!((failed.text("/status"), failed.text("/error/class")), ("failed", "render"));
    assert!(failed.text("/error/message").contains("email_template_name") && failed.text("/error/message").contains("note"), "{:#}", failed.body);

    let mut configuration = guide;
    configuration["params"] = json!({"note": "for {{ order.id }}"});
    let done = send(&app, configuration, json!({"order": {"id": 7}})).await;
    let mail = mail_of(&app, &done.id()).await;
    assert_eq!(mail.at("/recipients"), &json!(["recipient@example.com", "cc@example.com", "bcc@example.com"]));
    assert_eq!((mail.text("/subject"), mail.text("/text").trim_end()), ("Email Subject", "Order 7: for 7"));
    let raw = app.get(&format!("/mailbox/{}/raw", mail.id())).await.expect(200);
    let text = raw.body.as_str().unwrap();
    assert!(text.contains("cc@example.com") && !text.contains("bcc@example.com"), "hidden recipients stay hidden: {text}");
    app.finish().await;
}

#[tokio::test]
async fn recipients_are_rendered_from_texts_and_lists() {
    let app = TestApp::start().await;
    let data = json!({"user": {"email": "ada@example.com"}, "team": ["bo@example.com", "Cy <cy@example.com>"], "none": []});
    for (to, recipients) in [
        (json!("{{ user.email }}"), json!(["ada@example.com"])),
        (json!("Ada <{{ user.email }}>, dee@example.com"), json!(["ada@example.com", "dee@example.com"])),
        (json!("{{ team }}"), json!(["bo@example.com", "cy@example.com"])),
        (json!(["{{ user.email }}", "{{ team }}", "ADA@example.com"]), json!(["ada@example.com", "bo@example.com", "cy@example.com"])),
    ] {
        let configuration = json!({"to": to, "from": "Shop <shop@example.com>", "reply_to": "help@example.com", "subject": "Hi {{ user.email }}", "text": "x"});
        let done = send(&app, configuration, data.clone()).await;
        assert_eq!(done.text("/status"), "succeeded", "{:#}", done.body);
        let mail = mail_of(&app, &done.id()).await;
        assert_eq!((mail.at("/recipients"), mail.text("/subject")), (&recipients, "Hi ada@example.com"), "{to}");
    }
    assert_eq!(app.get("/mailbox?search=BO@example").await.expect(200).items().len(), 2);
    assert_eq!(app.get("/mailbox?limit=3").await.expect(200).items().len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn what_would_break_a_mail_is_refused_and_explained() {
    let app = TestApp::start().await;
    let fifty_one: Vec<String> = (0..51).map(|n| format!("u{n}@example.com")).collect();
    let data = json!({"evil": "a@example.com\r\nBcc: victim@example.com", "nul": "a\u{0}b", "none": "", "no_address": "ada", "many": fifty_one});
    let base = json!({"to": "ada@example.com", "from": "shop@example.com", "subject": "Hi", "text": "x"});
    for (member, value, class, said) in [
        ("to", json!("{{ evil }}"), "configuration", "line break"),
        ("subject", json!("Hi {{ evil }}"), "configuration", "line break"),
        ("reply_to", json!("{{ evil }}"), "configuration", "line break"),
        ("subject", json!("{{ nul }}"), "configuration", "control character"),
        ("to", json!("{{ none }}"), "configuration", "recipient"),
        ("to", json!("{{ no_address }}"), "configuration", "ada"),
        ("to", json!("{{ many }}"), "limit", "51"),
        ("to", json!("{{ nobody.email }}"), "render", "nobody"),
    ] {
        let mut configuration = base.clone();
        configuration[member] = value.clone();
        let failed = send(&app, configuration, data.clone()).await;
        assert_eq!((failed.text("/status"), failed.text("/error/class")), ("failed", class), "{member} {value}: {:#}", failed.body);
        assert!(failed.text("/error/message").contains(said), "{member} {value}: {:#}", failed.body);
    }
    assert!(app.get("/mailbox").await.expect(200).items().is_empty());
    for (member, value, pointer) in [
        ("to", json!("nonsense"), "/configuration/to"),
        ("to", json!(fifty_one), "/configuration/to"),
        ("to", json!([]), "/configuration/to"),
        ("from", json!("a@example.com, b@example.com"), "/configuration/from"),
        ("subject", json!("a\nb"), "/configuration/subject"),
        ("template", json!("both"), "/configuration/template"),
        ("text", json!(""), "/configuration/template"),
        ("nope", json!(1), "/configuration/nope"),
    ] {
        let mut configuration = base.clone();
        configuration[member] = value.clone();
        let action = json!({"name": "Bad", "handler_type": "email", "configuration": configuration, "event_types": ["mail.test"]});
        assert_eq!(app.post("/event-actions", &action).await.problem(422).1, pointer, "{member} {value}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_tenant_sends_only_from_the_senders_it_allows() {
    let app = TestApp::start().await;
    app.post("/tenants", &json!({"id": "strict", "name": "Strict", "settings": {"allowed_senders": ["@shop.example", "ops@example.com"]}})).await.expect(201);
    for (from, status) in [("ada@shop.example", "succeeded"), ("OPS@example.com", "succeeded"), ("eve@example.com", "failed"), ("eve@notshop.example", "failed")] {
        let action = json!({
            "name": "Mail", "handler_type": "email", "event_types": ["mail.test"], "execution_mode": "sync", "tenant_id": "strict",
            "configuration": {"to": "ada@example.com", "from": from, "subject": "Hi", "text": "x"}
        });
        let id = app.action(action).await;
        let sent = app.post("/events", &json!({"event_type": "mail.test", "metadata": {"tenant_id": "strict"}})).await.expect(200);
        assert_eq!(sent.text("/executions/0/status"), status, "{from}: {:#}", sent.body);
        if status == "failed" {
            assert!(sent.text("/executions/0/error/message").contains("@shop.example"), "it names what is allowed: {:#}", sent.body);
        }
        app.delete(&format!("/event-actions/{id}")).await.expect(204);
    }
    assert_eq!(app.get("/mailbox?tenant_id=strict").await.expect(200).items().len(), 2);
    assert!(app.get("/mailbox?tenant_id=default").await.expect(200).items().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn the_preview_of_a_mail_is_the_mail() {
    let app = TestApp::start().await;
    app.post("/templates", &json!({"name": "order", "subject": "Order {{ order.id }}", "html": "<b>{{ order.note }}</b>", "text": "{{ order.note }}"})).await.expect(201);
    let data = json!({"order": {"id": 7, "note": "a & b"}, "to": ["ada@example.com", "bo@example.com"]});
    for configuration in [
        json!({"to": "{{ to }}", "from": "Shop <shop@example.com>", "template": "order", "cc": "cy@example.com", "bcc": ["dee@example.com"]}),
        json!({"to": "ada@example.com", "from": "shop@example.com", "subject": "{{ event.type }} {{ order.id }}", "html": "<i>{{ order.note }}</i>", "reply_to": "help@example.com"}),
    ] {
        let draft = json!({"name": "Mail", "handler_type": "email", "configuration": configuration.clone(), "event_types": ["mail.test"]});
        let report = app.post("/event-actions/test", &json!({"action": draft, "event_type": "mail.test", "event_data": data.clone()})).await.expect(200);
        assert!(report.at("/stopped_at").is_null(), "{:#}", report.body);
        let done = send(&app, configuration, data.clone()).await;
        let without_id = |request: &Value| {
            let mut request = request.clone();
            let id = request.as_object_mut().unwrap().remove("message_id");
            assert!(id.is_some_and(|id| id.as_str().unwrap().ends_with("@example.com")));
            request
        };
        let preview = without_id(report.at("/preview/request"));
        assert_eq!(preview, without_id(done.at("/attempts/0/request")), "what the attempt says was sent");
        let mail = mail_of(&app, &done.id()).await;
        assert_eq!((&preview["subject"], &preview["from"]), (mail.at("/subject"), mail.at("/from")));
        for part in ["html", "text"] {
            assert_eq!(preview[part].as_str(), mail.at(&format!("/{part}")).as_str().map(str::trim_end), "{part}");
        }
        for recipient in mail.at("/recipients").as_array().unwrap() {
            assert!(preview.to_string().contains(recipient.as_str().unwrap()), "{recipient}");
        }
    }
    app.finish().await;
}
