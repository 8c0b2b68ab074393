//! The mailbox: mails that stay here because no mail server is configured.

use super::{Caller, Engine, cursor, internal};
use crate::db::outbox;
use crate::model::ApiError;
use crate::model::access::Scope;
use crate::model::mail::{MailContent, MailFilter, OutboxMail};
use crate::model::page::{Page, PageRequest};

mod mime;

impl Engine {
    /// Mails of the caller's tenant, or for the platform of one or all, latest first.
    ///
    /// # Errors
    /// 403 without `executions:read`, 404 for another tenant.
    pub async fn list_mails(&self, caller: &Caller, filter: MailFilter, page: PageRequest) -> Result<Page<OutboxMail>, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        let tenant = caller.reads(filter.tenant_id.as_deref())?;
        let limit = page.checked_limit()?;
        let after: Option<(i64, String)> = cursor::decode(&page)?;
        let found = outbox::list(self.db(), tenant.as_deref(), &filter, after, limit + 1).await.map_err(internal)?;
        Ok(cursor::page(found, limit, |m| (m.created_at.0, m.id.clone())))
    }

    /// One mail with its text and HTML.
    ///
    /// # Errors
    /// 403 without `executions:read`, 404.
    pub async fn get_mail(&self, caller: &Caller, id: &str) -> Result<MailContent, ApiError> {
        let mail = self.visible_mail(caller, id).await?;
        let (text, html) = mime::bodies(&mail.raw);
        Ok(MailContent { mail, text, html })
    }

    /// One mail as a whole (RFC 5322), as a mail server would have got it.
    ///
    /// # Errors
    /// 403 without `executions:read`, 404.
    pub async fn raw_mail(&self, caller: &Caller, id: &str) -> Result<Vec<u8>, ApiError> {
        Ok(self.visible_mail(caller, id).await?.raw)
    }

    async fn visible_mail(&self, caller: &Caller, id: &str) -> Result<OutboxMail, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        let found = outbox::get(self.db(), id).await.map_err(internal)?;
        found.filter(|m| caller.sees(&m.tenant_id)).ok_or_else(|| ApiError::not_found("mail", id))
    }
}
