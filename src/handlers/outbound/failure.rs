//! What went wrong with a request, classed for the decision whether to try again.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use super::Response;
use super::client::Unresolved;
use super::guard::Refusal;
use crate::model::execution::ErrorClass;

/// Why there is no complete answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The class.
    pub class: ErrorClass,
    /// An English sentence. Holds the host, never the path or query.
    pub message: String,
    /// Whether trying again can help.
    pub retryable: bool,
    /// What had come back before it failed.
    pub response: Option<Box<Response>>,
    /// Nothing was sent: the destination has as many requests under way as it may.
    pub is_busy: bool,
}

impl Failure {
    pub(super) fn new(class: ErrorClass, retryable: bool, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retryable, response: None, is_busy: false }
    }

    pub(super) fn with_response(mut self, response: Response) -> Self {
        self.response = Some(Box::new(response));
        self
    }

    /// Classes an error of the client on the way to `host`.
    pub(super) fn of(error: &reqwest::Error, host: &str) -> Self {
        if error.is_builder() {
            return Self::new(ErrorClass::Configuration, false, format!("The request to {host} cannot be built."));
        }
        let causes: Vec<&(dyn Error + 'static)> = chain(error).collect();
        if let Some(refusal) = find::<Refusal>(&causes) {
            return Self::from(refusal.clone());
        }
        if find::<Unresolved>(&causes).is_some() || error.is_dns() {
            return Self::new(ErrorClass::Dns, true, format!("The name {host} does not resolve."));
        }
        if let Some(tls) = find::<rustls::Error>(&causes) {
            return Self::of_tls(tls, host);
        }
        if error.is_timeout() {
            return Self::new(ErrorClass::Timeout, true, format!("No connection to {host} in time."));
        }
        if let Some(http) = find::<hyper::Error>(&causes) {
            if http.is_parse_too_large() {
                return Self::new(ErrorClass::Protocol, true, format!("{host} answered with more headers than are accepted."));
            }
            if http.is_parse() {
                return Self::new(ErrorClass::Protocol, true, format!("{host} did not answer with valid HTTP: {http}."));
            }
        }
        if let Some(io) = causes.iter().rev().find_map(|cause| cause.downcast_ref::<io::Error>()) {
            return Self::new(ErrorClass::Connection, true, io_sentence(io, host));
        }
        match find::<hyper::Error>(&causes) {
            Some(http) if http.is_incomplete_message() || http.is_closed() || http.is_canceled() => {
                Self::new(ErrorClass::Connection, true, format!("{host} closed the connection before its answer was complete."))
            }
            Some(_) => Self::new(ErrorClass::Protocol, true, format!("{host} did not answer with valid HTTP.")),
            None => Self::new(ErrorClass::Connection, true, format!("The connection to {host} failed.")),
        }
    }

    fn of_tls(error: &rustls::Error, host: &str) -> Self {
        let certificate = match error {
            rustls::Error::InvalidCertificate(why) => certificate_sentence(why),
            rustls::Error::NoCertificatesPresented => "it shows no certificate".to_owned(),
            other => return Self::new(ErrorClass::Tls, true, format!("The TLS handshake with {host} failed: {other}.")),
        };
        let hint = "Mend the certificate, or let an administrator switch \"verify_ssl\" off for this action.";
        Self::new(ErrorClass::Tls, false, format!("The certificate of {host} is not accepted: {certificate}. {hint}"))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.class(), false, refusal.message)
    }
}

fn certificate_sentence(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "it is for another host name".to_owned(),
        CertificateError::UnknownIssuer => "it is self-signed or its issuer is unknown".to_owned(),
        CertificateError::Revoked => "it is revoked".to_owned(),
        other => other.to_string(),
    }
}

fn io_sentence(error: &io::Error, host: &str) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("{host} refused the connection."),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => format!("{host} reset the connection."),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => format!("{host} cannot be reached from here."),
        io::ErrorKind::UnexpectedEof => format!("{host} closed the connection before its answer was complete."),
        kind => format!("The connection to {host} failed: {kind}."),
    }
}

/// The causes of an error, outermost first; at most 20.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| deeper(*error)).take(20)
}

/// The cause of an error. An `io::Error` hides the error it wraps from `source`; it is opened here.
fn deeper<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn find<'e, E: Error + 'static>(causes: &[&'e (dyn Error + 'static)]) -> Option<&'e E> {
    causes.iter().find_map(|cause| cause.downcast_ref::<E>())
}
