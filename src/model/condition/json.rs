//! Conditions and groups as JSON, and what the REST documentation says of it.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Condition, ConditionItem, GroupKind, Operator};

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("field", &self.field)?;
        map.serialize_entry("operator", &self.operator)?;
        if let Some(value) = &self.value {
            map.serialize_entry("value", value)?;
        }
        map.end()
    }
}

impl Serialize for ConditionItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Condition(c) => c.serialize(serializer),
            Self::Group(kind, items) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(kind.name(), items)?;
                map.end()
            }
        }
    }
}

/// Reads key by key, so that `serde_path_to_error` keeps the path down to the value at fault.
impl<'de> Deserialize<'de> for ConditionItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = ConditionItem;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a condition {field, operator, value} or a group {\"all\" | \"any\" | \"none\": [...]}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ConditionItem, A::Error> {
                let (mut field, mut operator, mut value, mut group) = (None, None, None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "all" => group = Some((GroupKind::All, map.next_value()?)),
                        "any" => group = Some((GroupKind::Any, map.next_value()?)),
                        "none" => group = Some((GroupKind::None, map.next_value()?)),
                        "field" => field = Some(map.next_value::<String>()?),
                        "operator" => operator = Some(map.next_value::<Operator>()?),
                        "value" => value = Some(map.next_value::<Value>()?),
                        other => {
                            return Err(de::Error::custom(format!("unknown field `{other}`, expected `field`, `operator` and `value`, or one of `all`, `any`, `none`")));
                        }
                    }
                }
                match (group, field, operator) {
                    (Some((kind, items)), None, None) if value.is_none() => Ok(ConditionItem::Group(kind, items)),
                    (Some(_), _, _) => Err(de::Error::custom("a group has nothing beside its one member `all`, `any` or `none`")),
                    (None, Some(field), Some(operator)) => Ok(ConditionItem::Condition(Condition { field, operator, value })),
                    (None, None, _) => Err(de::Error::missing_field("field")),
                    (None, _, None) => Err(de::Error::missing_field("operator")),
                }
            }
        }
        deserializer.deserialize_map(Items)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match ConditionItem::deserialize(deserializer)? {
            ConditionItem::Condition(c) => Ok(c),
            ConditionItem::Group(..) => Err(de::Error::custom("expected a condition, found a group")),
        }
    }
}

#[cfg(feature = "server")]
impl utoipa::PartialSchema for ConditionItem {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref};
        let group = |name: &str| ObjectBuilder::new().property(name, ArrayBuilder::new().items(Ref::from_schema_name("ConditionItem"))).required(name);
        OneOfBuilder::new()
            .item(Ref::from_schema_name("Condition"))
            .item(group("all"))
            .item(group("any"))
            .item(group("none"))
            .description(Some("A condition {field, operator, value}, or a group {all | any | none: [...]}, nested at most 4 deep."))
            .into()
    }
}

#[cfg(feature = "server")]
impl utoipa::ToSchema for ConditionItem {
    fn name() -> std::borrow::Cow<'static, str> {
        "ConditionItem".into()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        use utoipa::PartialSchema;
        schemas.push(("Condition".into(), Condition::schema()));
        schemas.push(("Operator".into(), Operator::schema()));
    }
}
