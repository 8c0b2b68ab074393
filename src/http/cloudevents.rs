//! The route for CloudEvents 1.0 over HTTP: structured, binary and batch mode, turned into events of this product.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::batch::{BatchAnswer, array_items, item_of, receipt_status};
use super::body::{media_type, read, unsupported};
use super::params::{Nothing, Params};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::event::{MAX_BATCH_BYTES, MAX_EVENT_BYTES};
use crate::model::execution::Receipt;

mod convert;

use convert::{from_binary, from_structured};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(send_cloudevents))
}

/// One event is answered by its receipt, a batch as by `/events/batch`.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "says in the document what is answered")]
enum CloudEventsAnswer {
    /// Of one event.
    Receipt(Receipt),
    /// Of a batch.
    Batch(BatchAnswer),
}

/// Send CloudEvents 1.0 in structured, binary or batch mode
///
/// `source` and `id` together name the event: the same pair again is a duplicate. `type` becomes the event type, `data` the data
/// (wrapped as `{"value": ...}` when it is no object), `time` the time, `source`, `subject` and extensions the metadata.
/// The extensions `tenantid`, `correlationid` and `causationid` become the fields they name.
#[utoipa::path(post, path = "/api/v1/cloudevents", tag = "events",
    request_body(content((Value = "application/cloudevents+json"), (Vec<Value> = "application/cloudevents-batch+json"), (Value = "application/json")),
        description = "One event of at most 1 MiB, or a batch of at most 1,000 and 16 MiB. Binary mode: attributes in `ce-` headers, the data as the body."),
    responses((status = 200, description = "Stored; everything has ended. A batch is answered as by /events/batch", body = CloudEventsAnswer),
        (status = 202, description = "Stored; something is still to run", body = CloudEventsAnswer), (status = 207, description = "Some items of a batch were refused", body = BatchAnswer)))]
async fn send_cloudevents(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, request: Request) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    let event = match mode_of(&headers)? {
        Mode::Batch => {
            let bytes = read(request, MAX_BATCH_BYTES).await?;
            let items = array_items(&bytes)?.into_iter().map(|item| item_of(item.get().as_bytes()).and_then(|v| from_structured(object(v)?))).collect();
            return engine.ingest_batch(&caller, items).await.map(|results| BatchAnswer::new(results).into_response());
        }
        Mode::Structured => {
            let bytes = read(request, MAX_EVENT_BYTES).await?;
            from_structured(object(item_of(&bytes)?)?)?
        }
        Mode::Binary => {
            let bytes = read(request, MAX_EVENT_BYTES).await?;
            from_binary(&headers, &bytes)?
        }
    };
    let receipt = engine.ingest(&caller, event, None).await?;
    Ok((receipt_status(&receipt), Json(receipt)).into_response())
}

#[derive(Debug, PartialEq, Eq)]
enum Mode {
    Structured,
    Binary,
    Batch,
}

fn mode_of(headers: &HeaderMap) -> Result<Mode, ApiError> {
    match media_type(headers).as_deref() {
        Some(STRUCTURED) => Ok(Mode::Structured),
        Some(BATCH) => Ok(Mode::Batch),
        Some(other) if other.starts_with("application/cloudevents") => Err(unsupported(&[STRUCTURED, BATCH], Some(other))),
        _ if headers.contains_key("ce-specversion") => Ok(Mode::Binary),
        other => Err(unsupported(&[STRUCTURED, BATCH, "the data's own, with the attributes in ce- headers"], other)),
    }
}

fn object(value: Value) -> Result<Map<String, Value>, ApiError> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(ApiError::invalid("", "wrong_type", "A CloudEvent is an object.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn the_mode_follows_from_the_headers() {
        assert_eq!(mode_of(&headers(&[("content-type", "application/cloudevents+json; charset=utf-8")])).ok(), Some(Mode::Structured));
        assert_eq!(mode_of(&headers(&[("content-type", "Application/CloudEvents-Batch+JSON")])).ok(), Some(Mode::Batch));
        assert_eq!(mode_of(&headers(&[("content-type", "application/json"), ("ce-specversion", "1.0")])).ok(), Some(Mode::Binary));
        assert_eq!(mode_of(&headers(&[("ce-specversion", "1.0")])).ok(), Some(Mode::Binary));
        assert!(mode_of(&headers(&[("content-type", "application/cloudevents+avro")])).is_err());
        assert!(mode_of(&headers(&[("content-type", "application/json")])).is_err());
    }
}
