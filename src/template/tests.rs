//! Rendering rules as tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Context, check_text, check_value, has_markup, render_html, render_text, render_value};
use crate::model::Timestamp;
use crate::model::event::Event;

fn context() -> Context {
    let event = Event {
        id: "e1".into(),
        tenant_id: "north".into(),
        event_type: "user.created".into(),
        aggregate_id: Some("u1".into()),
        aggregate_type: None,
        data: json!({
            "user": {"email": "a@example.com", "age": 41, "ratio": 0.5, "active": true, "none": null, "tags": ["x", "y"], "html": "<b>&'"},
            "action": "taken", "metadata": "taken", "template": "{{ user.email }}",
        }),
        metadata: json!({"region": "eu"}),
        occurred_at: Timestamp(0),
        received_at: Timestamp(1),
        correlation_id: None,
        causation_id: None,
        depth: 0,
    };
    Context::new(Arc::new(event))
        .action("a1", "Welcome")
        .execution("x1", 2)
        .steps(&BTreeMap::from([("first".to_owned(), json!({"ok": true}))]))
        .secrets(Arc::new(|name| (name == "TOKEN").then(|| "s3cret".to_owned())))
}

#[test]
fn texts() {
    for (template, expected) in [
        ("plain } text", "plain } text"),
        ("{{ user.email }}", "a@example.com"),
        ("{{ data.user.age }}/{{ user.ratio }}", "41/0.5"),
        ("{{ user.active }} {{ user.none }} {{ user.tags }}", "true null [\"x\",\"y\"]"),
        ("{{ event.id }} {{ event.type }} {{ event_type }} {{ tenant_id }}", "e1 user.created user.created north"),
        ("{{ event.occurred_at }}", "1970-01-01T00:00:00.000Z"),
        ("{{ action.name }} {{ metadata.region }}", "Welcome eu"),
        ("{{ execution.id }}-{{ execution.attempt }} {{ steps.first.ok }}", "x1-2 true"),
        ("Bearer {{ secret.TOKEN }}", "Bearer s3cret"),
        ("{{ secret }}", "(secrets)"),
        ("{{ nope|default('none') }}", "none"),
        ("{% for t in user.tags %}{{ t }},{% endfor %}", "x,y,"),
        ("{% if user.active %}yes{% endif %}", "yes"),
        ("{{ template }}", "{{ user.email }}"),
        ("{{ 'a b/ü&'|urlencode }} {{ 'ab'|b64encode }}", "a%20b%2F%C3%BC%26 YWI="),
        ("{% raw %}{{ x }}{% endraw %}{# gone #}", "{{ x }}"),
        ("{{ user.html }}", "<b>&'"),
        ("{{ user.age }}\n", "41\n"),
    ] {
        assert_eq!(render_text(template, &context()).as_deref(), Ok(expected), "{template}");
    }
    assert_eq!(render_html("{{ user.html }}{{ '<i>'|safe }}", &context()).as_deref(), Ok("&lt;b&gt;&amp;&#x27;<i>"));
}

#[test]
fn errors_name_what_is_missing() {
    for (template, part) in [
        ("{{ user.phone }}", "user.phone is not defined"),
        ("{{ customer.name }}", "customer is not defined"),
        ("{% if customer %}{% endif %}", "customer is not defined"),
        ("{{ nope|upper }}", "nope is not defined"),
        ("a\n\n{{ nope }}", "(line 3)"),
        ("{{ secret.NOPE }}", "no secret \"NOPE\""),
        ("Bearer {{ secret['NOPE'] }}", "no secret \"NOPE\""),
        ("{{ user", "syntax error"),
        ("{{ user|nope }}", "nope"),
        ("{% include 'x' %}", "cannot use \"include\""),
        ("{% macro m() %}{% endmacro %}", "cannot use \"macro\""),
        ("{%- for a in [[1]] recursive %}{{ loop(a) }}{% endfor %}", "cannot use \"recursive\""),
        ("{{ namespace() }}", "namespace"),
        ("{% for i in range(9000) %}{% for j in range(9000) %}{% endfor %}{% endfor %}", "more work than is allowed"),
        ("{% for i in range(2000) %}{{ 'x' * 1000 }}{% endfor %}", "larger than 1024 KiB"),
    ] {
        let error = render_text(template, &context()).expect_err(template);
        assert!(error.message.contains(part), "{template}: {error}");
        assert!(!error.transient);
    }
}

#[test]
fn values_keep_their_type() {
    let given = json!({
        "age": "{{ user.age }}", "ratio": "{{- user.ratio -}}", "active": "{{ user.active }}", "none": "{{ user.none }}", "tags": "{{ user.tags }}",
        "user": ["{{ user }}", {"{{ key }}": "{{ user.age }} years"}], "two": "{{ user.age }}{{ user.age }}", "sum": "{{ user.age + 1 }}",
        "brace": "{{ {'a': {'b': 1}} }}", "again": "{{ template }}", "maybe": "{{ 1 if false }}", "number": 7, "module": "{{ nope }}",
    });
    let rendered = render_value(&given, &context(), &["module"]).expect("renders");
    let user = context_user();
    assert_eq!(
        rendered,
        json!({
            "age": 41, "ratio": 0.5, "active": true, "none": null, "tags": ["x", "y"], "user": [user, {"{{ key }}": "41 years"}], "two": "4141", "sum": 42,
            "brace": {"a": {"b": 1}}, "again": "{{ user.email }}", "maybe": "", "number": 7, "module": "{{ nope }}",
        })
    );
    let error = render_value(&json!({"a/b": ["x", "{{ user.phone }}"]}), &context(), &[]).expect_err("undefined");
    assert_eq!(error.pointer, "/a~1b/1");
    assert!(error.message.contains("user.phone"), "{error}");
    assert_eq!(error.under("/body").pointer, "/body/a~1b/1");
}

fn context_user() -> Value {
    render_value(&json!("{{ data.user }}"), &context(), &[]).expect("renders")
}

#[test]
fn output_is_bounded_over_all_strings() {
    let part = json!("{{ 'x' * 400000 }}");
    assert!(render_value(&json!([part, part]), &context(), &[]).is_ok());
    let error = render_value(&json!([part, part, part]), &context(), &[]).expect_err("too much");
    assert_eq!(error.pointer, "/2");
}

#[test]
fn syntax_is_checked_with_pointers() {
    let faults = check_value(&json!({"url": "https://x/{{ a }}", "headers": {"x": "{{ a"}, "body": ["{% if %}"], "module": "{{"}), &["module"]);
    let mut places: Vec<_> = faults.iter().map(|f| f.pointer.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["/body/0", "/headers/x"]);
    assert_eq!(check_text("{{ user.email }}"), Ok(()));
    assert!(check_text("{{ user.email").is_err());
    assert!(has_markup("a{#") && has_markup("{{") && !has_markup("{ % }"));
}

#[test]
fn large_templates_neither_overflow_nor_take_long() {
    let long = format!("{{{{ x{} }}}}", "+1".repeat(2000));
    assert!(check_text(&long).is_err_and(|why| why.contains("split it")));
    let hidden = format!("{{# {{{{ \" #}}{{{{ \"}}}}\"{} }}}}", "+1".repeat(2000));
    assert!(check_text(&hidden).is_err_and(|why| why.contains("split it")));
    let raw = format!("{{% raw %}}{{#{{% endraw %}}{{{{ x{} }}}}", "+1".repeat(2000));
    assert!(check_text(&raw).is_err_and(|why| why.contains("split it")));
    let tag = format!("{{% set x = {}x{} %}}", "[".repeat(40), "]".repeat(40));
    let nested = format!("{{% set x = 1 %}}{}{{{{ x }}}}", tag.repeat(90));
    assert!(render_text(&nested, &context()).expect_err("too deep").message.contains("nested"));
    assert!(check_text(&tag.repeat(200)).is_err_and(|why| why.contains("together")));
    let html = format!("<p style=\"a:b(1,2,3)\">{{{{ user.email }}}}</p>{}", "<i>[a](b){c}|d, e</i>".repeat(5000));
    assert_eq!(render_html(&html, &context()).map(|out| out.len()).ok(), Some(html.len() - "{{ user.email }}".len() + "a@example.com".len()));
}
