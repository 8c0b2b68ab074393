//! From actions to a program: context filters and conditions become literals, equal predicates become one.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::field::{self, Field, Root};
use super::hash::{NONE, mix};
use super::program::{ALWAYS, NEVER, Plan, Program};
use super::test::{Bound, Pattern, Test};
use crate::model::action::NewAction;
use crate::model::condition::{Condition, ConditionItem, GroupKind, Operator};
use crate::model::value::same;

/// The `tenant_id` of a context filter is the event's, not what the metadata says.
const TENANT_KEY: &str = "tenant_id";

/// Compiles actions one after the other into one program.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    program: Program,
    paths: FxHashMap<&'a str, u32>,
    filters: FxHashMap<&'a str, u32>,
    fields: FxHashMap<(Root, Vec<String>), u32>,
    known: FxHashMap<u64, u32>,
}

impl<'a> Compiler<'a> {
    /// An empty program, but for the predicate that always holds.
    pub(super) fn new() -> Self {
        let mut program = Program::default();
        program.add(NONE, Test::Always);
        Self { program, paths: FxHashMap::default(), filters: FxHashMap::default(), fields: FxHashMap::default(), known: FxHashMap::default() }
    }

    /// The plan of an action: its gates 4 and 5.
    pub(super) fn action(&mut self, action: &'a NewAction) -> Plan {
        let mut literals = Vec::new();
        for (key, wanted) in &action.context_filters {
            literals.push(self.filter(key, wanted, action.tenant_id.as_deref()));
        }
        for item in &action.conditions {
            self.conjuncts(item, &mut literals);
        }
        self.program.plan(&mut literals)
    }

    /// The program of all actions compiled.
    pub(super) fn finish(mut self) -> Program {
        self.program.seal();
        self.program
    }

    /// One context filter. That on the tenant is settled here for a tenant's own action: gate 2 lets no other event come so far.
    fn filter(&mut self, key: &'a str, wanted: &'a Value, tenant: Option<&str>) -> u32 {
        let list = wanted.as_array().map(Vec::as_slice).unwrap_or_default();
        let field = if key == TENANT_KEY {
            if let Some(tenant) = tenant {
                let tenant = Value::String(tenant.to_owned());
                return if same(&tenant, wanted) || list.iter().any(|w| same(&tenant, w)) { ALWAYS } else { NEVER };
            }
            self.field(Root::Tenant, Vec::new())
        } else if let Some(&field) = self.filters.get(key) {
            field
        } else {
            let field = self.field(Root::Context, vec![key.to_owned()]);
            self.filters.insert(key, field);
            field
        };
        self.predicate(field, Test::one_of(list.iter().chain([wanted])))
    }

    /// Adds literals that together say what `item` says.
    fn conjuncts(&mut self, item: &'a ConditionItem, out: &mut Vec<u32>) {
        match item {
            ConditionItem::Group(GroupKind::All, items) => items.iter().for_each(|i| self.conjuncts(i, out)),
            ConditionItem::Group(GroupKind::None, items) => out.extend(items.iter().map(|i| self.literal(i) ^ 1)),
            other => out.push(self.literal(other)),
        }
    }

    /// One literal that says what `item` says.
    fn literal(&mut self, item: &'a ConditionItem) -> u32 {
        let (kind, items) = match item {
            ConditionItem::Condition(c) => return self.condition(c),
            ConditionItem::Group(kind, items) => (*kind, items),
        };
        let negated = u32::from(kind == GroupKind::None);
        let mut literals: Vec<u32> = items.iter().map(|i| self.literal(i)).collect();
        literals.sort_unstable_by_key(|l| (self.program.predicate(*l).0.test.cost(), *l));
        literals.dedup();
        match literals[..] {
            [] => ALWAYS,
            [only] => only ^ negated,
            _ if kind == GroupKind::All => self.predicate(NONE, Test::All(literals.into())),
            _ => self.predicate(NONE, Test::Any(literals.into())) ^ negated,
        }
    }

    /// One condition: a test of its field, negated for the operators that say when another does not hold.
    fn condition(&mut self, condition: &'a Condition) -> u32 {
        let want = condition.value.as_ref().unwrap_or(&Value::Null);
        let (test, negated) = match condition.operator {
            Operator::Equals => (Some(Test::one_of([want].into_iter())), false),
            Operator::NotEquals => (Some(Test::one_of([want].into_iter())), true),
            Operator::Contains => (Some(contains(want)), false),
            Operator::NotContains => (Some(contains(want)), true),
            Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte => (Bound::new(want).map(|b| Test::Ordered(condition.operator, b)), false),
            Operator::Between => (between(want), false),
            Operator::In => (one_of(want), false),
            Operator::NotIn => (one_of(want), true),
            Operator::Exists => (Some(Test::Present), *want == Value::Bool(false)),
            Operator::NotExists => (Some(Test::Present), *want != Value::Bool(false)),
            Operator::StartsWith => (want.as_str().map(|s| Test::Prefix(s.into())), false),
            Operator::EndsWith => (want.as_str().map(|s| Test::Suffix(s.into())), false),
            Operator::Matches => (want.as_str().map(|s| Test::Matches(Box::new(Pattern::new(s)))), false),
        };
        let literal = match test {
            Some(test) => {
                let field = self.path(&condition.field);
                self.predicate(field, test)
            }
            None => NEVER,
        };
        literal ^ u32::from(negated)
    }

    fn path(&mut self, path: &'a str) -> u32 {
        if let Some(&field) = self.paths.get(path) {
            return field;
        }
        let (root, names) = field::split(path);
        let field = self.field(root, names);
        self.paths.insert(path, field);
        field
    }

    fn field(&mut self, root: Root, names: Vec<String>) -> u32 {
        let fields = &mut self.program.fields;
        *self.fields.entry((root, names)).or_insert_with_key(|(root, names)| {
            fields.push(Field::new(*root, names));
            fields.len() as u32 - 1
        })
    }

    /// The literal of a predicate: that of an equal one when there is one. Should two hashes meet, they are just not shared.
    fn predicate(&mut self, field: u32, test: Test) -> u32 {
        let hash = mix(u64::from(field), test.hash());
        if let Some(&known) = self.known.get(&hash)
            && self.program.predicates[known as usize].field == field
            && self.program.predicates[known as usize].test == test
        {
            self.program.share(known);
            return known << 1;
        }
        let deep = match &test {
            Test::Equals(atom) => atom.is_deep(),
            Test::OneOf(list) => list.iter().any(|(_, atom)| atom.is_deep()),
            _ => false,
        };
        if deep {
            self.program.fields[field as usize].deep = true;
        }
        let predicate = self.program.add(field, test);
        self.known.insert(hash, predicate);
        predicate << 1
    }
}

fn contains(want: &Value) -> Test {
    match want {
        Value::String(s) => Test::HasText(s.as_str().into()),
        other => Test::HasElement(Box::new(other.clone())),
    }
}

fn between(want: &Value) -> Option<Test> {
    let low = Bound::new(want.as_array()?.first()?)?;
    let high = Bound::new(want.as_array()?.get(1)?)?;
    Some(Test::Between(Box::new((low, high))))
}

/// Membership in a list; in no list when it is empty or none.
fn one_of(want: &Value) -> Option<Test> {
    want.as_array().filter(|list| !list.is_empty()).map(|list| Test::one_of(list.iter()))
}
