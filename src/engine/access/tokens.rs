//! Random credentials and their digests. What is random here has at least 128 bits from the operating system.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::engine::internal;
use crate::model::ApiError;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// What every API key begins with, so that scanners of leaked credentials know it.
pub const KEY_PREFIX: &str = "ea_";
/// Random characters of an API key: 190 bits.
const KEY_CHARS: usize = 32;
/// Characters of a key that lists show: the prefix and 42 of its bits.
const SHOWN_CHARS: usize = 10;
/// Characters of a token: 256 bits in base64.
pub const TOKEN_CHARS: usize = 43;

/// Random bytes of the operating system.
///
/// # Errors
/// 500 when it gives none.
pub fn random<const N: usize>() -> Result<[u8; N], ApiError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| internal(anyhow::anyhow!("the operating system gave no random bytes: {e}")))?;
    Ok(bytes)
}

/// A token of 256 bits for a session or a link.
///
/// # Errors
/// 500 without randomness.
pub fn token() -> Result<String, ApiError> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// A new API key: `ea_` and 32 random characters of 0-9, A-Z, a-z.
///
/// # Errors
/// 500 without randomness.
pub fn api_key() -> Result<String, ApiError> {
    let mut key = String::with_capacity(KEY_PREFIX.len() + KEY_CHARS);
    key.push_str(KEY_PREFIX);
    while key.len() < KEY_PREFIX.len() + KEY_CHARS {
        // Bytes of 248 and more would make the first characters likelier than the others.
        let fair = random::<64>()?.into_iter().filter(|b| *b < 248).map(|b| char::from(BASE62[usize::from(b % 62)]));
        key.extend(fair.take(KEY_PREFIX.len() + KEY_CHARS - key.len()));
    }
    Ok(key)
}

/// What lists show of a key.
#[must_use]
pub fn shown_part(key: &str) -> String {
    key.chars().take(SHOWN_CHARS).collect()
}

/// The SHA-256 of a credential in hex: how it is stored. Fit for random credentials alone, never for passwords.
#[must_use]
pub fn digest(credential: &str) -> String {
    hex(&Sha256::digest(credential.as_bytes()))
}

/// Bytes in lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|n| char::from(DIGITS[usize::from(n)])).collect()
}

/// Whether two texts are the same, in a time that tells nothing but their lengths.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_have_their_form_and_differ() {
        let keys: HashSet<String> = (0..100).filter_map(|_| api_key().ok()).collect();
        assert_eq!(keys.len(), 100);
        assert!(keys.iter().all(|k| k.len() == 35 && k.starts_with("ea_") && k[3..].bytes().all(|b| b.is_ascii_alphanumeric())));
        assert!(keys.iter().all(|k| shown_part(k).len() == SHOWN_CHARS));
        assert_eq!(token().map(|t| t.len()), Ok(TOKEN_CHARS));
    }

    #[test]
    fn digests() {
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("abc", "ab"));
    }
}
