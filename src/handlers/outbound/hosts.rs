//! How many requests may be under way to one destination host at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hosts remembered before those without requests are forgotten.
const SWEEP_AT: usize = 1024;

/// One semaphore per host with requests under way.
#[derive(Debug)]
pub struct HostLimits {
    per_host: usize,
    hosts: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl HostLimits {
    /// At most `per_host` (at least 1) at once to each host.
    pub fn new(per_host: usize) -> Self {
        Self { per_host: per_host.clamp(1, Semaphore::MAX_PERMITS), hosts: Mutex::default() }
    }

    /// A place, held until it is dropped; `None` when none came free within `patience`. First come, first served.
    pub async fn enter(&self, host: &str, patience: Duration) -> Option<OwnedSemaphorePermit> {
        let semaphore = self.semaphore(host);
        tokio::time::timeout(patience, semaphore.acquire_owned()).await.ok()?.ok()
    }

    fn semaphore(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = hosts.get(host).and_then(Weak::upgrade) {
            return semaphore;
        }
        if hosts.len() >= SWEEP_AT {
            hosts.retain(|_, semaphore| semaphore.strong_count() > 0);
        }
        let semaphore = Arc::new(Semaphore::new(self.per_host));
        hosts.insert(host.to_owned(), Arc::downgrade(&semaphore));
        semaphore
    }
}
