//! Mail templates: subject, HTML and text under a name, with versions, previews and test mails.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::action::Change;
use super::error::Faults;
use super::execution::ExecutionError;
use super::library::{MAX_NAME_CHARS, SampleEvent, UsedBy};
use super::tenant::tenant_fault;
use super::{FieldError, Timestamp};

/// Most characters of a subject, before it is rendered.
pub const MAX_SUBJECT_CHARS: usize = 998;
/// Most bytes of the HTML, and most of the text.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// Words that stand at the place of a name in addresses of the API.
const RESERVED: [&str; 1] = ["preview"];

/// Why a name cannot be a template's; `None` when it can.
#[must_use]
pub fn template_name_fault(name: &str) -> Option<&'static str> {
    if RESERVED.contains(&name) {
        return Some("A template cannot be called \"preview\".");
    }
    let fine = (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && name == name.trim() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.'));
    let dots = !name.is_empty() && name.chars().all(|c| c == '.');
    (!fine || dots).then_some("A template's name has 1 to 100 letters, digits, blanks, dots, _ and -.")
}

/// A mail template as a person writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    /// 1 to 100 letters, digits, blanks, dots, `_` and `-`; unique within the tenant.
    pub name: String,
    /// 1 to 998 characters; a template.
    pub subject: String,
    /// A template; what it prints is escaped. At most 256 KiB.
    #[serde(default)]
    pub html: Option<String>,
    /// A template. At most 256 KiB; HTML or text must be there.
    #[serde(default)]
    pub text: Option<String>,
    /// The tenant; absent with a platform credential means platform-wide.
    #[serde(default)]
    pub tenant_id: Option<String>,
}

impl NewTemplate {
    /// The same with empty bodies counted as absent.
    #[must_use]
    pub fn tidy(mut self) -> Self {
        for body in [&mut self.html, &mut self.text] {
            if body.as_deref().is_some_and(|b| b.trim().is_empty()) {
                *body = None;
            }
        }
        self
    }

    /// Every value fault at once; the syntax of the templates is checked besides.
    #[must_use]
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        if let Some(why) = template_name_fault(&self.name) {
            f.add("/name", "bad_name", why);
        }
        if self.subject.trim().is_empty() {
            f.add("/subject", "empty", "subject is needed.");
        } else if self.subject.chars().count() > MAX_SUBJECT_CHARS {
            f.add("/subject", "too_long", format!("subject has at most {MAX_SUBJECT_CHARS} characters."));
        } else if self.subject.chars().any(|c| c.is_control() && c != '\t') {
            f.add("/subject", "control_character", "subject contains a line break or another control character, which a mail header cannot hold.");
        }
        for (name, body) in [("html", &self.html), ("text", &self.text)] {
            let Some(body) = body else { continue };
            f.require(body.len() <= MAX_BODY_BYTES, &format!("/{name}"), "too_long", &format!("{name} has at most {} KiB.", MAX_BODY_BYTES / 1024));
            f.require(!body.contains('\0'), &format!("/{name}"), "control_character", &format!("{name} contains a NUL character."));
        }
        f.require(self.html.is_some() || self.text.is_some(), "/html", "missing", "A mail needs a body: html, text or both.");
        if let Some(why) = self.tenant_id.as_deref().and_then(tenant_fault) {
            f.add("/tenant_id", "bad_tenant", why);
        }
        f
    }
}

/// A mail template as stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Template {
    /// UUIDv7.
    pub id: String,
    /// What a person wrote; without `tenant_id` it is platform-wide.
    #[serde(flatten)]
    pub definition: NewTemplate,
    /// Counts up with every change, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// What uses it, as far as the caller sees; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<Vec<UsedBy>>,
}

/// One stored version of a mail template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct TemplateVersion {
    /// Counts from 1.
    pub version: i64,
    /// The template as it was.
    pub definition: NewTemplate,
    /// Who changed it.
    pub author: String,
    /// When.
    pub created_at: Timestamp,
    /// What changed against the version before.
    pub diff: Vec<Change>,
}

/// What a stored template is previewed with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// The event that it is rendered for.
    #[serde(default)]
    pub event: SampleEvent,
    /// The action's `params`, taken literally.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub params: Map<String, Value>,
}

/// A template that is not saved, and what it is previewed with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DraftPreview {
    /// The subject.
    #[serde(default)]
    pub subject: String,
    /// The HTML.
    #[serde(default)]
    pub html: Option<String>,
    /// The text.
    #[serde(default)]
    pub text: Option<String>,
    /// The event that it is rendered for.
    #[serde(default)]
    pub event: SampleEvent,
    /// The action's `params`, taken literally.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub params: Map<String, Value>,
}

/// A template, rendered; a part that cannot be is absent and has a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct TemplatePreview {
    /// The subject.
    pub subject: Option<String>,
    /// The HTML; never show it outside a frame without rights.
    pub html: Option<String>,
    /// The text.
    pub text: Option<String>,
    /// Why parts could not be rendered: `/subject`, `/html`, `/text`.
    pub faults: Vec<FieldError>,
}

/// A test mail from a stored template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TestMail {
    /// The one address that it goes to; no template.
    pub to: String,
    /// The sender, one that the tenant allows; no template.
    pub from: String,
    /// The event that it is rendered for.
    #[serde(default)]
    pub event: SampleEvent,
    /// The action's `params`; strings in it may hold no template.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub params: Map<String, Value>,
}

/// What became of a test mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct TestMailReport {
    /// Whether a mail server or the outbox has taken it.
    pub sent: bool,
    /// `smtp` or `outbox`.
    pub sent_to: Option<String>,
    /// The mail's id in the outbox, also the first part of its message id.
    pub mail_id: String,
    /// Why it was not sent.
    pub error: Option<ExecutionError>,
    /// The mail as rendered, values of secrets redacted.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub request: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, fine) in
            [("welcome_email", true), ("Order shipped 2.0", true), ("Grüße", true), ("", false), (" a", false), ("a/b", false), ("preview", false), ("..", false), ("a\n", false)]
        {
            assert_eq!(template_name_fault(name).is_none(), fine, "{name:?}");
        }
        assert!(template_name_fault(&"a".repeat(100)).is_none() && template_name_fault(&"a".repeat(101)).is_some());
    }

    #[test]
    fn faults_of_templates() {
        let good = NewTemplate { name: "a".into(), subject: "Hi {{ user.name }}".into(), text: Some("x".into()), ..NewTemplate::default() };
        let text = |text: &str| Some(text.to_owned());
        for (template, pointers) in [
            (good.clone(), vec![]),
            (NewTemplate { subject: " ".into(), ..good.clone() }, vec!["/subject"]),
            (NewTemplate { subject: "a\r\nBcc: x".into(), ..good.clone() }, vec!["/subject"]),
            (NewTemplate { text: None, html: text("  "), ..good.clone() }, vec!["/html"]),
            (NewTemplate { html: text("\0"), ..good.clone() }, vec!["/html"]),
            (NewTemplate { name: String::new(), tenant_id: text("A B"), ..good.clone() }, vec!["/name", "/tenant_id"]),
        ] {
            let faults = template.clone().tidy().validate();
            assert_eq!(faults.0.iter().map(|f| f.pointer.as_str()).collect::<Vec<_>>(), pointers, "{template:?}");
        }
    }
}
