//! Strategies for the matcher's test: actions and events from small alphabets, so that what is generated often agrees.

use event_actions::model::Timestamp;
use event_actions::model::action::{Action, NewAction, Priority};
use event_actions::model::condition::{Condition, ConditionItem, GroupKind, Operator};
use event_actions::model::event::Event;
use event_actions::model::handler::HandlerType;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
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

/// Values of few kinds, so that some stand on each other's bounds.
fn plain() -> impl Strategy<Value = Value> {
    prop_oneof![2 => number(), 1 => time(), 1 => "[ab]{1,4}".prop_map(Value::String)]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![(0..16_i64).prop_map(|n| json!(n)), (0..32_i32).prop_map(|n| json!(f64::from(n) / 2.0))]
}

fn time() -> impl Strategy<Value = Value> {
    (0..16_u32).prop_map(|s| json!(format!("2026-01-01T00:00:{s:02}Z")))
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

/// Fields and operators that the index files alike: a crowd of one flavour makes large tables of its kind.
pub(super) type Flavour = (Vec<String>, Vec<Operator>);

/// Each flavour; the mixed one has more fields than a node tries one by one.
pub(super) fn flavour() -> impl Strategy<Value = Flavour> {
    use Operator::{Between, Contains, EndsWith, Equals, Exists, Gt, Gte, In, Lt, Lte, Matches, NotEquals, StartsWith};
    let few = || ["a", "list", "list.a"].map(str::to_owned).to_vec();
    let many = few().into_iter().cycle().take(24).chain((0..24).map(|n| format!("data.f{n}"))).collect();
    let mixed = vec![Equals, Equals, In, Contains, Contains, StartsWith, EndsWith, Gt, Gte, Lt, Lte, Between, Exists, NotEquals, Matches];
    select(vec![(many, mixed), (few(), vec![Gt, Gte, Lt, Lte, Between]), (few(), vec![Contains, StartsWith, EndsWith]), (few(), vec![Equals, In])])
}

/// A condition of a flavour.
pub(super) fn sharp((fields, operators): Flavour) -> impl Strategy<Value = ConditionItem> {
    (select(fields), select(operators)).prop_flat_map(|(field, operator)| {
        let value = match operator {
            Operator::In => vec(plain(), 1..12).prop_map(Value::Array).boxed(),
            Operator::Between => prop_oneof![(number(), number()), (time(), time())].prop_map(|(a, b)| json!([a, b])).boxed(),
            Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte => prop_oneof![3 => number(), 1 => time()].boxed(),
            Operator::Exists => Just(json!(true)).boxed(),
            Operator::Matches => select(&REGEXES[..]).prop_map(|p| json!(p)).boxed(),
            Operator::Contains | Operator::StartsWith | Operator::EndsWith => prop_oneof![4 => "[ab]{1,4}".prop_map(Value::String), 1 => plain()].boxed(),
            _ => plain().boxed(),
        };
        value.prop_map(move |value| ConditionItem::Condition(Condition { field: field.clone(), operator, value: Some(value) }))
    })
}

/// Lists that stand in metadata and in filters, where they mean themselves or one of their items.
fn list() -> impl Strategy<Value = Value> {
    select(vec![json!(["a"]), json!([1, "a"]), json!([["a"], 2]), json!("a"), json!(1.0)])
}

fn filters() -> impl Strategy<Value = Map<String, Value>> {
    let any = (select(&NAMES[..]), prop_oneof![3 => value(), 1 => vec(select(leaves()), 0..4).prop_map(Value::Array), 2 => list()]);
    let tenant = (Just("tenant_id"), prop_oneof![select(&TENANTS[..]).prop_map(|t| json!(t)), vec(select(&TENANTS[..]), 1..3).prop_map(|t| json!(t))]);
    let some = vec(prop_oneof![3 => any.boxed(), 1 => tenant.boxed()], 1..3).prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    prop_oneof![3 => Just(Map::new()), 1 => some]
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

/// Any action at all.
pub(super) fn any_action() -> impl Strategy<Value = Action> {
    action(60, vec(select(&PATTERNS[..]), 0..3), vec(item(), 0..3))
}

/// An action of a bucket that many share.
pub(super) fn crowd_action(flavour: Flavour) -> impl Strategy<Value = Action> {
    let conditions = vec(prop_oneof![9 => sharp(flavour).boxed(), 1 => item().boxed()], 0..4);
    action(85, vec(prop_oneof![6 => Just("*"), 1 => Just("user.*")], 1..2), conditions)
}

/// An event, sometimes of a shape that no door would let in.
pub(super) fn event() -> impl Strategy<Value = Event> {
    let name = prop_oneof![3 => select(vec!["a", "b", "list"]).prop_map(str::to_owned), 1 => (0..24).prop_map(|n| format!("f{n}"))];
    let several = vec(prop_oneof![1 => plain().boxed(), 2 => plain().prop_map(|v| json!({"a": v})).boxed()], 0..6).prop_map(Value::Array);
    let sharp_data =
        vec((name, prop_oneof![3 => plain().boxed(), 2 => several.boxed(), 1 => value().boxed()]), 0..8).prop_map(|members| Value::Object(members.into_iter().collect()));
    let data = prop_oneof![4 => sharp_data, 4 => object(value()), 1 => value()];
    let metadata = prop_oneof![4 => object(value()), 4 => object(list()), 1 => value(), 1 => vec(object(value()), 0..4).prop_map(Value::Array)];
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
