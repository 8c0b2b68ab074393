//! Standard Webhooks signatures: HMAC-SHA256 over `id.timestamp.body`, one per secret during a rotation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Most secrets at once: the new one and the one it replaces.
pub const MAX_SECRETS: usize = 2;
/// What a secret may be long, in bytes before base64.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=128;

/// The texts of `signing_secret`: one or a list, each holding one secret or, during a rotation, two separated by a blank.
///
/// # Errors
/// A sentence, when it is neither or there are more than two.
pub fn texts(value: &Value) -> Result<Vec<String>, String> {
    let given: Vec<&str> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().map(|item| item.as_str().ok_or_else(shape)).collect::<Result<_, _>>()?,
        _ => return Err(shape()),
    };
    let texts: Vec<String> = given.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect();
    if texts.len() > MAX_SECRETS {
        return Err(format!("There are {} signing secrets; at most {MAX_SECRETS} sign at once.", texts.len()));
    }
    Ok(texts)
}

fn shape() -> String {
    "signing_secret is a text or a list of one or two texts.".to_owned()
}

/// The key of a secret as it is written: base64, usually behind `whsec_`.
///
/// # Errors
/// A sentence that never shows the secret.
pub fn key(secret: &str) -> Result<Vec<u8>, String> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret));
    let key = key.map_err(|_| "A signing secret is \"whsec_\" followed by base64; this one is not.".to_owned())?;
    if KEY_BYTES.contains(&key.len()) {
        return Ok(key);
    }
    Err(format!("A signing secret has {} to {} bytes; this one has {}.", KEY_BYTES.start(), KEY_BYTES.end(), key.len()))
}

/// The value of `webhook-signature`: `v1,` and base64 for each key, separated by blanks.
#[must_use]
pub fn sign(keys: &[Vec<u8>], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signatures = keys.iter().filter_map(|key| {
        let mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        let mac = mac.chain_update(id).chain_update(".").chain_update(timestamp.to_string()).chain_update(".").chain_update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use standardwebhooks::Webhook;

    use super::{key, sign, texts};

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[test]
    fn an_independent_implementation_agrees() {
        for body in ["{\"test\": 2432232314}", "", "{\"ü\":\"€\"}"] {
            let keys = [key(NEW).unwrap(), key(OLD).unwrap()];
            let expected = [NEW, OLD].map(|secret| Webhook::new(secret).unwrap().sign("msg_1-2", 1_614_265_330, body.as_bytes()).unwrap());
            assert_eq!(sign(&keys, "msg_1-2", 1_614_265_330, body.as_bytes()), expected.join(" "));
        }
        assert_eq!(sign(&[], "x", 1, b""), "");
    }

    #[test]
    fn secrets_come_alone_or_in_pairs() {
        for (given, expected) in [
            (json!(null), Some(vec![])),
            (json!(OLD), Some(vec![OLD])),
            (json!([NEW, OLD]), Some(vec![NEW, OLD])),
            (json!(format!("{NEW} {OLD}")), Some(vec![NEW, OLD])),
            (json!([NEW, OLD, OLD]), None),
            (json!(7), None),
            (json!([7]), None),
        ] {
            assert_eq!(texts(&given).ok(), expected.map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>()), "{given}");
        }
        assert!(key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
        for bad in ["whsec_", "whsec_abcd", "whsec_not base64!", "nonsense"] {
            let why = key(bad).expect_err(bad);
            assert!(!why.contains(bad) || bad == "whsec_", "{why}");
        }
    }
}
