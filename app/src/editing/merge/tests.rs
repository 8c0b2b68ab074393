//! What is asked of two people who changed the same action, and what comes out.

use serde_json::{Value, json};

use super::*;

fn brief(comparison: &Comparison) -> Vec<(&str, bool, bool)> {
    comparison.differences.iter().map(|d| (d.label.as_str(), d.clash, d.take_theirs)).collect()
}

fn row(field: &str, operator: &str, value: i64) -> Value {
    json!({"field": field, "operator": operator, "value": value})
}

#[test]
fn what_only_they_changed_is_taken_and_a_clash_is_asked_for() {
    let base = json!({"name": "A", "priority": "normal", "configuration": {"url": "u", "method": "POST"}, "tags": []});
    let mine = json!({"name": "Mine", "priority": "normal", "configuration": {"url": "mine", "method": "POST"}, "tags": [], "timeout_seconds": ""});
    let theirs = json!({"name": "Theirs", "priority": "high", "configuration": {"url": "u", "method": "PUT"}, "tags": []});
    let found = compare(&base, &mine, &theirs);
    assert_eq!(brief(&found), [("configuration, method", false, true), ("configuration, url", false, false), ("name", true, false), ("priority", false, true)]);
    let out = found.merged();
    assert_eq!((&out["name"], &out["priority"], &out["configuration"]), (&json!("Mine"), &json!("high"), &json!({"url": "mine", "method": "PUT"})));
}

#[test]
fn conditions_are_decided_one_by_one() {
    let base = json!({"conditions": [row("a", "gt", 1), row("b", "equals", 1), row("c", "equals", 1)]});
    let mine = json!({"conditions": [row("a", "gt", 5), row("b", "equals", 1), row("c", "equals", 1), row("mine", "exists", 1)]});
    let theirs = json!({"conditions": [row("a", "gt", 9), row("b", "equals", 2), row("theirs", "exists", 1)]});
    let mut found = compare(&base, &mine, &theirs);
    assert_eq!(
        brief(&found),
        [("condition a", true, false), ("condition b", false, true), ("condition theirs", false, true), ("condition c", false, true), ("condition mine", false, false)]
    );
    assert_eq!(found.merged()["conditions"], json!([row("a", "gt", 5), row("b", "equals", 2), row("theirs", "exists", 1), row("mine", "exists", 1)]));
    for d in &mut found.differences {
        d.take_theirs = !d.take_theirs;
    }
    assert_eq!(found.merged()["conditions"], json!([row("a", "gt", 9), row("b", "equals", 1), row("c", "equals", 1)]));
}

#[test]
fn what_is_in_a_group_is_decided_one_by_one_and_another_kind_as_a_whole() {
    let base = json!({"conditions": [{"any": [row("a", "gt", 1), {"all": [row("x", "lt", 3)]}]}]});
    let mine = json!({"conditions": [{"any": [row("a", "gt", 2), {"all": [row("x", "lt", 3)]}]}]});
    let theirs = json!({"conditions": [{"any": [row("a", "gt", 1), {"all": [row("x", "lt", 4)]}]}]});
    let found = compare(&base, &mine, &theirs);
    assert_eq!(brief(&found), [("group any, condition a", false, false), ("group any, group all, condition x", false, true)]);
    assert_eq!(found.merged()["conditions"], json!([{"any": [row("a", "gt", 2), {"all": [row("x", "lt", 4)]}]}]));

    let other = json!({"conditions": [{"none": [row("a", "gt", 1)]}]});
    let mut found = compare(&base, &mine, &other);
    assert_eq!(brief(&found), [("group any", true, false)]);
    assert_eq!(found.merged()["conditions"], mine["conditions"]);
    found.differences[0].take_theirs = true;
    assert_eq!(found.merged()["conditions"], other["conditions"]);
}

#[test]
fn filters_headers_and_steps_are_decided_by_name() {
    let step = |name: &str, url: &str| json!({"name": name, "action": "webhook", "params": {"url": url}});
    let base = json!({"context_filters": [["region", "eu"], ["plan", ["gold"]]], "configuration": {"headers": [["a", "1"]], "steps": [step("x", "u"), step("y", "u")]}});
    let mine =
        json!({"context_filters": [["region", "us"], ["plan", ["gold"]]], "configuration": {"headers": [["a", "1"], ["b", "2"]], "steps": [step("x", "mine"), step("y", "u")]}});
    let theirs = json!({"context_filters": [["region", "eu"]], "configuration": {"headers": [["a", "9"]], "steps": [step("y", "theirs"), step("x", "u")]}});
    let found = compare(&base, &mine, &theirs);
    assert_eq!(
        brief(&found),
        [
            ("configuration, headers, a", false, true),
            ("configuration, headers, b", false, false),
            ("configuration, steps, x, params, url", false, false),
            ("configuration, steps, y, params, url", false, true),
            ("context filters, region", false, false),
            ("context filters, plan", false, true),
        ]
    );
    let out = found.merged();
    assert_eq!(out["context_filters"], json!([["region", "us"]]));
    assert_eq!(out["configuration"], json!({"headers": [["a", "9"], ["b", "2"]], "steps": [step("x", "mine"), step("y", "theirs")]}));
}

#[test]
fn a_condition_is_shown_as_it_is_read() {
    assert_eq!(Difference::words(Some(&row("data.total", "gt", 5))), "data.total more than 5");
    assert_eq!(Difference::words(Some(&json!(["eu", "us"]))), "\"eu\", \"us\"");
    assert_eq!(Difference::words(None), "nothing");
}
