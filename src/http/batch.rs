//! Many events in one request: how they are told apart, and the one answer with a result per item.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::body::{malformed, object, parse, too_large};
use super::error::{Problem, status_of};
use crate::model::event::{MAX_EVENT_BYTES, NewEvent};
use crate::model::execution::Receipt;
use crate::model::{ApiError, FieldError};

/// What became of each item of a batch, in the batch's order.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// One per item.
    pub items: Vec<BatchItem>,
    /// How many are stored, duplicates included.
    pub accepted: usize,
    /// How many are not.
    pub refused: usize,
}

/// What became of one item.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchItem {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The status it would have had alone: 200, 202, or that of the error.
    pub status: u16,
    /// The receipt, when it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Why it was refused; pointers begin with the item's index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

impl BatchAnswer {
    /// The answer to a batch.
    pub fn new(results: Vec<Result<Receipt, ApiError>>) -> Self {
        let items: Vec<BatchItem> = results.into_iter().enumerate().map(|(index, result)| BatchItem::new(index, result)).collect();
        let refused = items.iter().filter(|i| i.error.is_some()).count();
        Self { accepted: items.len() - refused, refused, items }
    }

    /// 207 when an item was refused, else 202 while anything is pending, else 200.
    fn status(&self) -> StatusCode {
        match self {
            Self { refused: 1.., .. } => StatusCode::MULTI_STATUS,
            Self { items, .. } if items.iter().any(|i| i.status == StatusCode::ACCEPTED.as_u16()) => StatusCode::ACCEPTED,
            _ => StatusCode::OK,
        }
    }
}

impl BatchItem {
    fn new(index: usize, result: Result<Receipt, ApiError>) -> Self {
        match result {
            Ok(receipt) => Self { index, status: receipt_status(&receipt).as_u16(), receipt: Some(receipt), error: None },
            Err(mut error) => {
                for fault in &mut error.errors {
                    fault.pointer.insert_str(0, &format!("/{index}"));
                }
                let status = status_of(error.kind).0.as_u16();
                Self { index, status, receipt: None, error: Some(Problem { request_id: None, ..Problem::from(error) }) }
            }
        }
    }
}

impl IntoResponse for BatchAnswer {
    fn into_response(self) -> Response {
        (self.status(), Json(self)).into_response()
    }
}

/// 200 when every execution has ended, else 202.
#[must_use]
pub fn receipt_status(receipt: &Receipt) -> StatusCode {
    if receipt.executions.iter().all(|x| x.status.is_terminal()) { StatusCode::OK } else { StatusCode::ACCEPTED }
}

/// The items of a JSON array, each as it was written.
///
/// # Errors
/// 400 when it is no JSON, 422 when it is no array.
pub fn array_items(bytes: &[u8]) -> Result<Vec<&RawValue>, ApiError> {
    serde_json::from_slice(bytes)
        .map_err(|e| if e.is_data() { ApiError::validation(vec![FieldError::new("", "wrong_type", "A batch is an array of events.")]) } else { malformed(&e) })
}

/// The events of a batch: an array, or one per line.
///
/// # Errors
/// 400 when an array is no JSON at all; what is wrong with one item is that item's.
pub fn events_of(bytes: &[u8], in_lines: bool) -> Result<Vec<Result<NewEvent, ApiError>>, ApiError> {
    if in_lines {
        return Ok(bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).map(event_of).collect());
    }
    Ok(array_items(bytes)?.into_iter().map(|item| event_of(item.get().as_bytes())).collect())
}

fn event_of(bytes: &[u8]) -> Result<NewEvent, ApiError> {
    item_of(bytes).and_then(object)
}

/// One item's JSON, within the limits of a single event.
///
/// # Errors
/// 400, 413.
pub fn item_of(bytes: &[u8]) -> Result<serde_json::Value, ApiError> {
    if bytes.len() > MAX_EVENT_BYTES {
        return Err(too_large(MAX_EVENT_BYTES));
    }
    parse(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ErrorKind;

    #[test]
    fn a_bad_line_is_its_own_fault() {
        let items = events_of(b"{\"event_type\":\"a.b\"}\r\n\n{oops\n{\"event_type\":\"c\",\"nope\":1}\n", true).unwrap();
        assert_eq!(items.len(), 3);
        assert!(items[0].as_ref().is_ok_and(|e| e.event_type == "a.b"));
        assert!(items[1].as_ref().is_err_and(|e| e.kind == ErrorKind::BadRequest));
        assert!(items[2].as_ref().is_err_and(|e| e.errors[0].pointer == "/nope"));
    }

    #[test]
    fn an_array_must_be_one() {
        assert!(events_of(b"{}", false).is_err_and(|e| e.kind == ErrorKind::Unprocessable));
        assert!(events_of(b"[{}", false).is_err_and(|e| e.kind == ErrorKind::BadRequest));
        assert_eq!(events_of(b"[]", false).map(|items| items.len()).ok(), Some(0));
        let items = events_of(b"[{\"event_type\":\"a\"}, 7]", false).unwrap();
        assert!(items[0].is_ok() && items[1].is_err());
    }

    #[test]
    fn the_status_of_a_batch_and_the_pointers_in_it() {
        let answer = BatchAnswer::new(vec![Ok(Receipt { event_id: "e".into(), duplicate: false, matched: 0, executions: vec![] })]);
        assert_eq!((answer.status(), answer.accepted, answer.refused), (StatusCode::OK, 1, 0));
        let answer = BatchAnswer::new(vec![Err(ApiError::invalid("/event_type", "missing", "no"))]);
        assert_eq!((answer.status(), answer.items[0].status), (StatusCode::MULTI_STATUS, 422));
        assert!(answer.items[0].error.as_ref().is_some_and(|p| p.errors[0].pointer == "/0/event_type"));
    }
}
