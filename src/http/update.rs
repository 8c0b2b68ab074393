//! What changes of versioned things share: the schema of their body, the version they are based on, and the answer.

use std::borrow::Cow;
use std::marker::PhantomData;

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::params::if_match;
use crate::model::ApiError;

/// Any subset of the fields of `T` and `version`, for the documentation. Use it through an alias, so that the name fits.
pub struct Update<T>(PhantomData<T>);

impl<T: PartialSchema> PartialSchema for Update<T> {
    fn schema() -> RefOr<Schema> {
        let mut schema = T::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.required.clear();
            object.description = Some("Any subset of the fields: null clears, absent keeps.".into());
            let version = ObjectBuilder::new().schema_type(Type::Integer).description(Some("The version this change is based on; another one in force is 409."));
            object.properties.insert("version".into(), version.into());
        }
        schema
    }
}

impl<T: ToSchema> ToSchema for Update<T> {
    fn name() -> Cow<'static, str> {
        let name = T::name();
        format!("{}Update", name.strip_prefix("New").unwrap_or(&name)).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

/// The version that a change is based on, from `If-Match` or the member `version`, which is taken out of the changes.
///
/// # Errors
/// 400 for a bad header or two versions that differ, 422 for a bad member.
pub fn expected_version(headers: &HeaderMap, changes: &mut Map<String, Value>) -> Result<Option<i64>, ApiError> {
    let in_body = match changes.remove("version") {
        None | Some(Value::Null) => None,
        Some(version) => Some(version.as_i64().ok_or_else(|| ApiError::invalid("/version", "wrong_type", "version is a whole number, the one this change is based on."))?),
    };
    match (if_match(headers)?, in_body) {
        (Some(a), Some(b)) if a != b => Err(ApiError::bad_request("contradiction", format!("If-Match says version {a}, the body says version {b}."))),
        (in_header, in_body) => Ok(in_header.or(in_body)),
    }
}

/// A versioned thing as an answer, with its version as `ETag`.
pub fn versioned(version: i64, thing: &impl Serialize) -> Response {
    ([(header::ETAG, format!("\"{version}\""))], Json(thing)).into_response()
}

/// The answer to something new at `location`.
pub fn created(location: String, body: Response) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, location)], body).into_response()
}
