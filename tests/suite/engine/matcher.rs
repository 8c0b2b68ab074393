//! The indexed matcher against its oracle, `explain`: the same actions in the same order, for generated actions, events and changes.
//!

mod generated;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use event_actions::matching::index::Matcher;
use event_actions::matching::{Candidate, explain};
use event_actions::model::Timestamp;
use event_actions::model::action::{Action, NewAction, Priority};
use event_actions::model::event::Event;
use event_actions::model::handler::HandlerType;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::json;

use self::generated::{any_action, crowd_action, event, flavour, sharp};

/// Gives out ids: by position, in an order unlike that of creation.
fn named(actions: Vec<Action>) -> Vec<Arc<Action>> {
    actions.into_iter().enumerate().map(|(n, action)| Arc::new(Action { id: format!("{:03}", n * 37 % 1000), ..action })).collect()
}

fn in_order(mut actions: Vec<Arc<Action>>) -> Vec<Arc<Action>> {
    actions.sort_by_key(|a| (a.definition.priority.rank(), a.created_at, a.id.clone()));
    actions
}

/// Compares what the matcher says of `event` with what the evaluator says of each action.
fn check(matcher: &Matcher, actions: &[Arc<Action>], event: &Event) -> Result<(), TestCaseError> {
    let expected = actions.iter().filter(|a| explain(Candidate { definition: &a.definition, deleted: a.deleted_at.is_some() }, event).matched).cloned();
    let expected = in_order(expected.collect());
    let actual = matcher.matching(event);
    prop_assert_eq!(ids(&actual), ids(&expected));
    prop_assert!(actual.iter().zip(&expected).all(|(a, b)| Arc::ptr_eq(a, b)), "another version");
    Ok(())
}

fn ids(actions: &[Arc<Action>]) -> Vec<&str> {
    actions.iter().map(|a| a.id.as_str()).collect()
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(10_000))]

    #[test]
    fn agrees_with_explain(actions in vec(any_action(), 1..12), events in vec(event(), 1..5)) {
        let actions = named(actions);
        let matcher = Matcher::new();
        matcher.replace_all(actions.clone());
        for event in &events {
            check(&matcher, &actions, event)?;
        }
    }
}

/// Many actions for the same events; some conditions are common to most of them.
fn crowd() -> impl Strategy<Value = Vec<Arc<Action>>> {
    let actions = flavour().prop_flat_map(|flavour| (vec(crowd_action(flavour.clone()), 60..160), vec(sharp(flavour), 0..3)));
    actions.prop_map(|(mut actions, common)| {
        for (n, action) in actions.iter_mut().enumerate() {
            action.definition.conditions.extend(common.iter().enumerate().filter(|(c, _)| n % (c + 3) != 0).map(|(_, item)| item.clone()));
        }
        named(actions)
    })
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn agrees_with_explain_in_a_crowd(actions in crowd(), events in vec(event(), 8..9)) {
        let matcher = Matcher::new();
        matcher.replace_all(actions.clone());
        for event in &events {
            check(&matcher, &actions, event)?;
        }
    }
}

#[derive(Clone, Debug)]
enum Change {
    Upsert(usize, Box<Action>),
    Remove(usize),
    ReplaceAll(Vec<(usize, Action)>),
    Look(Box<Event>),
}

fn change() -> impl Strategy<Value = Change> {
    let action = || prop_oneof![any_action().boxed(), flavour().prop_flat_map(crowd_action).boxed()];
    prop_oneof![
        24 => (0..90_usize, action()).prop_map(|(id, action)| Change::Upsert(id, Box::new(action))),
        8 => (0..90_usize).prop_map(Change::Remove),
        1 => vec((0..90_usize, action()), 0..60).prop_map(Change::ReplaceAll),
        4 => event().prop_map(|e| Change::Look(Box::new(e))),
    ]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn agrees_with_explain_after_every_change(changes in vec(change(), 1..260), last in event()) {
        let matcher = Matcher::new();
        let mut model = std::collections::BTreeMap::new();
        let made = |id: usize, action: Action| Arc::new(Action { id: format!("{id:03}"), ..action });
        for change in changes {
            match change {
                Change::Upsert(id, action) => {
                    let action = made(id, *action);
                    model.insert(action.id.clone(), Arc::clone(&action));
                    matcher.upsert(action);
                }
                Change::Remove(id) => {
                    model.remove(&format!("{id:03}"));
                    matcher.remove(&format!("{id:03}"));
                }
                Change::ReplaceAll(actions) => {
                    let actions: Vec<_> = actions.into_iter().map(|(id, action)| made(id, action)).collect();
                    model = actions.iter().map(|a| (a.id.clone(), Arc::clone(a))).collect();
                    matcher.replace_all(actions);
                }
                Change::Look(event) => {
                    check(&matcher, &model.values().cloned().collect::<Vec<_>>(), &event)?;
                }
            }
            prop_assert_eq!(matcher.len(), model.len());
        }
        let actions: Vec<_> = model.values().cloned().collect();
        check(&matcher, &actions, &last)?;
        prop_assert!(matcher.all() == in_order(actions), "all() differs");
        for id in 0..90 {
            let id = format!("{id:03}");
            prop_assert_eq!(matcher.get(&id).map(|a| Arc::as_ptr(&a)), model.get(&id).map(Arc::as_ptr));
        }
    }
}

/// Generated input would prove little if hardly anything matched, or everything.
#[test]
fn generated_actions_often_match() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut hits, mut tries) = (0, 0);
    for _ in 0..60 {
        let actions = vec(any_action(), 20..21).new_tree(&mut runner).expect("a value").current();
        let event = event().new_tree(&mut runner).expect("a value").current();
        let matcher = Matcher::new();
        matcher.replace_all(named(actions));
        hits += matcher.matching(&event).len();
        tries += 20;
    }
    assert!(hits * 25 > tries && hits * 2 < tries, "{hits} of {tries}");
}

/// While actions are replaced, merged and reordered, every reader finds each of them exactly once.
#[test]
fn readers_see_every_change_whole() {
    let make = |id: usize, version: i64| {
        let mut definition = NewAction::blank(HandlerType::new("webhook"));
        definition.event_types = vec![if version % 2 == 0 { "*" } else { "user.*" }.to_owned()];
        definition.priority = Priority::ALL[(version % 4) as usize];
        let at = Timestamp(id as i64);
        Arc::new(Action { id: format!("{id:04}"), definition, version, created_at: at, updated_at: at, created_by: String::new(), deleted_at: None, health: None, stats: None })
    };
    let event = Event {
        id: "e".to_owned(),
        tenant_id: "t".to_owned(),
        event_type: "user.created".to_owned(),
        aggregate_id: None,
        aggregate_type: None,
        data: json!({}),
        metadata: json!({}),
        occurred_at: Timestamp(0),
        received_at: Timestamp(0),
        correlation_id: None,
        causation_id: None,
        depth: 0,
    };
    let matcher = Matcher::new();
    matcher.replace_all((0..300).map(|id| make(id, 0)).collect());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let found = matcher.matching(&event);
                    assert_eq!(ids(&found), ids(&in_order(found.clone())));
                    let mut found = ids(&found);
                    found.sort_unstable();
                    assert!(found.iter().map(|id| id.parse::<usize>().expect("a number")).eq(0..300), "{} found", found.len());
                }
            });
        }
        let writers: Vec<_> = (0..2)
            .map(|half| {
                let (matcher, make) = (&matcher, &make);
                scope.spawn(move || {
                    for n in 0..6000 {
                        matcher.upsert(make(half * 150 + n * 7 % 150, n as i64));
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().expect("the writer ends");
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(matcher.len(), 300);
}
