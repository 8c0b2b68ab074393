//! Master keys: where they come from, and how a value is sealed with one.
//!
//! `EVENT_ACTIONS_MASTER_KEY` holds the key, or while keys are being exchanged the new one, a comma and the old one. Without
//! it the key is in the data folder, in a file that only the owner reads.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::engine::access::tokens::{hex, random};
use crate::model::ApiError;
use crate::model::secret::Secret;

/// Bytes of a nonce.
const NONCE: usize = 24;

/// A key of 256 bits with an id that tells nothing about it.
pub struct MasterKey {
    /// 16 characters of hex.
    pub id: String,
    bytes: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    fn new(bytes: [u8; 32]) -> Self {
        let digest = Sha256::new().chain_update("event-actions master key id\n").chain_update(bytes).finalize();
        Self { id: hex(&digest[..8]), bytes: Zeroizing::new(bytes) }
    }

    /// A new random key.
    ///
    /// # Errors
    /// 500 without randomness.
    pub fn generate() -> Result<Self, ApiError> {
        random().map(Self::new)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
        <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Self::new)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.bytes).into())
    }

    /// Seals a value so that it opens only as this secret with this key: base64 of nonce and ciphertext.
    ///
    /// # Errors
    /// 500.
    pub fn seal(&self, secret: &Secret, value: &str) -> Result<String, ApiError> {
        let nonce = random::<NONCE>()?;
        let bound = self.bound_to(secret);
        let payload = Payload { msg: value.as_bytes(), aad: bound.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| ApiError::internal())?;
        Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens a sealed value. `None` when it was sealed as another secret, with another key, or was changed.
    #[must_use]
    pub fn open(&self, secret: &Secret, sealed: &str) -> Option<Zeroizing<String>> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        let bound = self.bound_to(secret);
        let value = self.cipher().decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: bound.as_bytes() }).ok()?;
        String::from_utf8(value).ok().map(Zeroizing::new)
    }

    fn bound_to(&self, secret: &Secret) -> String {
        json!(["event-actions secret 1", secret.tenant_id, secret.name, secret.id, self.id]).to_string()
    }
}

/// The keys at hand, the wanted one first.
#[derive(Default)]
pub struct Keyring {
    keys: Vec<Arc<MasterKey>>,
    /// Whether the first comes from the configuration.
    pub is_configured: bool,
}

impl Keyring {
    /// The keys of the configuration and of the data folder.
    ///
    /// # Errors
    /// For a key that cannot be read.
    pub fn load(configured: Option<&str>, data_dir: &Path) -> anyhow::Result<Self> {
        let mut keys = Vec::new();
        for text in configured.unwrap_or_default().split(',').filter(|t| !t.trim().is_empty()) {
            let Some(key) = MasterKey::parse(text) else { bail!("EVENT_ACTIONS_MASTER_KEY: expected 32 bytes in base64, or two of them with a comma between") };
            keys.push(Arc::new(key));
        }
        let is_configured = !keys.is_empty();
        for path in [key_file(data_dir), next_file(data_dir)] {
            keys.extend(read_key(&path)?.map(Arc::new));
        }
        Ok(Self { keys, is_configured })
    }

    /// The key that values should be sealed with.
    #[must_use]
    pub fn wanted(&self) -> Option<&Arc<MasterKey>> {
        self.keys.first()
    }

    /// The key of an id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<MasterKey>> {
        self.keys.iter().find(|k| k.id == id).cloned()
    }
}

fn key_file(data_dir: &Path) -> PathBuf {
    data_dir.join("master.key")
}

/// Where a new key waits until everything is sealed with it.
fn next_file(data_dir: &Path) -> PathBuf {
    data_dir.join("master.key.next")
}

fn read_key(path: &Path) -> anyhow::Result<Option<MasterKey>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).with_context(|| format!("{} cannot be read", path.display())),
    };
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others can read the master key; it should have the mode 0600");
    }
    MasterKey::parse(&text).map(Some).with_context(|| format!("{} holds no key of 32 bytes in base64", path.display()))
}

/// Writes a key so that it is there whole or not at all, and survives a power loss.
fn write_key(path: &Path, key: &MasterKey) -> anyhow::Result<()> {
    let folder = path.parent().context("the key has no folder")?;
    fs::create_dir_all(folder)?;
    let draft = path.with_extension("draft");
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(*key.bytes)));
    match fs::remove_file(&draft) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

/// Makes the first key of a data folder.
///
/// # Errors
/// When it cannot be written.
pub fn write_first(data_dir: &Path, key: &MasterKey) -> anyhow::Result<()> {
    let path = key_file(data_dir);
    write_key(&path, key).with_context(|| format!("{} cannot be written", path.display()))
}

/// Puts a new key beside the one in force.
///
/// # Errors
/// When it cannot be written.
pub fn write_next(data_dir: &Path, key: &MasterKey) -> anyhow::Result<()> {
    let path = next_file(data_dir);
    write_key(&path, key).with_context(|| format!("{} cannot be written", path.display()))
}

/// Ends an exchange of keys: when the waiting key is the one in force, it takes the place of the old one.
///
/// # Errors
/// When the files cannot be changed.
pub fn settle(data_dir: &Path, in_force: &str) -> anyhow::Result<()> {
    let next = next_file(data_dir);
    if read_key(&next)?.is_some_and(|key| key.id == in_force) {
        fs::rename(&next, key_file(data_dir))?;
        fs::File::open(data_dir)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn secret(tenant: Option<&str>, name: &str, id: &str) -> Secret {
        let at = Timestamp(0);
        Secret {
            id: id.into(),
            name: name.into(),
            tenant_id: tenant.map(Into::into),
            version: 1,
            created_at: at,
            created_by: String::new(),
            updated_at: at,
            updated_by: String::new(),
            used_by: None,
        }
    }

    #[test]
    fn a_value_opens_only_where_it_was_sealed() {
        let (key, other) = (MasterKey::new([1; 32]), MasterKey::new([2; 32]));
        let own = secret(Some("a"), "TOKEN", "1");
        let sealed = key.seal(&own, "canary").unwrap_or_default();
        assert_eq!(key.open(&own, &sealed).as_deref().map(String::as_str), Some("canary"));
        assert_ne!(key.seal(&own, "canary").unwrap_or_default(), sealed, "nonces differ");
        for wrong in [secret(Some("b"), "TOKEN", "1"), secret(None, "TOKEN", "1"), secret(Some("a"), "OTHER", "1"), secret(Some("a"), "TOKEN", "2")] {
            assert!(key.open(&wrong, &sealed).is_none(), "{wrong:?}");
        }
        assert!(other.open(&own, &sealed).is_none());
        let mut bytes = STANDARD.decode(&sealed).unwrap_or_default();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        assert!(key.open(&own, &STANDARD.encode(bytes)).is_none());
        assert!(key.open(&own, "").is_none() && key.open(&own, "AAAA").is_none() && key.open(&own, "?").is_none());
    }

    #[test]
    fn keys_in_files_and_settings() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (first, second) = (MasterKey::new([1; 32]), MasterKey::new([2; 32]));
        assert!(Keyring::load(None, folder.path())?.wanted().is_none());
        write_first(folder.path(), &first)?;
        assert_eq!(fs::metadata(key_file(folder.path()))?.permissions().mode() & 0o777, 0o600);
        write_next(folder.path(), &second)?;
        let ring = Keyring::load(None, folder.path())?;
        assert_eq!(ring.wanted().map(|k| k.id.as_str()), Some(first.id.as_str()));
        assert!(ring.find(&second.id).is_some() && ring.find("0").is_none() && !ring.is_configured);
        settle(folder.path(), &first.id)?;
        assert!(next_file(folder.path()).exists(), "a key that is not in force waits");
        settle(folder.path(), &second.id)?;
        assert_eq!(Keyring::load(None, folder.path())?.wanted().map(|k| k.id.clone()), Some(second.id.clone()));
        let both = format!("{},{}", STANDARD.encode([3u8; 32]), STANDARD.encode([2u8; 32]));
        let ring = Keyring::load(Some(&both), folder.path())?;
        assert!(ring.is_configured && ring.find(&second.id).is_some());
        assert_eq!(ring.wanted().map(|k| k.id.clone()), Some(MasterKey::new([3; 32]).id));
        assert!(Keyring::load(Some("c2hvcnQ="), folder.path()).is_err());
        Ok(())
    }
}
