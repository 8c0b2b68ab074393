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
    /// The execution that wrote it.
    pub execution_id: String,
    /// The sender.
    pub from: String,
    /// All recipients: to, cc and bcc.
    pub recipients: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The whole message (RFC 5322); download it as .eml.
    #[serde(default, skip_serializing)]
    pub raw: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
}
