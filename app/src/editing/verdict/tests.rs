//! Verdicts on rows and groups, complete and half done.

use super::*;
use crate::editing::json_text::parse_conditions;
use event_actions::model::Timestamp;
use event_actions::model::handler::HandlerType;
use serde_json::json;

fn event(data: serde_json::Value) -> Arc<Event> {
    let at = Timestamp(0);
    Arc::new(Event {
        id: data.to_string(),
        tenant_id: "t".into(),
        event_type: "order.paid".into(),
        aggregate_id: None,
        aggregate_type: None,
        data,
        metadata: json!({}),
        occurred_at: at,
        received_at: at,
        correlation_id: None,
        causation_id: None,
        depth: 0,
    })
}

fn verdicts(conditions: &str, mute: Option<usize>, sample: &Event, recent: &[Arc<Event>]) -> Vec<Verdict> {
    let mut tree = Tree::of(&parse_conditions(conditions).expect("conditions"), &|_| None);
    if let Some(n) = mute {
        tree.nodes[n].muted = true;
    }
    let mut action = NewAction::blank(HandlerType::new("webhook"));
    action.event_types = vec!["order.*".into()];
    action.conditions = tree.compile().0;
    judge(&action, &tree, Some(sample), recent, &Catalog::of(recent, Some(sample))).nodes.into_values().collect()
}

#[test]
fn a_mix_up_of_types_is_named_and_mended() {
    let sample = event(json!({"zone": "20"}));
    let all = verdicts(r#"[{"field":"data.zone","operator":"equals","value":20}]"#, None, &sample, &[]);
    assert_eq!((all[0].state, all[0].actual.as_deref()), (State::Fail, Some("\"20\"")));
    assert_eq!(all[0].note, ", a string; it must equal the number 20");
    assert_eq!(all[0].mend.as_ref().map(|m| &m.value), Some(&json!("20")));
}

#[test]
fn groups_muted_rows_and_shares() {
    let recent = [event(json!({"a": 1})), event(json!({"a": 1})), event(json!({"a": 2})), event(json!({"b": 1}))];
    let text = r#"[{"any":[{"field":"a","operator":"equals","value":1},{"field":"a","operator":"equals","value":2}]},{"field":"c","operator":"exists"}]"#;
    let all = verdicts(text, Some(1), &recent[0], &recent);
    assert_eq!(all.iter().map(|v| v.state).collect::<Vec<_>>(), [State::Pass, State::Pass, State::Fail, State::Muted]);
    assert_eq!(all.iter().map(|v| v.passes).collect::<Vec<_>>(), [Some(3), Some(2), Some(1), None]);
    assert!(all[2].note.ends_with("; the group passes without it"), "{}", all[2].note);
}

#[test]
fn what_is_not_there_is_said() {
    let recent = [event(json!({"a": 1})), event(json!({"b": 1}))];
    let all = verdicts(r#"[{"field":"b","operator":"gt","value":0}]"#, None, &recent[0], &recent);
    assert_eq!((all[0].state, all[0].note.as_str()), (State::Fail, "missing: the sample has no such field, seen in 50 % of recent events; it must be more than 0"));
}

#[test]
fn what_is_missing_in_the_sample_is_decided_as_production_does() {
    let sample = event(json!({"a": 1}));
    let states = |operator: &str, value: &str| {
        let text = format!(r#"[{{"field":"gone","operator":"{operator}"{value}}}]"#);
        let found = verdicts(&text, None, &sample, &[]).remove(0);
        (found.state, found.note)
    };
    let said = "missing: the sample has no such field";
    assert_eq!(states("equals", r#","value":1"#), (State::Fail, format!("{said}; it must equal the number 1")));
    assert_eq!(states("exists", ""), (State::Fail, format!("{said}; it must exist")));
    for (operator, value) in [("not_equals", r#","value":1"#), ("not_in", r#","value":[1]"#), ("not_exists", "")] {
        assert_eq!(states(operator, value), (State::Pass, said.to_owned()), "{operator}");
    }
}

/// A group of `sure` and a row that lacks its value.
fn half_done(kind: GroupKind, sure: &str) -> Verdicts {
    let sample = event(json!({"a": 1}));
    let mut tree = Tree::default();
    let group = tree.add(None, true).expect("a group");
    tree.set_kind(Some(group), kind);
    for item in parse_conditions(sure).expect("conditions") {
        let node = tree.node(&item, &|_| None);
        let Some(Part::Group(_, inner)) = tree.nodes.get_mut(0).map(|n| &mut n.part) else { panic!("a group") };
        inner.push(node);
    }
    let row = tree.add(Some(group), false).expect("a row");
    tree.edit(row, |row| row.field = "a".to_owned());
    let mut action = NewAction::blank(HandlerType::new("webhook"));
    action.event_types = vec!["order.*".into()];
    action.conditions = tree.compile().0;
    judge(&action, &tree, Some(&sample), &[], &Catalog::default())
}

#[test]
fn what_is_not_complete_is_named_and_decides_only_where_it_must() {
    let (holds, fails) = (r#"[{"field":"a","operator":"equals","value":1}]"#, r#"[{"field":"a","operator":"equals","value":2}]"#);
    for (kind, sure, group) in [
        (GroupKind::All, holds, State::Unsure),
        (GroupKind::All, fails, State::Fail),
        (GroupKind::Any, holds, State::Pass),
        (GroupKind::Any, fails, State::Unsure),
        (GroupKind::None, holds, State::Fail),
        (GroupKind::None, fails, State::Unsure),
    ] {
        let all = half_done(kind, sure);
        let states: Vec<State> = all.nodes.values().map(|v| v.state).collect();
        assert_eq!((states[0], states[2]), (group, State::Unsure), "{kind:?} {sure}");
        assert_eq!(all.nodes.values().last().map(|v| v.note.as_str()), Some("not complete: enter a value"));
        assert_eq!(all.unfinished.as_ref().map(Unfinished::sentence).as_deref(), Some("condition 1.2, a: enter a value."));
        assert_eq!(all.gate(Gate::Conditions), None, "nothing is said of the gate");
    }
}

#[test]
fn a_pattern_that_cannot_be_read_is_said() {
    let sample = event(json!({"a": "x"}));
    let mut tree = Tree::default();
    let row = tree.add(None, false).expect("a row");
    let mut action = NewAction::blank(HandlerType::new("webhook"));
    let mut said = |tree: &Tree| {
        action.conditions = tree.compile().0;
        judge(&action, tree, Some(&sample), &[], &Catalog::default()).unfinished.map(|u| u.sentence()).unwrap_or_default()
    };
    assert_eq!(said(&tree), "condition 1: choose a field.");
    tree.edit(row, |row| {
        row.set_field("a".into(), None);
        row.set_operator(event_actions::model::condition::Operator::Matches, None);
        row.type_text(0, "(".into(), None);
    });
    assert!(said(&tree).starts_with("condition 1, a: The pattern cannot be read"), "{}", said(&tree));
}
