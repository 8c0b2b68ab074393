//! Passwords: Argon2id off the asynchronous threads, a few at a time, with the same work for accounts that do not exist.

use std::time::Duration;

use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::OwnedSemaphorePermit;
use zeroize::Zeroizing;

use crate::engine::{Engine, internal};
use crate::model::ApiError;
use crate::model::user::MAX_PASSWORD;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// A hash that no password has, with the parameters of real ones: verifying it takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Engine {
    /// The hash of a new password in PHC form.
    ///
    /// # Errors
    /// 503 when too many are being hashed.
    pub(in crate::engine) async fn hash_password(&self, password: &str) -> Result<String, ApiError> {
        let password = Zeroizing::new(password.to_owned());
        let turn = self.hashing_turn().await?;
        let hashed = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
        });
        hashed.await.map_err(internal)?.map_err(|e| internal(anyhow::anyhow!("a password could not be hashed: {e}")))
    }

    /// Whether a password fits a hash; without a hash it does the same work and says no.
    ///
    /// # Errors
    /// 503 when too many are being verified.
    pub(in crate::engine) async fn verify_password(&self, password: &str, hash: Option<&str>) -> Result<bool, ApiError> {
        let possible = hash.is_some() && password.chars().count() <= MAX_PASSWORD;
        let password = Zeroizing::new(if possible { password.to_owned() } else { String::new() });
        let hash = hash.unwrap_or(NOBODY).to_owned();
        let turn = self.hashing_turn().await?;
        let fits = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            fits(&password, &hash)
        });
        Ok(fits.await.map_err(internal)? && possible)
    }

    async fn hashing_turn(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let turn = tokio::time::timeout(PATIENCE, self.access().hashing.clone().acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| ApiError::unavailable("busy", "Too many people sign in at this moment. Try again in a few seconds.", 5))
    }
}

fn fits(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_costs_as_much_as_a_real_one() {
        let real = Argon2::default().hash_password(b"correct horse battery").map(|h| h.to_string()).unwrap_or_default();
        let parameters = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(parameters(&real), parameters(NOBODY));
        assert_eq!(real.len(), NOBODY.len());
        assert!(PasswordHash::new(NOBODY).is_ok() && !fits("", NOBODY));
        assert!(fits("correct horse battery", &real) && !fits("correct horse batterz", &real));
    }
}
