//! What stands in the address: query parameters and path segments, read strictly.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::de::value::{MapDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::model::handler::{pointer_of, shape_code};
use crate::model::page::PageRequest;
use crate::model::{ApiError, ErrorKind, FieldError};

/// The query parameters as `T`. Unknown or repeated ones are 400, bad values 422 naming the parameter; an empty value counts as absent.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// No query parameter at all.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The page of a list that takes no other parameter.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        Self { limit: query.limit, cursor: query.cursor }
    }
}

/// The tenant that a platform credential looks at.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TenantQuery {
    /// For a platform credential: only this tenant.
    pub tenant_id: Option<String>,
}

/// The page of a list that a platform credential may narrow to one tenant.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TenantPageQuery {
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl TenantPageQuery {
    /// The tenant and the page.
    pub fn into_parts(self) -> (Option<String>, PageRequest) {
        (self.tenant_id, PageRequest { limit: self.limit, cursor: self.cursor })
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let mut values = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if value.is_empty() {
            values.entry(name.into_owned()).or_insert(None);
            continue;
        }
        if value.chars().any(char::is_control) {
            return Err(fault(&name, "control_character", format!("The parameter {name} contains a control character.")));
        }
        if let Some(Some(_)) = values.insert(name.to_string(), Some(value.into_owned())) {
            return Err(ApiError {
                errors: vec![FieldError::new(format!("/{name}"), "repeated", "Give it once.")],
                ..ApiError::bad_request("repeated_parameter", format!("The parameter {name} is given twice."))
            });
        }
    }
    let pairs = MapDeserializer::<_, de::value::Error>::new(values.into_iter().map(|(name, value)| (name, Text(value))));
    serde_path_to_error::deserialize(pairs).map_err(|e| {
        let pointer = pointer_of(e.path());
        let message = e.inner().to_string();
        match shape_code(&message) {
            code @ "unknown_field" => {
                let detail = format!("There is no parameter {}.", message.trim_start_matches("unknown field ").replace("there are no fields", "and this route takes none"));
                ApiError { errors: vec![FieldError::new(pointer, code, detail.clone())], ..ApiError::bad_request("unknown_parameter", detail) }
            }
            code => fault(pointer.trim_start_matches('/'), code, format!("{}: {message}.", pointer.trim_start_matches('/'))),
        }
    })
}

fn fault(name: &str, code: &str, message: String) -> ApiError {
    ApiError::invalid(&format!("/{name}"), code, message)
}

/// A parameter's text, from which numbers, words and options are read; `None` when it was given without a value.
struct Text(Option<String>);

impl Text {
    fn read<N: std::str::FromStr>(self, what: &str) -> Result<N, de::value::Error> {
        let text = self.0.unwrap_or_default();
        text.parse().map_err(|_| de::Error::custom(format!("invalid type: expected {what}, found {text:?}")))
    }

    fn text(self) -> StringDeserializer<de::value::Error> {
        self.0.unwrap_or_default().into_deserializer()
    }
}

impl IntoDeserializer<'_, de::value::Error> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Text {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.text().deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.0.is_none() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_bool(self.read("true or false")?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_u32(self.read("a whole number from 0 up")?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_i64(self.read("a whole number")?)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, name: &'static str, variants: &'static [&'static str], visitor: V) -> Result<V::Value, Self::Error> {
        self.text().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The one `{id}` of a path. What cannot be an id is 404, like an id that does not exist.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync> FromRequestParts<S> for Path<String> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<String>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(id)) if id.chars().count() <= 512 && !id.chars().any(char::is_control) => Ok(Self(id)),
            _ => Err(ApiError::new(ErrorKind::NotFound, "not_found", "The address holds an id that nothing can have.")),
        }
    }
}

/// A header as text.
///
/// # Errors
/// 400 when it is given twice or is no printable ASCII.
pub fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, ApiError> {
    let mut all = headers.get_all(name).iter();
    match (all.next().map(|v| v.to_str()), all.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text.trim())),
        _ => Err(ApiError::bad_request("bad_header", format!("The header {name} is given once, as printable ASCII."))),
    }
}

/// The version that `If-Match: "<version>"` insists on; `*` insists on none.
///
/// # Errors
/// 400 when it is neither.
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    match header(headers, "if-match")? {
        None | Some("*") => Ok(None),
        Some(text) => {
            let tag = text.strip_prefix("W/").unwrap_or(text);
            let number = tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).and_then(|t| t.parse().ok());
            number.map(Some).ok_or_else(|| ApiError::bad_request("bad_header", format!("If-Match is {text}; write the version in quotes, as in \"3\".")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::Priority;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Query {
        word: Option<String>,
        limit: Option<u32>,
        priority: Option<Priority>,
        #[serde(default)]
        flag: bool,
    }

    #[test]
    fn good_parameters() {
        let query: Query = parse("word=a%20b&limit=7&priority=high&flag=true").unwrap();
        assert_eq!(query, Query { word: Some("a b".into()), limit: Some(7), priority: Some(Priority::High), flag: true });
        let query: Query = parse("word=&limit=").unwrap();
        assert_eq!(query, Query { word: None, limit: None, priority: None, flag: false });
    }

    #[test]
    fn bad_parameters_are_named() {
        for (query, kind, pointer) in [
            ("nope=1", ErrorKind::BadRequest, "/nope"),
            ("limit=1&limit=2", ErrorKind::BadRequest, "/limit"),
            ("limit=many", ErrorKind::Unprocessable, "/limit"),
            ("limit=-1", ErrorKind::Unprocessable, "/limit"),
            ("priority=urgent", ErrorKind::Unprocessable, "/priority"),
            ("flag=maybe", ErrorKind::Unprocessable, "/flag"),
            ("word=%00", ErrorKind::Unprocessable, "/word"),
        ] {
            let refused = parse::<Query>(query).unwrap_err();
            assert_eq!((refused.kind, refused.errors[0].pointer.as_str()), (kind, pointer), "{query}: {refused}");
        }
    }

    #[test]
    fn versions_in_if_match() {
        for (value, expected) in [("\"3\"", Some(Some(3))), ("W/\"3\"", Some(Some(3))), ("*", Some(None)), ("3", None), ("\"x\"", None)] {
            let headers = HeaderMap::from_iter([(axum::http::header::IF_MATCH, value.parse().unwrap())]);
            assert_eq!(if_match(&headers).ok(), expected, "{value}");
        }
    }
}
