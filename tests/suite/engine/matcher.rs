//! The indexed matcher against its oracle, `explain`: the same actions in the same order, for generated actions, events and changes.
//!
//! Alphabets are small, so that what is generated often agrees. `PROPTEST_CASES` scales nothing here: the counts are the point.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use event_actions::matching::index::Matcher;
use event_actions::matching::{Candidate, explain};
use event_actions::model::Timestamp;
use event_actions::model::action::{Action, NewAction, Priority};
use event_actions::model::condition::{Condition, ConditionItem, GroupKind, Operator};
use event_actions::model::event::Event;
use event_actions::model::handler::HandlerType;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use serde_json::{Map, Value, json};

const PATHS: [&str; 34] = [
    "a",
    "data.a",
    "data.b",
    "b",
    "list",
    "data.list",
    "list.0",
    "list.00",
    "list.1.a",
    "data.list.a",
    "list.a.b",
    "a.b",
    "a.a.b",
    "data.x\\.y",
    "x\\.y",
    "data.0",
    "0",
    "data",
    "data.data",
    "metadata",
    "metadata.m",
    "metadata.m.a",
    "metadata.tenant_id",
    "event",
    "event.id",
    "event.type",
    "event.occurred_at",
    "event.aggregate_id",
    "event.nothing",
    "event_type",
    "event_type.a",
    "tenant_id",
    "",
    "list.99999999999999999999999",
];
const NAMES: [&str; 8] = ["a", "b", "list", "x.y", "0", "data", "m", "tenant_id"];
const PATTERNS: [&str; 12] = ["*", "*", "user.*", "user.created", "user.profile.*", "user", "order.*", "order.paid", ".*", "user.*.*", "us.*", "user.created.*"];
const TYPES: [&str; 8] = ["user.created", "user.profile.updated", "user", "order.paid", "users.x", "user.created.", ".x", "*"];
const TENANTS: [&str; 3] = ["t1", "t2", "t3"];
const REGEXES: [&str; 6] = ["^a", "a+b", "[0-9]", "", "(", "b$"];

fn leaves() -> Vec<Value> {
    let mut leaves = vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-0.0),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(2),
        json!(-3),
        json!(7),
        json!(9_007_199_254_740_992_u64),
        json!(9_007_199_254_740_993_u64),
        json!(9_007_199_254_740_992.0),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1.8e19),
        json!(1e300),
        json!(""),
        json!("a"),
        json!("ab"),
        json!("aab"),
        json!("b"),
        json!("ba"),
        json!("1"),
        json!("t1"),
        json!("user.created"),
        json!("a text of more than twenty-two bytes"),
        json!("2026-01-01T00:00:00Z"),
        json!("2026-01-01T01:00:00+01:00"),
        json!("2026-01-01T00:00:00.0005Z"),
        json!("2026-06-30T23:59:60.5Z"),
        json!("2026-07-01T00:00:00.2Z"),
    ];
    leaves.extend([json!("1677-01-01T00:00:00Z"), json!([]), json!({}), json!(["a"]), json!([1, "a"]), json!({"a": 1})]);
    leaves
}

/// Values of few kinds and many different ones, so that large buckets part.
fn plain() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0..40_i64).prop_map(|n| json!(n)),
        (0..80_i32).prop_map(|n| json!(f64::from(n) / 2.0)),
        "[ab]{1,4}".prop_map(Value::String),
        (0..40_u32).prop_map(|s| json!(format!("2026-01-01T00:00:{:02}Z", s))),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![4 => select(leaves()), 1 => plain()];
    leaf.prop_recursive(3, 12, 4, |inner| prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::Array), object(inner)])
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec((select(&NAMES[..]), inner), 0..5).prop_map(|members| Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()))
}

fn want(operator: Operator) -> BoxedStrategy<Option<Value>> {
    let list = vec(prop_oneof![value(), plain()], 0..12).prop_map(|l| Some(Value::Array(l)));
    let number = || prop_oneof![select(leaves()), plain()];
    let fitting = match operator {
        Operator::In | Operator::NotIn => list.boxed(),
        Operator::Between => (number(), number()).prop_map(|(a, b)| Some(json!([a, b]))).boxed(),
        Operator::Exists | Operator::NotExists => select(vec![None, Some(json!(true)), Some(json!(false)), Some(json!(null))]).boxed(),
        Operator::Matches => select(&REGEXES[..]).prop_map(|p| Some(json!(p))).boxed(),
        Operator::StartsWith | Operator::EndsWith | Operator::Contains | Operator::NotContains => {
            prop_oneof!["[ab]{0,3}".prop_map(|s| Some(json!(s))), value().prop_map(Some)].boxed()
        }
        _ => number().prop_map(Some).boxed(),
    };
    prop_oneof![12 => fitting, 1 => value().prop_map(Some), 1 => Just(None)].boxed()
}

fn condition() -> impl Strategy<Value = ConditionItem> {
    (select(&PATHS[..]), select(&Operator::ALL[..]))
        .prop_flat_map(|(field, operator)| want(operator).prop_map(move |value| ConditionItem::Condition(Condition { field: field.to_owned(), operator, value })))
}

fn item() -> impl Strategy<Value = ConditionItem> {
    condition().prop_recursive(4, 12, 4, |inner| {
        (select(vec![GroupKind::All, GroupKind::Any, GroupKind::None]), vec(inner, 0..4)).prop_map(|(kind, items)| ConditionItem::Group(kind, items))
    })
}

/// Conditions that the index files by key, word, range or field, over more fields than a node tries one by one.
fn sharp() -> impl Strategy<Value = ConditionItem> {
    let field = prop_oneof![3 => select(vec!["a", "data.b", "list", "list.a"]).prop_map(str::to_owned), 1 => (0..24).prop_map(|n| format!("data.f{n}"))];
    let operator = select(vec![
        Operator::Equals,
        Operator::Equals,
        Operator::In,
        Operator::Contains,
        Operator::Contains,
        Operator::StartsWith,
        Operator::EndsWith,
        Operator::Gt,
        Operator::Gte,
        Operator::Lt,
        Operator::Lte,
        Operator::Between,
        Operator::Exists,
        Operator::NotEquals,
        Operator::Matches,
    ]);
    (field, operator).prop_flat_map(|(field, operator)| {
        let value = match operator {
            Operator::In => vec(plain(), 1..12).prop_map(Value::Array).boxed(),
            Operator::Between => (plain(), plain()).prop_map(|(a, b)| json!([a, b])).boxed(),
            Operator::Exists => Just(json!(true)).boxed(),
            Operator::Matches => select(&REGEXES[..]).prop_map(|p| json!(p)).boxed(),
            _ => plain().boxed(),
        };
        value.prop_map(move |value| ConditionItem::Condition(Condition { field: field.clone(), operator, value: Some(value) }))
    })
}

fn filters() -> impl Strategy<Value = Map<String, Value>> {
    let wanted = prop_oneof![3 => value(), 2 => vec(select(leaves()), 0..4).prop_map(Value::Array), 1 => select(&TENANTS[..]).prop_map(|t| json!(t))];
    let some = vec((select(&NAMES[..]), wanted), 1..3).prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    prop_oneof![4 => Just(Map::new()), 1 => some]
}

/// `platform` of a hundred actions are platform-wide.
fn action(platform: u32, patterns: impl Strategy<Value = Vec<&'static str>>, conditions: impl Strategy<Value = Vec<ConditionItem>>) -> impl Strategy<Value = Action> {
    let tenant = prop_oneof![platform => Just(None), 100 - platform => select(&TENANTS[..]).prop_map(|t| Some(t.to_owned()))];
    let state = (prop::bool::weighted(0.9), prop::bool::weighted(0.05), select(&Priority::ALL[..]), 0..3_i64);
    (tenant, patterns, conditions, filters(), state).prop_map(|(tenant_id, patterns, conditions, context_filters, (is_enabled, deleted, priority, created))| Action {
        id: String::new(),
        definition: NewAction {
            event_types: patterns.into_iter().map(str::to_owned).collect(),
            conditions,
            context_filters,
            is_enabled,
            priority,
            tenant_id,
            ..NewAction::blank(HandlerType::new("webhook"))
        },
        version: 1,
        created_at: Timestamp(created),
        updated_at: Timestamp(created),
        created_by: "user:a@example.com".to_owned(),
        deleted_at: deleted.then_some(Timestamp(9)),
        health: None,
        stats: None,
    })
}

fn any_action() -> impl Strategy<Value = Action> {
    action(60, vec(select(&PATTERNS[..]), 0..3), vec(item(), 0..3))
}

fn crowd_action() -> impl Strategy<Value = Action> {
    action(85, vec(prop_oneof![6 => Just("*"), 1 => Just("user.*")], 1..2), vec(prop_oneof![9 => sharp().boxed(), 1 => item().boxed()], 0..4))
}

fn event() -> impl Strategy<Value = Event> {
    let name = prop_oneof![3 => select(vec!["a", "b", "list"]).prop_map(str::to_owned), 1 => (0..24).prop_map(|n| format!("f{n}"))];
    let several = vec(prop_oneof![plain(), plain().prop_map(|v| json!({"a": v}))], 0..5).prop_map(Value::Array);
    let sharp_data =
        vec((name, prop_oneof![3 => plain().boxed(), 2 => several.boxed(), 1 => value().boxed()]), 0..8).prop_map(|members| Value::Object(members.into_iter().collect()));
    let data = prop_oneof![4 => sharp_data, 4 => object(value()), 1 => value()];
    let metadata = prop_oneof![8 => object(value()), 1 => value()];
    (select(&TENANTS[..]), select(&TYPES[..]), data, metadata, prop::option::of(select(vec!["a", "ab", "1"]))).prop_map(|(tenant, event_type, data, metadata, aggregate)| Event {
        id: "a".to_owned(),
        tenant_id: tenant.to_owned(),
        event_type: event_type.to_owned(),
        aggregate_id: aggregate.map(str::to_owned),
        aggregate_type: None,
        data,
        metadata,
        occurred_at: Timestamp(1_767_225_600_000),
        received_at: Timestamp(0),
        correlation_id: None,
        causation_id: None,
        depth: 0,
    })
}

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
    (vec(crowd_action(), 40..160), vec(sharp(), 0..3)).prop_map(|(mut actions, common)| {
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
    let action = || prop_oneof![any_action().boxed(), crowd_action().boxed()];
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
