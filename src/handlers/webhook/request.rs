//! The request of a webhook: rendered once, for the dry run and for sending alike.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::headers::{self, Auth};
use super::signature;
use crate::handlers::outbound::Outbound;
use crate::handlers::redact::Redactor;
use crate::handlers::render::{at, failed, nonsense};
use crate::handlers::{Call, HandlerError};
use crate::model::Timestamp;
use crate::model::execution::MAX_CAPTURED_BYTES;
use crate::model::trace::TraceContext;
use crate::template::{self, Context};

/// Methods a webhook may use.
pub const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Stands in for a signature where the secret is not known: in a dry run.
const UNSIGNED: &str = "v1,(signed when sent)";

/// One header, and how it is shown when its value is a credential.
#[derive(Debug)]
pub struct Header {
    /// Lower case.
    pub name: String,
    /// What is sent.
    pub value: String,
    /// What is shown, when that differs.
    pub shown: Option<String>,
    /// What a shell puts in its place: `Bearer $TOKEN`.
    pub for_shell: Option<String>,
}

/// The exact request.
#[derive(Debug)]
pub struct Prepared {
    /// The method.
    pub method: Method,
    /// The URL as rendered.
    pub url: String,
    /// All headers but those of the connection: host and content-length.
    pub headers: Vec<Header>,
    /// The body, if any.
    pub body: Option<Bytes>,
    /// Whether the certificate must be good.
    pub verify_tls: bool,
    /// The statuses that mean success; 2xx when none.
    pub success: Option<Vec<u16>>,
}

impl Prepared {
    /// Renders a call's configuration.
    ///
    /// # Errors
    /// A template, URL, header or secret that cannot be used: permanent.
    pub fn of(call: &Call, outbound: &Outbound) -> Result<Self, HandlerError> {
        let context = call.context();
        let given = |name: &str| call.configuration.get(name).unwrap_or(&Value::Null);
        let method = method(given("method"))?;
        let url = url(given("url"), &context, call, outbound)?;
        let mut headers = configured(given("headers"), &context)?;
        if let Some(header) = auth(given("auth"), &context)? {
            add(&mut headers, header)?;
        }
        let body = body(given("body"), &method, &context, call)?;
        let mut prepared = Self { method, url, headers, body, verify_tls: verify(given("verify_ssl"))?, success: statuses(given("success_statuses"))? };
        prepared.add_own(given("signing_secret"), &context, call, outbound)?;
        Ok(prepared)
    }

    /// Everything that is always sent, and the signature over what is sent.
    fn add_own(&mut self, signing_secret: &Value, context: &Context, call: &Call, outbound: &Outbound) -> Result<(), HandlerError> {
        let (id, now) = (call.message_id(), Timestamp::now().0.div_euclid(1000));
        if let Some(body) = &self.body {
            let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
            self.add_default("content-type", if is_json { "application/json" } else { "text/plain; charset=utf-8" });
        }
        self.add_default("accept", "*/*");
        self.add_default("user-agent", outbound.user_agent());
        self.add_default("webhook-id", &id);
        self.add_default("webhook-timestamp", &now.to_string());
        if signing_secret.is_null() {
            return Ok(());
        }
        if call.host.is_dry_run() && mentions_secret(signing_secret) {
            self.add_default("webhook-signature", UNSIGNED);
            return Ok(());
        }
        let rendered = template::render_value(signing_secret, context, &[]).map_err(|e| failed(&e.under("/signing_secret")))?;
        let keys = signature::texts(&rendered).and_then(|texts| texts.iter().map(|text| signature::key(text)).collect::<Result<Vec<_>, _>>());
        let keys = keys.map_err(nonsense)?;
        if !keys.is_empty() {
            let signature = signature::sign(&keys, &id, now, self.body.as_deref().unwrap_or_default());
            self.add_default("webhook-signature", &signature);
        }
        Ok(())
    }

    /// Names the trace that the request belongs to, unless the action names one itself.
    pub fn pass_on(&mut self, trace: &TraceContext) {
        if self.headers.iter().any(|h| h.name == "traceparent") {
            return;
        }
        self.add_default("traceparent", &trace.traceparent);
        if let Some(state) = &trace.tracestate {
            self.add_default("tracestate", state);
        }
    }

    fn add_default(&mut self, name: &str, value: &str) {
        if !self.headers.iter().any(|h| h.name == name) {
            self.headers.push(Header { name: name.to_owned(), value: value.to_owned(), shown: None, for_shell: None });
        }
    }

    /// The headers for the client.
    ///
    /// # Errors
    /// Cannot happen with checked headers.
    pub fn header_map(&self) -> Result<HeaderMap, HandlerError> {
        let mut map = HeaderMap::with_capacity(self.headers.len());
        for header in &self.headers {
            let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| nonsense(format!("{:?} is no header name.", header.name)))?;
            let mut value = HeaderValue::from_bytes(header.value.as_bytes()).map_err(|_| nonsense(format!("The header {name} cannot be sent.")))?;
            value.set_sensitive(header.shown.is_some());
            map.append(name, value);
        }
        Ok(map)
    }

    /// What must not be shown of this call: credentials in headers, and every secret that was handed out.
    #[must_use]
    pub fn redactor(&self, call: &Call) -> Redactor {
        let handed_out = if call.host.is_dry_run() { Vec::new() } else { call.host.handed_out() };
        let credentials = self.headers.iter().filter(|h| h.shown.is_some() && !call.host.is_dry_run()).map(|h| headers::secret_part(&h.value));
        Redactor::new(credentials.chain(handed_out.iter().map(String::as_str)))
    }

    /// The request as it is shown and kept: `{method, url, headers, body}`, and `truncated` when the body was cut.
    #[must_use]
    pub fn summary(&self, redactor: &Redactor) -> Value {
        let headers: Map<String, Value> = self.headers.iter().map(|h| (h.name.clone(), json!(h.shown.clone().unwrap_or_else(|| redactor.text(&h.value))))).collect();
        let mut out = json!({"method": self.method.as_str(), "url": redactor.text(&self.url), "headers": headers, "body": null});
        if let Some(body) = &self.body {
            let (shown, truncated) = shown_body(body, redactor);
            out["body"] = shown;
            if truncated {
                out["truncated"] = json!(true);
            }
        }
        out
    }
}

/// A body as JSON when it is JSON, else as text; cut to what is kept.
pub fn shown_body(body: &[u8], redactor: &Redactor) -> (Value, bool) {
    if body.len() <= MAX_CAPTURED_BYTES
        && let Ok(value) = serde_json::from_slice::<Value>(body)
    {
        return (redactor.value(value), false);
    }
    let mut text = redactor.text(&String::from_utf8_lossy(body));
    let truncated = text.len() > MAX_CAPTURED_BYTES;
    if truncated {
        text.truncate(text.floor_char_boundary(MAX_CAPTURED_BYTES));
    }
    (Value::String(text), truncated)
}

/// Whether any template in a value asks for a secret.
pub fn mentions_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => template::has_markup(text) && text.contains("secret"),
        Value::Array(items) => items.iter().any(mentions_secret),
        Value::Object(members) => members.values().any(mentions_secret),
        _ => false,
    }
}

fn method(given: &Value) -> Result<Method, HandlerError> {
    let name = if given.is_null() { "POST" } else { given.as_str().unwrap_or_default() };
    let method = Method::from_bytes(name.as_bytes()).ok().filter(|_| METHODS.contains(&name));
    method.ok_or_else(|| nonsense(format!("method must be one of {}.", METHODS.join(", "))))
}

fn url(given: &Value, context: &Context, call: &Call, outbound: &Outbound) -> Result<String, HandlerError> {
    let Some(written) = given.as_str().filter(|text| !text.trim().is_empty()) else {
        return Err(nonsense("The webhook has no url."));
    };
    let url = template::render_text(written, context).map_err(|e| failed(&e.under("/url")))?;
    // In a dry run a marker stands in for the secret, and the URL with it may be none.
    if !(call.host.is_dry_run() && mentions_secret(given)) {
        outbound.check_url(&url).map_err(|refusal| HandlerError::permanent(refusal.class(), refusal.message))?;
    }
    Ok(url)
}

fn configured(given: &Value, context: &Context) -> Result<Vec<Header>, HandlerError> {
    let mut out: Vec<Header> = Vec::new();
    for (name, template) in given.as_object().into_iter().flatten() {
        let pointer = at("/headers", name);
        if let Some(why) = headers::name_fault(name) {
            return Err(nonsense(why));
        }
        let written = template.as_str().map_or_else(|| template.to_string(), str::to_owned);
        let value = template::render_text(&written, context).map_err(|e| failed(&e.under(&pointer)))?;
        add(&mut out, header(&name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned(), &written)?)?;
    }
    Ok(out)
}

fn add(headers: &mut Vec<Header>, header: Header) -> Result<(), HandlerError> {
    if headers.iter().any(|h| h.name == header.name) {
        return Err(nonsense(format!("The header {} is given twice.", header.name)));
    }
    headers.push(header);
    Ok(())
}

fn auth(given: &Value, context: &Context) -> Result<Option<Header>, HandlerError> {
    let fault = |(pointer, _, why): (String, _, String)| nonsense(format!("auth{}: {why}", pointer.replace('/', ".")));
    let written: Option<(String, String)> = Auth::read(given).map_err(fault)?.header();
    let rendered = template::render_value(given, context, &["type", "header"]).map_err(|e| failed(&e.under("/auth")))?;
    let Some(((name, value), (_, written))) = Auth::read(&rendered).map_err(fault)?.header().zip(written) else {
        return Ok(None);
    };
    if let Some(why) = headers::name_fault(&name) {
        return Err(nonsense(why));
    }
    let header = header(&name, value, &written)?;
    Ok(Some(Header { shown: header.shown.or_else(|| Some(headers::shown(&written))), for_shell: headers::for_shell(&written), ..header }))
}

fn header(name: &str, value: String, written: &str) -> Result<Header, HandlerError> {
    if let Some(why) = headers::value_fault(&value) {
        return Err(nonsense(format!("The value of the header {name} {why}.")));
    }
    let secret = headers::is_credential(name);
    let shown = secret.then(|| headers::shown(written));
    Ok(Header { name: name.to_owned(), value, shown, for_shell: headers::for_shell(written).filter(|_| secret) })
}

/// The body: what is configured, else the event, save for GET.
fn body(given: &Value, method: &Method, context: &Context, call: &Call) -> Result<Option<Bytes>, HandlerError> {
    let render = |e: template::RenderError| failed(&e.under("/body"));
    let bytes = match given {
        Value::Null if *method == Method::GET => return Ok(None),
        Value::Null => serde_json::to_vec(&*call.event).map_err(|e| nonsense(format!("The event cannot be written as JSON: {e}.")))?,
        Value::String(text) => match template::render_value(given, context, &[]).map_err(render)? {
            value @ (Value::Object(_) | Value::Array(_)) => value.to_string().into_bytes(),
            Value::String(rendered) => rendered.into_bytes(),
            _ => template::render_text(text, context).map_err(render)?.into_bytes(),
        },
        other => template::render_value(other, context, &[]).map_err(render)?.to_string().into_bytes(),
    };
    Ok(Some(bytes.into()))
}

fn verify(given: &Value) -> Result<bool, HandlerError> {
    if given.is_null() {
        return Ok(true);
    }
    given.as_bool().ok_or_else(|| nonsense("verify_ssl must be true or false."))
}

fn statuses(given: &Value) -> Result<Option<Vec<u16>>, HandlerError> {
    let Some(items) = given.as_array().filter(|items| !items.is_empty()) else {
        return Ok(None);
    };
    let codes = items.iter().map(|item| item.as_u64().and_then(|n| u16::try_from(n).ok())).collect::<Option<Vec<_>>>();
    codes.map(Some).ok_or_else(|| nonsense("success_statuses is a list of status codes such as 200."))
}
