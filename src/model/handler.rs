//! Handler types and how each describes itself: its form, its JSON Schema, its health.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Timestamp;
#[cfg(feature = "server")]
use super::error::{ApiError, FieldError};
use super::health::Health;

/// The name of a handler: `webhook`, `email`, `function`, `workflow`, `custom`, or one an embedder registers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct HandlerType(pub String);

impl HandlerType {
    /// A handler type by its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HandlerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a field of a configuration is entered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FieldKind {
    /// One line.
    Text,
    /// Several lines.
    Multiline {
        /// What is written in it: `json`, `html`, `text`, `javascript`.
        language: String,
    },
    /// A URL.
    Url,
    /// A whole number.
    Number {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
        /// What is counted, such as `s`.
        unit: Option<String>,
    },
    /// True or false.
    Switch,
    /// One of a few words.
    Choice {
        /// The words.
        options: Vec<String>,
    },
    /// A list of texts; one text alone is accepted too.
    TextList,
    /// A list of whole numbers.
    NumberList,
    /// Named texts, such as headers.
    KeyValue,
    /// Any JSON.
    Json,
    /// The name of a stored template.
    TemplateName,
    /// The name of a secret, or a text that refers to one.
    Secret,
    /// The steps of a workflow.
    Steps,
}

/// One field of a handler's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Field {
    /// The member's name in `configuration`.
    pub name: String,
    /// The label in the form.
    pub label: String,
    /// One line of help.
    pub help: String,
    /// How it is entered.
    #[serde(flatten)]
    pub kind: FieldKind,
    /// Whether it must be given.
    pub required: bool,
    /// The value when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Value>))]
    pub default: Option<Value>,
    /// An example shown in the empty field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// Whether strings in it are templates.
    pub templated: bool,
    /// Whether it is folded away until asked for.
    #[serde(default)]
    pub advanced: bool,
}

impl Field {
    /// A field that is optional, templated and has no help yet.
    pub fn new(name: &str, label: &str, kind: FieldKind) -> Self {
        Self { name: name.into(), label: label.into(), help: String::new(), kind, required: false, default: None, placeholder: None, templated: true, advanced: false }
    }

    /// With help.
    #[must_use]
    pub fn help(mut self, help: &str) -> Self {
        self.help = help.into();
        self
    }

    /// Required.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// With a default.
    #[must_use]
    pub fn default(mut self, value: Value) -> Self {
        self.default = Some(value);
        self
    }

    /// With an example.
    #[must_use]
    pub fn placeholder(mut self, example: &str) -> Self {
        self.placeholder = Some(example.into());
        self
    }

    /// Taken literally, never as a template.
    #[must_use]
    pub const fn literal(mut self) -> Self {
        self.templated = false;
        self
    }

    /// Folded away.
    #[must_use]
    pub const fn advanced(mut self) -> Self {
        self.advanced = true;
        self
    }

    /// The field's JSON Schema (draft 2020-12). Templated fields also take a string that is a template.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut schema = match &self.kind {
            FieldKind::Text | FieldKind::Multiline { .. } | FieldKind::Url | FieldKind::TemplateName => json!({"type": "string"}),
            FieldKind::Secret => json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2}]}),
            FieldKind::Number { min, max, .. } => json!({"type": "integer", "minimum": min, "maximum": max}),
            FieldKind::Switch => json!({"type": "boolean"}),
            FieldKind::Choice { options } => json!({"enum": options}),
            FieldKind::TextList => json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
            FieldKind::NumberList => json!({"type": "array", "items": {"type": "integer"}}),
            FieldKind::KeyValue => json!({"type": "object", "additionalProperties": {"type": "string"}}),
            FieldKind::Json => json!({}),
            FieldKind::Steps => json!({"type": "array", "items": {"type": "object"}, "minItems": 1}),
        };
        if let Value::Object(map) = &mut schema {
            map.insert("title".into(), json!(self.label));
            if !self.help.is_empty() {
                map.insert("description".into(), json!(self.help));
            }
            if let Some(default) = &self.default {
                map.insert("default".into(), default.clone());
            }
        }
        schema
    }
}

/// What a handler says of itself: enough for its form, its validation and its documentation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct HandlerSpec {
    /// The name used in `handler_type`.
    pub handler_type: HandlerType,
    /// The name shown.
    pub label: String,
    /// One sentence.
    pub description: String,
    /// The fields of its configuration, in the form's order.
    pub fields: Vec<Field>,
}

impl HandlerSpec {
    /// The JSON Schema of the configuration. Unknown members are refused.
    #[must_use]
    pub fn schema(&self) -> Value {
        let properties: Map<String, Value> = self.fields.iter().map(|f| (f.name.clone(), f.schema())).collect();
        let required: Vec<&str> = self.fields.iter().filter(|f| f.required).map(|f| f.name.as_str()).collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }
}

/// Whether a handler can work at all right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(tag = "status", content = "message", rename_all = "snake_case")]
pub enum HandlerHealth {
    /// Nothing is known.
    Unknown,
    /// It works.
    Healthy,
    /// It does not, and why.
    Unavailable(String),
}

/// A handler as `GET /handlers` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct HandlerInfo {
    /// What it says of itself.
    #[serde(flatten)]
    pub spec: HandlerSpec,
    /// The JSON Schema of its configuration.
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub schema: Value,
    /// Whether it can work.
    pub health: HandlerHealth,
    /// How it has been doing: that, and the attempts of the caller's actions in the last minutes.
    pub verdict: Health,
    /// When that was found out.
    pub checked_at: Timestamp,
}

/// Reads a JSON value as `T`; the first shape fault becomes a 422 with its pointer.
///
/// # Errors
/// 422 naming the place.
#[cfg(feature = "server")]
pub fn from_value<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|e| {
        let pointer = pointer_of(e.path());
        let message = e.inner().to_string();
        ApiError::validation(vec![FieldError::new(pointer, shape_code(&message), message)])
    })
}

/// The JSON Pointer of a `serde_path_to_error` path.
#[cfg(feature = "server")]
#[must_use]
pub fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|s| match s {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// The stable word for a shape fault, from serde's own message.
#[cfg(feature = "server")]
#[must_use]
pub fn shape_code(message: &str) -> &'static str {
    match message {
        m if m.starts_with("unknown field") => "unknown_field",
        m if m.starts_with("unknown variant") => "unknown_word",
        m if m.starts_with("missing field") => "missing",
        m if m.starts_with("invalid type") => "wrong_type",
        _ => "invalid",
    }
}
