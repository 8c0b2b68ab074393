//! Stored JavaScript modules: made, changed, read, tried. Every change is a new version, audited, and in effect at once.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::library::{Edit, Kind, StoredVersion, body_of, changed, owner_of};
use super::{Caller, Engine};
use crate::db::library::Item;
use crate::handlers::function::{ModuleRun, check_module, run_module};
use crate::model::access::Scope;
use crate::model::action::diff;
use crate::model::function::{DEFAULT_RUN_SECONDS, Function, FunctionFault, FunctionRun, FunctionVersion, NewFunction, RunFunction};
use crate::model::library::LibraryFilter;
use crate::model::page::{Page, PageRequest};
use crate::model::{ApiError, Timestamp};

/// The name of a module that is run without being stored.
const DRAFT: &str = "draft";

/// What a person wrote, as it is stored. The tenant is the row's.
fn to_body(new: &NewFunction, exports: &[String]) -> Value {
    json!({"name": new.name, "source": new.source, "exports": exports})
}

fn from_body(body: &Value, tenant: Option<&str>) -> NewFunction {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    NewFunction { name: text("name"), source: text("source"), tenant_id: tenant.map(str::to_owned) }
}

pub(super) fn function_of(item: &Item) -> Function {
    let body = body_of(&item.body);
    let exports = body.get("exports").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    Function {
        id: item.id.clone(),
        definition: NewFunction { name: item.name.clone(), ..from_body(&body, owner_of(item)) },
        exports,
        version: item.version,
        created_at: Timestamp(item.created_at),
        updated_at: Timestamp(item.updated_at),
        created_by: item.created_by.clone(),
        used_by: None,
    }
}

/// Every fault at once; a module that has none is loaded once to see what it exports.
pub(super) async fn check(new: &NewFunction) -> Result<Vec<String>, ApiError> {
    new.validate().into_result()?;
    check_module(new.tenant_id.as_deref(), &new.name, &new.source).await.map_err(|fault| ApiError::validation(vec![fault]))
}

impl Engine {
    /// Functions by name: the tenant's own and platform-wide ones.
    ///
    /// # Errors
    /// 403 without `actions:read`, 404 for another tenant.
    pub async fn list_functions(&self, caller: &Caller, filter: LibraryFilter, page: PageRequest) -> Result<Page<Function>, ApiError> {
        Ok(self.list_items(caller, Kind::Function, &filter, &page)?.map(|item| function_of(&item)))
    }

    /// One function, by its id or the name that an action of the caller's tenant would use, and the actions that use it.
    ///
    /// # Errors
    /// 403 without `actions:read`, 404.
    pub async fn get_function(&self, caller: &Caller, id_or_name: &str) -> Result<Function, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let item = self.find_item(caller, Kind::Function, id_or_name)?;
        Ok(Function { used_by: Some(self.item_used_by(caller, Kind::Function, &item)), ..function_of(&item) })
    }

    /// Makes a function.
    ///
    /// # Errors
    /// 403 without `actions:write` or for another tenant, 409 for a taken name or when there are too many, 422 with every fault,
    /// those of the source with line and column.
    pub async fn create_function(&self, caller: &Caller, mut new: NewFunction) -> Result<Function, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        new.validate().into_result()?;
        new.tenant_id = self.owner(caller, new.tenant_id.take())?;
        let exports = check(&new).await?;
        let item = self.insert_item(caller, Kind::Function, new.tenant_id.as_deref(), &new.name, &to_body(&new, &exports)).await?;
        Ok(function_of(&item))
    }

    /// Changes name or source; absent keeps. In effect for the next call.
    ///
    /// # Errors
    /// 404; 403 for a platform-wide one; 409 when `expected_version` is not the current one, or for a new name while actions use
    /// the old; 422 with every fault.
    pub async fn update_function(&self, caller: &Caller, id_or_name: &str, changes: Map<String, Value>, expected_version: Option<i64>) -> Result<Function, ApiError> {
        let before = self.changeable_item(caller, Kind::Function, id_or_name)?;
        let new = changed(&function_of(&before).definition, changes)?;
        let exports = check(&new).await?;
        let edit = Edit { name: new.name.clone(), body: to_body(&new, &exports), expected_version };
        Ok(function_of(&self.change_item(caller, Kind::Function, &before, edit).await?))
    }

    /// Deletes a function; `force` also while actions use it, which then fail.
    ///
    /// # Errors
    /// 404; 403 for a platform-wide one; 409 naming the actions that use it.
    pub async fn delete_function(&self, caller: &Caller, id_or_name: &str, force: bool) -> Result<(), ApiError> {
        self.delete_item(caller, Kind::Function, id_or_name, force).await
    }

    /// Every version with its diff against the one before, latest first.
    ///
    /// # Errors
    /// 403 without `actions:read`, 404.
    pub async fn function_versions(&self, caller: &Caller, id_or_name: &str) -> Result<Vec<FunctionVersion>, ApiError> {
        let (item, versions) = self.item_versions(caller, Kind::Function, id_or_name).await?;
        let of = |(i, v): (usize, &StoredVersion)| FunctionVersion {
            version: v.version,
            definition: from_body(&v.body, owner_of(&item)),
            author: v.author.clone(),
            created_at: v.at,
            diff: versions.get(i + 1).map_or_else(Vec::new, |older| diff(&older.body, &v.body)),
        };
        Ok(versions.iter().enumerate().map(of).collect())
    }

    /// Runs a stored function, or other source in its place, with a made-up event. It runs in the sandbox; nothing is stored.
    ///
    /// # Errors
    /// 403 without `actions:write`, 404, 422 with every fault. A function that fails is no error but told in the answer.
    pub async fn run_function(&self, caller: &Caller, id_or_name: &str, run: RunFunction) -> Result<FunctionRun, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        let function = function_of(&*self.find_item(caller, Kind::Function, id_or_name)?);
        run.validate().into_result()?;
        let NewFunction { name, source, tenant_id } = function.definition;
        let source = run.source.clone().unwrap_or(source);
        self.run(caller, tenant_id.as_deref(), (&name, &source), run).await
    }

    /// Runs source that is not stored.
    ///
    /// # Errors
    /// 403 without `actions:write`, 422 with every fault.
    pub async fn run_function_draft(&self, caller: &Caller, mut run: RunFunction) -> Result<FunctionRun, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        let mut faults = run.validate();
        faults.require(run.source.is_some(), "/source", "missing", "source is needed: export function name(event, args, kwargs, ctx) { ... }");
        faults.into_result()?;
        let source = run.source.take().unwrap_or_default();
        self.run(caller, None, (DRAFT, &source), run).await
    }

    async fn run(&self, caller: &Caller, owner: Option<&str>, module: (&str, &str), run: RunFunction) -> Result<FunctionRun, ApiError> {
        let (name, source) = module;
        let event = self.sample_event(caller, owner, run.event)?;
        let function = match run.function.filter(|f| !f.is_empty()) {
            Some(function) => function,
            None => only_export(&event.tenant_id, name, source).await?,
        };
        let limit = Duration::from_secs(u64::from(run.timeout_seconds.unwrap_or(DEFAULT_RUN_SECONDS)));
        Ok(report(run_module(name, source, &function, &event, run.args, run.kwargs, limit).await))
    }
}

/// The only function of a module.
async fn only_export(tenant: &str, name: &str, source: &str) -> Result<String, ApiError> {
    let mut exports = check_module(Some(tenant), name, source).await.map_err(|fault| ApiError::validation(vec![fault]))?;
    match (exports.pop(), exports.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => {
            exports.extend(last);
            Err(ApiError::invalid("/function", "missing", format!("The module exports {}; say which of them to run.", exports.join(", "))))
        }
    }
}

fn report(run: ModuleRun) -> FunctionRun {
    let (result, error) = match run.outcome {
        Ok(result) => (Some(result), None),
        Err(e) => (None, Some(FunctionFault { class: e.class, message: e.message, line: run.place.map(|p| p.0), column: run.place.map(|p| p.1) })),
    };
    FunctionRun { result, error, logs: run.logs, duration_ms: run.duration_ms }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::HandlerError;
    use crate::model::execution::ErrorClass;

    #[test]
    fn a_function_survives_storage() {
        let new = NewFunction { name: "a".into(), source: "export const f = () => 1".into(), tenant_id: None };
        assert_eq!(from_body(&to_body(&new, &["f".into()]), None), new);
    }

    #[test]
    fn a_failed_run_names_the_line() {
        let error = HandlerError::permanent(ErrorClass::Function, "Error: x (m, line 3, column 7)");
        let run = report(ModuleRun { outcome: Err(error), place: Some((3, 7)), logs: vec!["hi".into()], duration_ms: 5 });
        assert_eq!(run.error.map(|e| (e.line, e.column)), Some((Some(3), Some(7))));
        assert_eq!((run.result, run.logs.len()), (None, 1));
    }

    #[tokio::test]
    async fn the_only_function_need_not_be_named() {
        assert_eq!(only_export("only-export-test", "m", "export function f() {}").await.ok().as_deref(), Some("f"));
        let refused = only_export("only-export-test", "m", "export function f() {} export function g() {}").await.unwrap_err();
        assert!(refused.detail.contains("f, g") && refused.errors[0].pointer == "/function", "{refused}");
    }
}
