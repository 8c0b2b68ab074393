//! Mails in the outbox.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// A mail that was not sent because no mail server is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OutboxMail {
    /// The message's id: the execution's, in a workflow step with the step's number.
    pub id: String,
    /// The event's tenant.
    pub tenant_id: String,
    /// The execution that wrote it; of a test mail the mail's own id.
    pub execution_id: String,
    /// The sender.
    pub from: String,
    /// All recipients: to, cc and bcc.
    pub recipients: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The whole message (RFC 5322), for the download as .eml; empty in lists.
    #[serde(default, skip_serializing)]
    #[cfg_attr(feature = "server", schema(ignore))]
    pub raw: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A mail in the outbox with what its reader would see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MailContent {
    /// The mail.
    #[serde(flatten)]
    pub mail: OutboxMail,
    /// The text body.
    pub text: Option<String>,
    /// The HTML body; never show it outside a frame without rights.
    pub html: Option<String>,
}

/// Filters of the outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFilter {
    /// Only mails of this execution.
    pub execution_id: Option<String>,
    /// Part of the subject, the sender or a recipient, letter case ignored.
    pub search: Option<String>,
    /// For a platform credential: only this tenant.
    pub tenant_id: Option<String>,
}
