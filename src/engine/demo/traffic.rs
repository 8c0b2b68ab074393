//! What happens in the demo: a small shop with users, orders, payments and companies, by dice that fall the same way each time.

use serde_json::{Value, json};

use crate::handlers::email::DEMO_DOMAIN;
use crate::model::event::NewEvent;

const FIRST_NAMES: [&str; 12] = ["Ada", "Bela", "Chidi", "Dana", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kira", "Luis"];
const LAST_NAMES: [&str; 10] = ["Almeida", "Berg", "Costa", "Dietrich", "Eze", "Fischer", "Gruber", "Haddad", "Ito", "Jansen"];
const COMPANIES: [&str; 8] = ["Nordlicht Optik", "Papierwerk", "Radhaus", "Stille Post", "Teekontor", "Uferbau", "Viadukt Reisen", "Wollweber"];
const ARTICLES: [&str; 7] = ["lamp", "desk", "notebook", "chair", "kettle", "bicycle bell", "raincoat"];
const COUNTRIES: [&str; 6] = ["DE", "FR", "PT", "NL", "US", "BR"];
const PLANS: [&str; 3] = ["free", "team", "business"];

/// Dice that need not be good: splitmix64.
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub const fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    /// True in so many of a hundred throws.
    pub const fn percent(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[(self.next() % words.len() as u64) as usize]
    }
}

/// The next thing that happens.
pub fn event(dice: &mut Dice) -> NewEvent {
    let (event_type, aggregate, data) = match dice.between(1, 100) {
        1..=24 => ("user.created", "user", json!({"user": user(dice)})),
        25..=36 => ("user.profile.updated", "user", json!({"user": user(dice), "changed": ["plan"]})),
        37..=70 => ("order.paid", "order", order(dice)),
        71..=92 => ("payment.captured", "payment", payment(dice)),
        _ => ("company.signed_up", "company", company(dice)),
    };
    let aggregate_id = data.pointer(&format!("/{aggregate}/id")).and_then(Value::as_str).map(str::to_owned);
    NewEvent {
        event_type: event_type.to_owned(),
        aggregate_id,
        aggregate_type: Some(aggregate.to_owned()),
        data,
        metadata: json!({"demo": true, "source": "demo"}),
        ..NewEvent::default()
    }
}

fn user(dice: &mut Dice) -> Value {
    let (first, last) = (dice.one_of(&FIRST_NAMES), dice.one_of(&LAST_NAMES));
    json!({
        "id": format!("usr_{}", dice.between(1_000, 9_999)),
        "name": format!("{first} {last}"),
        "email": format!("{}.{}@{DEMO_DOMAIN}", first.to_lowercase(), last.to_lowercase()),
        "email_verified": dice.percent(80),
        "plan": dice.one_of(&PLANS),
    })
}

fn order(dice: &mut Dice) -> Value {
    let items: Vec<Value> = (0..dice.between(1, 3)).map(|_| json!({"article": dice.one_of(&ARTICLES), "quantity": dice.between(1, 4), "price": dice.between(9, 190)})).collect();
    let total: i64 = items.iter().map(|i| i["quantity"].as_i64().unwrap_or(0) * i["price"].as_i64().unwrap_or(0)).sum();
    json!({"order": {"id": format!("ord_{}", dice.between(10_000, 99_999)), "total": total, "currency": "EUR", "items": items}, "customer": user(dice)})
}

fn payment(dice: &mut Dice) -> Value {
    let amount = if dice.percent(15) { dice.between(800, 4_800) } else { dice.between(10, 400) };
    json!({"payment": {"id": format!("pay_{}", dice.between(10_000, 99_999)), "amount": amount, "currency": "EUR", "country": dice.one_of(&COUNTRIES)}})
}

fn company(dice: &mut Dice) -> Value {
    json!({"company": {"id": format!("com_{}", dice.between(100, 999)), "name": dice.one_of(&COMPANIES), "seats": dice.between(2, 120)}, "contact": user(dice)})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_a_good_one_and_says_that_it_is_a_demo() {
        let (mut one, mut other) = (Dice::new(7), Dice::new(7));
        let mut types = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let event = event(&mut one);
            assert!(event.validate().0.is_empty(), "{event:?}");
            assert_eq!(event.metadata["demo"], true);
            assert!(event.aggregate_id.is_some(), "{event:?}");
            assert_eq!(event, super::event(&mut other), "the same seed, the same events");
            types.insert(event.event_type);
        }
        assert_eq!(types.len(), 5);
    }
}
