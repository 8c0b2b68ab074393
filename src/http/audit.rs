//! Routes of the audit log, for administrators: read it, and verify that nobody has changed it.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::params::{Nothing, Params};
use crate::engine::Engine;
use crate::model::audit::{AuditEntry, AuditFilter, AuditVerdict};
use crate::model::page::{Page, PageRequest};
use crate::model::{ApiError, Timestamp};

const TAG: &str = "audit-log";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_audit_log)).routes(routes!(verify_audit_log))
}

/// Filters of the log, and the page wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Exact actor, such as `user:ada@example.com`.
    actor: Option<String>,
    /// Exact action, such as `action.update`.
    action: Option<String>,
    /// Exact kind of subject, such as `action`.
    subject_kind: Option<String>,
    /// Exact id of the subject.
    subject_id: Option<String>,
    /// At or after.
    #[param(inline)]
    from: Option<Timestamp>,
    /// Before.
    #[param(inline)]
    to: Option<Timestamp>,
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List changes, latest first: who, from where, what, before and after
#[utoipa::path(get, path = "/api/v1/audit-log", tag = TAG, params(ListQuery), responses((status = 200, description = "A page of entries", body = Page<AuditEntry>)))]
async fn list_audit_log(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<ListQuery>) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let page = PageRequest { limit: q.limit, cursor: q.cursor };
    let filter = AuditFilter { actor: q.actor, action: q.action, subject_kind: q.subject_kind, subject_id: q.subject_id, from: q.from, to: q.to, tenant_id: q.tenant_id };
    engine.list_audit(&caller, filter, page).await.map(Json)
}

/// Follow the whole chain of the log and name the first place where it does not hold
#[utoipa::path(get, path = "/api/v1/audit-log/verify", tag = TAG, responses((status = 200, description = "The verdict", body = AuditVerdict)))]
async fn verify_audit_log(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>) -> Result<Json<AuditVerdict>, ApiError> {
    engine.verify_audit(&caller).await.map(Json)
}
