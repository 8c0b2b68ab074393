//! Reads the text of one setting; a fault is a sentence that says what is expected. Pure.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine as _;
use ipnet::IpNet;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use url::{Host, Url};

use super::{LogFormat, LogRotation, MIN_BOOTSTRAP_KEY_CHARS};
use crate::model::user::{email_fault, password_fault};

/// What a parser gives back: the value, or what is wrong with the text.
pub(super) type Parsed<T> = Result<T, String>;

/// The most entries of a list.
const MAX_LIST: usize = 1000;

/// A whole number within bounds.
pub(super) fn whole<T: FromStr + PartialOrd + Display>(text: &str, min: T, max: T) -> Parsed<T> {
    match text.parse::<T>() {
        Ok(n) if n >= min && n <= max => Ok(n),
        _ => Err(format!("expected a whole number from {min} to {max}")),
    }
}

/// An address and port to listen on.
pub(super) fn address(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_| "expected an IP address and a port, such as 127.0.0.1:3000 or [::]:3000".to_owned())
}

/// A path that is not empty.
pub(super) fn path(text: &str) -> Parsed<PathBuf> {
    if text.contains('\0') { Err("a path cannot contain NUL".to_owned()) } else { Ok(PathBuf::from(text)) }
}

/// An `http` or `https` URL of a host alone, without the slash at its end.
pub(super) fn public_url(text: &str) -> Parsed<String> {
    let url = http_url(text)?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !bare {
        return Err("expected scheme, host and port alone, such as https://events.example.com".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// An `http` or `https` URL that can be shown: without a password, a query or a fragment.
pub(super) fn endpoint(text: &str) -> Parsed<String> {
    let url = http_url(text)?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("expected scheme, host, port and path alone; credentials go into OTEL_EXPORTER_OTLP_HEADERS".to_owned());
    }
    Ok(url.to_string())
}

fn http_url(text: &str) -> Parsed<Url> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err("expected a URL that begins with http:// or https://".to_owned()),
    }
}

/// Whether a database URL means PostgreSQL.
pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// `postgres://...` or `sqlite://PATH`.
pub(super) fn database_url(text: &str) -> Parsed<String> {
    if is_postgres(text) {
        return if Url::parse(text).is_ok() {
            Ok(text.to_owned())
        } else {
            Err("the postgres:// URL cannot be read; percent-encode special characters of the password".to_owned())
        };
    }
    match text.strip_prefix("sqlite:").map(|rest| rest.trim_start_matches("//")) {
        Some(file) if !file.is_empty() && !file.starts_with('?') && !file.contains(":memory:") && !file.contains("mode=memory") => Ok(text.to_owned()),
        Some(_) => Err("expected the path of a file behind sqlite://; a database in memory would lose acknowledged work".to_owned()),
        None => Err("expected postgres://user:password@host/database or sqlite://PATH".to_owned()),
    }
}

/// 32 bytes in base64, or two of them with a comma between: the new key and the old one.
pub(super) fn master_key(text: &str) -> Parsed<SecretString> {
    let is_key = |part: &str| base64::engine::general_purpose::STANDARD.decode(part.trim()).is_ok_and(|bytes| bytes.len() == 32);
    if text.split(',').count() <= 2 && text.split(',').all(is_key) {
        return Ok(SecretString::from(text.to_owned()));
    }
    Err("expected 32 bytes in base64, as `openssl rand -base64 32` prints them, or the new key, a comma and the old one".to_owned())
}

/// A mail address.
pub(super) fn email(text: &str) -> Parsed<String> {
    email_fault(text).map_or_else(|| Ok(text.to_owned()), |why| Err(why.to_owned()))
}

/// A password that may be chosen.
pub(super) fn password(text: &str) -> Parsed<SecretString> {
    password_fault(text).map_or_else(|| Ok(SecretString::from(text.to_owned())), |why| Err(why.to_owned()))
}

/// An API key that is long enough.
pub(super) fn bootstrap_key(text: &str) -> Parsed<SecretString> {
    let printable = text.bytes().all(|b| b.is_ascii_graphic());
    if text.len() < MIN_BOOTSTRAP_KEY_CHARS || !printable {
        Err(format!("expected at least {MIN_BOOTSTRAP_KEY_CHARS} printable ASCII characters without spaces"))
    } else {
        Ok(SecretString::from(text.to_owned()))
    }
}

/// CIDRs, addresses and host names, comma-separated.
pub(super) fn targets(text: &str) -> Parsed<Vec<String>> {
    let entries: Vec<String> = text.split(',').map(str::trim).filter(|e| !e.is_empty()).map(str::to_ascii_lowercase).collect();
    if entries.len() > MAX_LIST {
        return Err(format!("expected at most {MAX_LIST} entries"));
    }
    match entries.iter().find(|e| !is_target(e)) {
        Some(bad) => Err(format!("{bad:?} is neither a CIDR (10.0.0.0/8), an address nor a host name")),
        None => Ok(entries),
    }
}

fn is_target(entry: &str) -> bool {
    entry.parse::<IpNet>().is_ok() || entry.parse::<IpAddr>().is_ok() || is_host_name(entry)
}

fn is_host_name(entry: &str) -> bool {
    let label = |l: &str| (1..=63).contains(&l.len()) && !l.starts_with('-') && !l.ends_with('-') && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    // Only digits and dots would be an address, and a faulty one.
    entry.len() <= 253 && entry.split('.').all(label) && entry.bytes().any(|b| b.is_ascii_alphabetic())
}

/// A mail server in lettre's forms; a password in the clear only to this machine.
pub(super) fn smtp_url(text: &str) -> Parsed<SecretString> {
    const FORMS: &str = "expected smtp://host, smtp://user:password@host?tls=required or smtps://user:password@host";
    let url = Url::parse(text).map_err(|_| FORMS.to_owned())?;
    let tls = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
    let encrypted = match (url.scheme(), tls.as_deref()) {
        ("smtps", _) | ("smtp", Some("required")) => true,
        ("smtp", None) => false,
        ("smtp", Some("opportunistic")) => return Err("tls=opportunistic could fall back to plain text; write tls=required".to_owned()),
        _ => return Err(FORMS.to_owned()),
    };
    let Some(host) = url.host().filter(|h| !h.to_string().is_empty()) else { return Err(FORMS.to_owned()) };
    let has_credentials = url.password().is_some() || !url.username().is_empty();
    if has_credentials && !encrypted && !is_loopback(&host) {
        return Err("a password would be sent in the clear; add ?tls=required or use smtps://".to_owned());
    }
    Ok(SecretString::from(text.to_owned()))
}

/// URLs of schemes that the URL standard does not know keep even addresses as a name.
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(a) => a.is_loopback(),
        Host::Ipv6(a) => a.is_loopback(),
        Host::Domain(name) => *name == "localhost" || name.parse::<IpAddr>().is_ok_and(|a| a.is_loopback()),
    }
}

/// A level or filter directives.
pub(super) fn log_filter(text: &str) -> Parsed<String> {
    // The filter's own parser takes any word for a target and would then log nothing else.
    let plain = |part: &str| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok();
    if text.split(',').all(plain) && EnvFilter::try_new(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("expected a level (off, error, warn, info, debug, trace) or directives such as info,event_actions::engine=debug".to_owned())
}

/// The format of log lines.
pub(super) fn log_format(text: &str) -> Parsed<LogFormat> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("expected text, json or auto".to_owned()),
    }
}

/// `never`, `daily`, or a size such as `100MB`.
pub(super) fn log_rotation(text: &str) -> Parsed<LogRotation> {
    match text {
        "never" => return Ok(LogRotation::Never),
        "daily" => return Ok(LogRotation::Daily),
        _ => {}
    }
    let size = [("MB", 20), ("GB", 30)].into_iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim_end().parse::<u64>().ok()?, shift)));
    match size.and_then(|(count, shift)| count.checked_mul(1 << shift)) {
        Some(bytes) if (1 << 20..=100 << 30).contains(&bytes) => Ok(LogRotation::Bytes(bytes)),
        _ => Err("expected a size from 1MB to 100GB, daily or never".to_owned()),
    }
}
