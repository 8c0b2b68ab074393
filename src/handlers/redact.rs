//! Takes secret values out of what is kept of a request and its answer.
//!
//! Also in the forms in which a secret travels: percent-encoded, in base64, and escaped inside JSON that is itself a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Stands in for a secret.
pub const REDACTED: &str = "[redacted]";
/// Shorter texts are no secrets, and taking them out would garble everything.
const SHORTEST: usize = 4;

/// Knows the texts to take out.
#[derive(Debug, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    /// Takes out these texts, longest first, in every form.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let mut all: Vec<String> = secrets.into_iter().filter(|s| s.len() >= SHORTEST).flat_map(forms).collect();
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Self { secrets: all }
    }

    /// The text without them.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| if text.contains(secret) { text.replace(secret, REDACTED) } else { text })
    }

    /// The value without them, in keys as well.
    #[must_use]
    pub fn value(&self, value: Value) -> Value {
        if self.secrets.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => members.into_iter().map(|(key, member)| (self.text(&key), self.value(member))).collect(),
            scalar => scalar,
        }
    }
}

fn forms(secret: &str) -> [String; 4] {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = Value::String(secret.to_owned()).to_string();
    let escaped = json.get(1..json.len() - 1).unwrap_or_default().to_owned();
    [secret.to_owned(), encoded.replace('+', "%20"), STANDARD.encode(secret), escaped]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Redactor;

    #[test]
    fn every_form_goes() {
        let redactor = Redactor::new(["s3cr3t/x y", "s3cr3t", "abc"]);
        let given = json!({"a": ["s3cr3t/x y", "s3cr3t%2Fx%20y", "czNjcjN0L3ggeQ==", "abc"], "s3cr3t": 7});
        assert_eq!(redactor.value(given), json!({"a": ["[redacted]", "[redacted]", "[redacted]", "abc"], "[redacted]": 7}));
        assert_eq!(Redactor::default().text("s3cr3t"), "s3cr3t");
    }
}
