//! Routes of the mailbox: mails that stay here because no mail server is configured.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::params::{Nothing, Params, Path};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::mail::{MailContent, MailFilter, OutboxMail};
use crate::model::page::{Page, PageRequest};

const TAG: &str = "mailbox";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_mails)).routes(routes!(get_mail)).routes(routes!(get_raw_mail))
}

/// Filters of the list, and the page wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Only mails of this execution.
    execution_id: Option<String>,
    /// Part of the subject, the sender or a recipient, letter case ignored.
    search: Option<String>,
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List mails that were not sent through a mail server, latest first
#[utoipa::path(get, path = "/api/v1/mailbox", tag = TAG, params(ListQuery), responses((status = 200, description = "A page of mails", body = Page<OutboxMail>)))]
async fn list_mails(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<ListQuery>) -> Result<Json<Page<OutboxMail>>, ApiError> {
    let page = PageRequest { limit: q.limit, cursor: q.cursor };
    let filter = MailFilter { execution_id: q.execution_id, search: q.search, tenant_id: q.tenant_id };
    engine.list_mails(&caller, filter, page).await.map(Json)
}

/// One mail with its text and HTML
#[utoipa::path(get, path = "/api/v1/mailbox/{id}", tag = TAG, params(("id" = String, Path, description = "The mail's id")),
    responses((status = 200, description = "The mail", body = MailContent)))]
async fn get_mail(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<MailContent>, ApiError> {
    engine.get_mail(&caller, &id).await.map(Json)
}

/// One mail as a file (.eml), as a mail server would have got it
#[utoipa::path(get, path = "/api/v1/mailbox/{id}/raw", tag = TAG, params(("id" = String, Path, description = "The mail's id")),
    responses((status = 200, description = "The message (RFC 5322)", body = String, content_type = "message/rfc822")))]
async fn get_raw_mail(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Response, ApiError> {
    let raw = engine.raw_mail(&caller, &id).await?;
    // Whatever the id holds, the header stays one header.
    let name: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(100).collect();
    let disposition = format!("attachment; filename=\"{name}.eml\"");
    Ok(([(header::CONTENT_TYPE, "message/rfc822".to_owned()), (header::CONTENT_DISPOSITION, disposition)], raw).into_response())
}
