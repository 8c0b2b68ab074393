//! Which headers a webhook may carry, which of them are shown to nobody, and the authentication presets.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use base64::Engine as _;

/// Most configured headers, and most bytes of one value.
pub const MAX_HEADERS: usize = 64;
pub const MAX_VALUE_BYTES: usize = 8192;

/// What belongs to the connection or to the client itself.
const OWN: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Parts of the names of headers whose values are credentials.
const CREDENTIALS: [&str; 9] = ["auth", "cookie", "token", "secret", "api-key", "apikey", "api_key", "password", "credential"];

/// Why a header of this name cannot be configured; `None` when it can.
#[must_use]
pub fn name_fault(name: &str) -> Option<String> {
    let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
        return Some(format!("{name:?} is no header name."));
    };
    let name = parsed.as_str();
    if OWN.contains(&name) {
        return Some(format!("{name} belongs to the connection; it cannot be set."));
    }
    name.starts_with("webhook-").then(|| format!("{name} is set by the service; it cannot be set here."))
}

/// Why a text cannot be a header's value; `None` when it can. Never shows the text.
#[must_use]
pub fn value_fault(value: &str) -> Option<&'static str> {
    if value.len() > MAX_VALUE_BYTES {
        return Some("is longer than 8 KiB");
    }
    if value.contains(['\r', '\n', '\0']) {
        return Some("contains a line break or NUL");
    }
    HeaderValue::from_bytes(value.as_bytes()).is_err().then_some("contains a control character")
}

/// Whether the values of this header (lower case) are credentials.
#[must_use]
pub fn is_credential(name: &str) -> bool {
    CREDENTIALS.iter().any(|part| name.contains(part))
}

/// How a credential is shown: its scheme stays, and the name of the secret when it is nothing but that secret.
#[must_use]
pub fn shown(template: &str) -> String {
    let (scheme, rest) = split_scheme(template);
    match secret_name(rest) {
        Some(name) => format!("{scheme}[secret {name}]"),
        None => format!("{scheme}[redacted]"),
    }
}

/// The same for a shell: the secret becomes a variable.
#[must_use]
pub fn for_shell(template: &str) -> Option<String> {
    let (scheme, rest) = split_scheme(template);
    secret_name(rest).map(|name| format!("{scheme}${name}"))
}

/// The part of a header's value that is secret once rendered: without its scheme.
#[must_use]
pub fn secret_part(value: &str) -> &str {
    split_scheme(value).1
}

fn split_scheme(text: &str) -> (&str, &str) {
    let length = text.find(' ').map_or(0, |blank| blank + 1);
    let is_scheme = length > 1 && text[..length - 1].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_scheme { text.split_at(length) } else { ("", text) }
}

/// `NAME` of `{{ secret.NAME }}`.
fn secret_name(template: &str) -> Option<&str> {
    let name = template.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim().strip_prefix("secret.")?;
    (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).then_some(name)
}

/// An authentication preset, read from a configuration before or after it is rendered.
#[derive(Debug, PartialEq, Eq)]
pub enum Auth {
    /// No header.
    None,
    /// `authorization: Bearer TOKEN`.
    Bearer(String),
    /// `authorization: Basic BASE64`.
    Basic { username: String, password: String },
    /// A header of any name.
    ApiKey { header: String, value: String },
}

impl Auth {
    /// Reads `auth`.
    ///
    /// # Errors
    /// The pointer within `auth`, the code, and a sentence.
    pub fn read(auth: &Value) -> Result<Self, (String, &'static str, String)> {
        let members = match auth {
            Value::Null => return Ok(Self::None),
            Value::Object(members) => members,
            _ => return Err((String::new(), "wrong_type", "auth must be an object such as {\"type\": \"bearer\", \"token\": \"{{ secret.TOKEN }}\"}.".into())),
        };
        let (known, auth): (&[&str], _) = match members.get("type").and_then(Value::as_str) {
            Some("none") => (&[], Self::None),
            Some("bearer") => (&["token"], Self::Bearer(text(members, "token")?)),
            Some("basic") => (&["username", "password"], Self::Basic { username: text(members, "username")?, password: text(members, "password")? }),
            Some("api_key") => {
                let header = if members.contains_key("header") { text(members, "header")? } else { "x-api-key".to_owned() };
                (&["header", "value"], Self::ApiKey { header: header.to_ascii_lowercase(), value: text(members, "value")? })
            }
            _ => return Err(("/type".into(), "unknown_word", "type is one of none, bearer, basic, api_key.".into())),
        };
        match members.keys().find(|key| *key != "type" && !known.contains(&key.as_str())) {
            Some(key) => Err((crate::handlers::render::at("", key), "unknown_field", format!("auth of this type has no {key:?}."))),
            None => Ok(auth),
        }
    }

    /// The header it sets, and its value.
    #[must_use]
    pub fn header(&self) -> Option<(String, String)> {
        match self {
            Self::None => None,
            Self::Bearer(token) => Some(("authorization".into(), format!("Bearer {token}"))),
            Self::Basic { username, password } => {
                let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
                Some(("authorization".into(), format!("Basic {pair}")))
            }
            Self::ApiKey { header, value } => Some((header.clone(), value.clone())),
        }
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Result<String, (String, &'static str, String)> {
    match members.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(_) => Err((format!("/{name}"), "wrong_type", format!("{name} must be a text."))),
        None => Err((format!("/{name}"), "missing", format!("{name} is needed."))),
    }
}
