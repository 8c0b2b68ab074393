//! Why a mail was not taken: where in the exchange it failed, the class, a sentence.

use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::Error;

use crate::handlers::HandlerError;
use crate::model::execution::ErrorClass;

/// How far an exchange with the server has come; survives when the exchange is abandoned.
#[derive(Debug)]
pub struct Stage(Mutex<(String, bool)>);

impl Default for Stage {
    fn default() -> Self {
        Self(Mutex::new(("waiting for a free connection".to_owned(), false)))
    }
}

impl Stage {
    /// The next step.
    pub fn set(&self, step: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (step.into(), false);
    }

    /// The message itself is under way: from here on the server may have taken it.
    pub fn set_message(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ("the message".to_owned(), true);
    }

    fn get(&self) -> (String, bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const MAYBE_TAKEN: &str = " It may have taken the mail; a retry carries the same Message-ID.";

/// The server did not answer in time.
pub fn stalled(host: &str, stage: &Stage, limit: Duration) -> HandlerError {
    let (step, sent) = stage.get();
    let hint = if sent { MAYBE_TAKEN } else { "" };
    HandlerError::retryable(ErrorClass::Timeout, format!("The mail server {host} did not answer within {:.1} s, at: {step}.{hint}", limit.as_secs_f64()))
}

/// An error of the exchange, classed.
pub fn explain(host: &str, error: &Error, stage: &Stage) -> HandlerError {
    let (step, sent) = stage.get();
    let detail = error.source().map_or_else(|| error.to_string(), innermost);
    if let Some(code) = error.status() {
        let message = format!("The mail server {host} refused at {step}: {code} {}", detail.trim());
        let message = message.trim_end_matches('.').to_owned() + ".";
        return if error.is_permanent() { HandlerError::permanent(ErrorClass::Smtp, message) } else { HandlerError::retryable(ErrorClass::Smtp, message) };
    }
    if let Some(tls) = tls_error(error) {
        let message = format!("The TLS connection to the mail server {host} failed: {tls}. Nothing was sent.");
        // A certificate stays bad; anything else in a handshake may pass.
        return if matches!(tls, rustls::Error::InvalidCertificate(_)) {
            HandlerError::permanent(ErrorClass::Tls, message)
        } else {
            HandlerError::retryable(ErrorClass::Tls, message)
        };
    }
    if error.is_client() || error.is_tls() {
        return HandlerError::permanent(ErrorClass::Smtp, format!("The mail server {host} cannot be used at {step}: {detail}."));
    }
    if error.is_timeout() {
        return HandlerError::retryable(ErrorClass::Timeout, format!("The mail server {host} could not be reached in time."));
    }
    let hint = if sent { MAYBE_TAKEN } else { "" };
    if error.is_response() {
        let (class, what) = if detail == "incomplete response" {
            (ErrorClass::Connection, "closed the connection".to_owned())
        } else {
            (ErrorClass::Protocol, format!("answered what is no SMTP ({detail})"))
        };
        return HandlerError::retryable(class, format!("The mail server {host} {what}, at: {step}.{hint}"));
    }
    HandlerError::retryable(ErrorClass::Connection, format!("The connection to the mail server {host} failed, at: {step}: {detail}.{hint}"))
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}

/// The TLS error that an I/O error carries; `source()` alone steps over it.
fn tls_error(error: &Error) -> Option<&rustls::Error> {
    let mut at = error.source();
    while let Some(next) = at {
        let carried = next.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref).and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(tls) = carried.or_else(|| next.downcast_ref::<rustls::Error>()) {
            return Some(tls);
        }
        at = next.source();
    }
    None
}
