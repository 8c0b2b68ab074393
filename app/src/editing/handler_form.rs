//! What the editor knows of a handler type: its fields, flattened for the browser. The form of any handler is drawn from this alone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which control enters a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// One line.
    #[default]
    Text,
    /// One line in monospace: a URL, the name of a template or of a secret.
    Mono,
    /// Several lines.
    Lines,
    /// A whole number.
    Number,
    /// True or false.
    Switch,
    /// One of `options`.
    Choice,
    /// A list of texts as chips.
    Texts,
    /// A list of whole numbers as chips.
    Numbers,
    /// Named texts as rows.
    Pairs,
    /// Any JSON.
    Json,
    /// The steps of a workflow.
    Steps,
}

/// One field of a handler's configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FormField {
    /// The member's name in `configuration`.
    pub name: String,
    /// The label.
    pub label: String,
    /// One line of help.
    pub help: String,
    /// How it is entered.
    pub control: Control,
    /// The words of a choice.
    pub options: Vec<String>,
    /// Least and greatest value of a number.
    pub bounds: Option<(i64, i64)>,
    /// What a number counts, such as `s`.
    pub unit: Option<String>,
    /// Whether it must be given.
    pub required: bool,
    /// The value when it is absent.
    pub default: Option<Value>,
    /// An example shown in the empty field.
    pub placeholder: Option<String>,
    /// Whether a template may stand in for its value.
    pub templated: bool,
    /// Whether it is folded away until asked for.
    pub advanced: bool,
}

/// A handler type with its fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HandlerForm {
    /// The name used in `handler_type`.
    pub handler_type: String,
    /// The name shown.
    pub label: String,
    /// One sentence.
    pub description: String,
    /// The fields in the form's order.
    pub fields: Vec<FormField>,
    /// Why it cannot work right now.
    pub unavailable: Option<String>,
}

impl HandlerForm {
    /// The form of a type among `all`.
    #[must_use]
    pub fn find<'a>(all: &'a [Self], handler_type: &str) -> Option<&'a Self> {
        all.iter().find(|h| h.handler_type == handler_type)
    }

    /// The field that a member of the configuration belongs to.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&FormField> {
        self.fields.iter().find(|f| f.name == name)
    }
}

#[cfg(feature = "ssr")]
impl From<event_actions::model::handler::HandlerInfo> for HandlerForm {
    fn from(info: event_actions::model::handler::HandlerInfo) -> Self {
        use event_actions::model::handler::HandlerHealth;
        let unavailable = match info.health {
            HandlerHealth::Unavailable(why) => Some(why),
            HandlerHealth::Healthy | HandlerHealth::Unknown => None,
        };
        let spec = info.spec;
        Self { handler_type: spec.handler_type.0, label: spec.label, description: spec.description, fields: spec.fields.into_iter().map(FormField::from).collect(), unavailable }
    }
}

#[cfg(feature = "ssr")]
impl From<event_actions::model::handler::Field> for FormField {
    fn from(field: event_actions::model::handler::Field) -> Self {
        use event_actions::model::handler::FieldKind;
        let mut form = Self {
            name: field.name,
            label: field.label,
            help: field.help,
            required: field.required,
            default: field.default,
            placeholder: field.placeholder,
            templated: field.templated,
            advanced: field.advanced,
            ..Self::default()
        };
        form.control = match field.kind {
            FieldKind::Text => Control::Text,
            FieldKind::Url | FieldKind::TemplateName | FieldKind::Secret => Control::Mono,
            FieldKind::Multiline { .. } => Control::Lines,
            FieldKind::Number { min, max, unit } => {
                form.bounds = Some((min, max));
                form.unit = unit;
                Control::Number
            }
            FieldKind::Switch => Control::Switch,
            FieldKind::Choice { options } => {
                form.options = options;
                Control::Choice
            }
            FieldKind::TextList => Control::Texts,
            FieldKind::NumberList => Control::Numbers,
            FieldKind::KeyValue => Control::Pairs,
            FieldKind::Json => Control::Json,
            FieldKind::Steps => Control::Steps,
        };
        form
    }
}
