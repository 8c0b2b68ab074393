//! One mail server: connections, TLS, sign-in, a small pool, and errors as the executor understands them.
//!
//! lettre's own asynchronous pool has no time limit after connecting, and takes back a connection whose command was
//! abandoned half-way: the next mail would then read the answers to the last. So connections are kept here, and one goes
//! back only after a complete exchange.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use super::trouble::{self, Stage};
use crate::handlers::HandlerError;
use crate::model::execution::ErrorClass;

/// Most connections to the server at a time.
const MAX_CONNECTIONS: usize = 10;
/// How long a connection may idle before it is dropped.
const MAX_IDLE: Duration = Duration::from_secs(30);
/// Bound on connecting to one address, and on asking an idle connection whether it still lives.
const CONNECT_TIME: Duration = Duration::from_secs(10);
const NOOP_TIME: Duration = Duration::from_secs(2);

/// How a connection is protected.
#[derive(Clone)]
enum Security {
    /// Not at all.
    Plain,
    /// By STARTTLS, or it is not used.
    StartTls(TlsParameters),
    /// From the first byte.
    Tls(TlsParameters),
}

/// The mail server of the installation.
pub struct Smtp {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    hello: ClientId,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
    slots: Semaphore,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Smtp {
    /// The server of a URL: `smtp://` plain, `smtp://...?tls=required` STARTTLS, `smtps://` TLS. `roots_pem` holds
    /// certificates that are trusted besides the public ones.
    ///
    /// # Errors
    /// A sentence, when the URL has another form or would send a password in the clear beyond this machine.
    pub fn new(url: &str, roots_pem: &[u8]) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|e| format!("the mail server's URL cannot be read: {e}"))?;
        let host = url.host_str().filter(|h| !h.is_empty()).ok_or("the mail server's URL names no host")?.trim_matches(['[', ']']).to_owned();
        let tls = || parameters(&host, roots_pem);
        let wanted = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
        let (security, port) = match (url.scheme(), wanted.as_deref()) {
            ("smtps", _) => (Security::Tls(tls()?), 465),
            ("smtp", Some("required")) => (Security::StartTls(tls()?), 587),
            ("smtp", None) => (Security::Plain, 25),
            _ => return Err("the mail server's URL must be smtp://host, smtp://host?tls=required or smtps://host".to_owned()),
        };
        let user = decode(url.username())?;
        let credentials = (!user.is_empty() || url.password().is_some()).then(|| decode(url.password().unwrap_or_default()).map(|p| Credentials::new(user, p))).transpose()?;
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        Ok(Self { port: url.port().unwrap_or(port), host, security, credentials, hello, idle: Mutex::default(), slots: Semaphore::new(MAX_CONNECTIONS) })
    }

    /// Sends one message within `limit` and returns the server's answer.
    ///
    /// # Errors
    /// Classed: 4xx and whatever the network did are retryable, 5xx and a bad certificate are permanent. Without an offer of
    /// STARTTLS, where it is required, nothing is sent.
    pub async fn send(&self, envelope: &Envelope, message: &[u8], limit: Duration) -> Result<String, HandlerError> {
        let stage = Stage::default();
        match timeout(limit, self.deliver(envelope, message, &stage)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(trouble::stalled(&self.host, &stage, limit)),
        }
    }

    /// Connects, signs in and says goodbye.
    ///
    /// # Errors
    /// The same as [`Smtp::send`].
    pub async fn check(&self, limit: Duration) -> Result<(), HandlerError> {
        let stage = Stage::default();
        let attempt = async {
            let mut connection = self.connect(&stage).await?;
            connection.quit().await.map(|_| ()).map_err(|e| self.explain(&e, &stage))
        };
        timeout(limit, attempt).await.unwrap_or_else(|_| Err(trouble::stalled(&self.host, &stage, limit)))
    }

    async fn deliver(&self, envelope: &Envelope, message: &[u8], stage: &Stage) -> Result<String, HandlerError> {
        let _slot = self.slots.acquire().await.map_err(|_| HandlerError::retryable(ErrorClass::Internal, "The mail connections are shut down."))?;
        let mut connection = match self.take_idle().await {
            Some(connection) => connection,
            None => self.connect(stage).await?,
        };
        let reply = self.exchange(&mut connection, envelope, message, stage).await?;
        // Only here, after a complete exchange, is the connection in a known state.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
        Ok(reply)
    }

    async fn exchange(&self, connection: &mut AsyncSmtpConnection, envelope: &Envelope, message: &[u8], stage: &Stage) -> Result<String, HandlerError> {
        let mut options = Vec::new();
        let non_ascii_address = envelope.to().iter().chain(envelope.from()).any(|a| !AsRef::<str>::as_ref(a).is_ascii());
        for (needed, extension, option, what) in [
            (non_ascii_address, Extension::SmtpUtfEight, MailParameter::SmtpUtfEight, "addresses beyond ASCII (SMTPUTF8)"),
            (!message.is_ascii(), Extension::EightBitMime, MailParameter::Body(MailBodyParameter::EightBitMime), "8-bit messages (8BITMIME)"),
        ] {
            if needed && !connection.server_info().supports_feature(extension) {
                return Err(HandlerError::permanent(ErrorClass::Smtp, format!("The mail server {} does not take {what}.", self.host)));
            }
            options.extend(needed.then_some(option));
        }
        stage.set("MAIL FROM");
        connection.command(Mail::new(envelope.from().cloned(), options)).await.map_err(|e| self.explain(&e, stage))?;
        for recipient in envelope.to() {
            stage.set(format!("RCPT TO {recipient}"));
            connection.command(Rcpt::new(recipient.clone(), Vec::new())).await.map_err(|e| self.explain(&e, stage))?;
        }
        stage.set("DATA");
        connection.command(Data).await.map_err(|e| self.explain(&e, stage))?;
        stage.set_message();
        let reply = connection.message(message).await.map_err(|e| self.explain(&e, stage))?;
        Ok(format!("{} {}", reply.code(), reply.message().collect::<Vec<_>>().join(" ")))
    }

    async fn connect(&self, stage: &Stage) -> Result<AsyncSmtpConnection, HandlerError> {
        stage.set("connecting");
        let addresses = self.resolve().await?;
        let wrapper = match &self.security {
            Security::Tls(parameters) => Some(parameters.clone()),
            Security::Plain | Security::StartTls(_) => None,
        };
        let mut connection = AsyncSmtpConnection::connect_tokio1(&addresses[..], Some(CONNECT_TIME), &self.hello, wrapper, None).await.map_err(|e| self.explain(&e, stage))?;
        if let Security::StartTls(parameters) = &self.security {
            stage.set("STARTTLS");
            if !connection.can_starttls() {
                let message = format!("The mail server {} offers no STARTTLS, which the mail server's URL requires; nothing was sent.", self.host);
                return Err(HandlerError::retryable(ErrorClass::Tls, message));
            }
            connection.starttls(parameters.clone(), &self.hello).await.map_err(|e| self.explain(&e, stage))?;
        }
        if let Some(credentials) = &self.credentials {
            stage.set("AUTH");
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(|e| self.explain(&e, stage))?;
        }
        Ok(connection)
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, HandlerError> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let addresses: Vec<SocketAddr> = found.map_err(|e| HandlerError::retryable(ErrorClass::Dns, format!("The mail server {} has no address: {e}.", self.host)))?.collect();
        let in_the_clear = matches!(self.security, Security::Plain) && self.credentials.is_some();
        if in_the_clear && !addresses.iter().map(SocketAddr::ip).all(|ip| IpAddr::is_loopback(&ip)) {
            let message = format!("The password for the mail server {} would travel in the clear; use ?tls=required or smtps://.", self.host);
            return Err(HandlerError::permanent(ErrorClass::Configuration, message));
        }
        Ok(addresses)
    }

    async fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() < MAX_IDLE && timeout(NOOP_TIME, connection.test_connected()).await == Ok(true) {
                return Some(connection);
            }
        }
    }

    fn explain(&self, error: &lettre::transport::smtp::Error, stage: &Stage) -> HandlerError {
        trouble::explain(&self.host, error, stage)
    }
}

fn parameters(host: &str, roots_pem: &[u8]) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if !roots_pem.is_empty() {
        builder = builder.add_root_certificate(Certificate::from_pem(roots_pem).map_err(|e| format!("the certificates to trust cannot be read: {e}"))?);
    }
    builder.build_rustls().map_err(|e| format!("TLS to the mail server cannot be set up: {e}"))
}

/// Undoes the percent-encoding of a user name or password.
fn decode(text: &str) -> Result<String, String> {
    // A query of one pair is decoded by the same rules, once the plus sign is kept apart.
    let pair = format!("v={}", text.replace('+', "%2B").replace('&', "%26"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default();
    if decoded.contains(['\r', '\n', '\0', '\u{FFFD}']) { Err("the mail server's user name or password cannot be read".to_owned()) } else { Ok(decoded) }
}
