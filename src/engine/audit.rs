//! The audit log: every change in one chain of hashes, appended inside the change's own transaction.
//!
//! The settings hold how many entries there are and the last one's hash. An edited, deleted or cut-off entry no longer fits.
//! Whoever can write to the database can also make up a whole new chain; against that only a copy elsewhere helps.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::access::tokens::hex;
use super::{Caller, Engine, cursor, internal};
use crate::db::audit::{self, Stored};
use crate::db::{Db, Tx};
use crate::model::access::Scope;
use crate::model::audit::{AuditEntry, AuditFault, AuditFaultKind, AuditFilter, AuditVerdict};
use crate::model::page::{Page, PageRequest};
use crate::model::{ApiError, Timestamp};

/// Bytes of one document that an entry keeps; of a larger one it keeps size and digest.
const MAX_DOCUMENT: usize = 64 * 1024;
/// Entries read at a time while the chain is verified.
const STEP: i64 = 500;

/// The hash of an entry behind `previous`: SHA-256 over the previous hash, a line feed and the row as a JSON array.
fn hash_of(previous: &str, e: &Stored) -> String {
    let row = json!([e.seq, e.id, e.at, e.actor, e.address, e.action, e.subject_kind, e.subject_id, e.tenant_id, e.before_doc, e.after_doc, e.request_id]);
    hex(&Sha256::new().chain_update(previous).chain_update("\n").chain_update(row.to_string()).finalize())
}

/// A document as it is kept.
fn kept(document: Option<Value>) -> Option<String> {
    let text = document?.to_string();
    if text.len() <= MAX_DOCUMENT {
        return Some(text);
    }
    Some(json!({"too_large": true, "bytes": text.len(), "sha256": hex(&Sha256::digest(text.as_bytes()))}).to_string())
}

fn fault(seq: i64, kind: AuditFaultKind, message: String) -> AuditFault {
    AuditFault { seq, kind, message }
}

/// Follows the chain row by row.
struct Walk {
    /// How many entries there should be.
    count: i64,
    /// The place and the hash reached.
    seq: i64,
    hash: String,
}

impl Walk {
    /// Takes the next entry; the first fault ends the walk.
    fn step(&mut self, e: &Stored) -> Result<(), AuditFault> {
        let expected = self.seq + 1;
        if e.seq != expected {
            let message = format!("Entry {expected} is not there; the next one that is has the place {}.", e.seq);
            return Err(fault(expected, AuditFaultKind::Missing, message));
        }
        let hash = hash_of(&self.hash, e);
        if hash != e.hash {
            let message = format!("Entry {expected} ({} of {} {:?} by {}) was changed after it was written.", e.action, e.subject_kind, e.subject_id, e.actor);
            return Err(fault(expected, AuditFaultKind::Edited, message));
        }
        (self.seq, self.hash) = (expected, hash);
        Ok(())
    }

    /// Compares where the walk ended with the recorded end.
    fn end(&self, head: &str) -> Result<(), AuditFault> {
        if self.seq < self.count {
            let message = format!("The log ends at entry {}; {} entries from {} on are not there.", self.seq, self.count - self.seq, self.seq + 1);
            return Err(fault(self.seq + 1, AuditFaultKind::Truncated, message));
        }
        if self.hash != head {
            return Err(fault(self.seq, AuditFaultKind::Head, format!("The recorded end of the log names another hash than entry {}.", self.seq)));
        }
        Ok(())
    }
}

impl Engine {
    /// Appends an entry inside the transaction of the change it tells of. Call it last: nobody else appends until the
    /// transaction ends. Documents must hold no secrets.
    ///
    /// # Errors
    /// 503 or 500; the change must not be committed then.
    #[allow(clippy::too_many_arguments)]
    pub(super) async fn audit(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        action: &str,
        subject: (&str, &str),
        tenant: Option<&str>,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), ApiError> {
        let (seq, previous) = audit::next(tx).await.map_err(internal)?;
        let mut entry = Stored {
            seq,
            id: Uuid::now_v7().to_string(),
            at: Timestamp::now().0,
            actor: caller.actor.to_string(),
            address: caller.address.map(|a| a.to_canonical().to_string()),
            action: action.to_owned(),
            subject_kind: subject.0.to_owned(),
            subject_id: subject.1.to_owned(),
            tenant_id: tenant.map(str::to_owned),
            before_doc: kept(before),
            after_doc: kept(after),
            request_id: caller.request_id.clone(),
            hash: String::new(),
        };
        entry.hash = hash_of(&previous, &entry);
        audit::append(tx, &entry).await.map_err(internal)
    }

    /// Entries that pass the filter, latest first: of the caller's tenant, or for the platform of one or all.
    ///
    /// # Errors
    /// 403 without `admin`, 404 for another tenant.
    pub async fn list_audit(&self, caller: &Caller, filter: AuditFilter, page: PageRequest) -> Result<Page<AuditEntry>, ApiError> {
        caller.require(Scope::Admin)?;
        let tenant = caller.reads(filter.tenant_id.as_deref())?;
        let limit = page.checked_limit()?;
        let after: Option<i64> = cursor::decode(&page)?;
        let found = audit::list(self.db(), tenant.as_deref(), &filter, after, limit + 1).await.map_err(internal)?;
        Ok(cursor::page(found, limit, |e| e.seq))
    }

    /// Follows the whole chain and names the first place where it does not hold. Tenants are told the place alone.
    ///
    /// # Errors
    /// 403 without `admin`, 503 without the database.
    pub async fn verify_audit(&self, caller: &Caller) -> Result<AuditVerdict, ApiError> {
        caller.require(Scope::Admin)?;
        let (entries, first_fault) = self.walk_audit().await.map_err(internal)?;
        self.note_audit(&AuditVerdict { ok: first_fault.is_none(), entries, first_fault: first_fault.clone() });
        let told = |f: AuditFault| if caller.is_platform { f } else { AuditFault { message: format!("The chain is broken at entry {}.", f.seq), ..f } };
        Ok(AuditVerdict { ok: first_fault.is_none(), entries, first_fault: first_fault.map(told) })
    }

    /// The recorded number of entries, and the first fault.
    async fn walk_audit(&self) -> sqlx::Result<(i64, Option<AuditFault>)> {
        walk(self.db()).await
    }
}

/// Follows the whole chain in a database that nobody need be running on, and names the first place where it does not hold.
///
/// # Errors
/// The database's.
pub async fn verify(db: &Db) -> sqlx::Result<AuditVerdict> {
    let (entries, first_fault) = walk(db).await?;
    Ok(AuditVerdict { ok: first_fault.is_none(), entries, first_fault })
}

/// Follows the chain in a database: the recorded number of entries, and the first fault.
pub(super) async fn walk(db: &Db) -> sqlx::Result<(i64, Option<AuditFault>)> {
    let (count, head) = audit::head(db).await?;
    let recorded = match (&count, &head) {
        (None, None) => Some((0, "")),
        (Some(count), Some(head)) => count.parse().ok().map(|n| (n, head.as_str())),
        _ => None,
    };
    let Some((count, head)) = recorded else {
        return Ok((0, Some(fault(0, AuditFaultKind::Head, "The recorded end of the log is missing or unreadable.".to_owned()))));
    };
    let mut walk = Walk { count, seq: 0, hash: String::new() };
    while walk.seq < count {
        let rows = audit::after(db, walk.seq, STEP.min(count - walk.seq)).await?;
        if rows.is_empty() {
            break;
        }
        if let Some(fault) = rows.iter().find_map(|row| walk.step(row).err()) {
            return Ok((count, Some(fault)));
        }
    }
    if let Err(fault) = walk.end(head) {
        return Ok((count, Some(fault)));
    }
    // What lies behind the end is in order only when the end has moved meanwhile.
    if let Some(extra) = audit::after(db, count, 1).await?.first()
        && audit::head(db).await?.0.as_deref() == Some(count.to_string().as_str())
    {
        let message = format!("Entry {} lies behind the recorded end of the log.", extra.seq);
        return Ok((count, Some(fault(extra.seq, AuditFaultKind::Appended, message))));
    }
    Ok((count, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(n: i64) -> Vec<Stored> {
        let mut previous = String::new();
        (1..=n)
            .map(|seq| {
                let mut e = Stored {
                    seq,
                    id: format!("id-{seq}"),
                    at: seq,
                    actor: "user:a@example.com".into(),
                    address: None,
                    action: "action.update".into(),
                    subject_kind: "action".into(),
                    subject_id: "x".into(),
                    tenant_id: Some("default".into()),
                    before_doc: None,
                    after_doc: kept(Some(json!({"n": seq}))),
                    request_id: None,
                    hash: String::new(),
                };
                e.hash = hash_of(&previous, &e);
                previous.clone_from(&e.hash);
                e
            })
            .collect()
    }

    fn verdict(rows: &[Stored], count: i64, head: &str) -> Option<(i64, AuditFaultKind)> {
        let mut walk = Walk { count, seq: 0, hash: String::new() };
        let fault = rows.iter().find_map(|row| walk.step(row).err()).or_else(|| walk.end(head).err());
        fault.map(|f| (f.seq, f.kind))
    }

    #[test]
    fn the_first_bad_place_is_named() {
        let good = chain(5);
        let head = good[4].hash.clone();
        assert_eq!(verdict(&good, 5, &head), None);
        assert_eq!(verdict(&[], 0, ""), None);
        type Edit = fn(&mut Vec<Stored>);
        let edits: [(Edit, i64, AuditFaultKind); 9] = [
            (|r| r[2].actor = "user:b@example.com".into(), 3, AuditFaultKind::Edited),
            (|r| r[2].after_doc = Some("{\"n\":30}".into()), 3, AuditFaultKind::Edited),
            (|r| r[2].tenant_id = None, 3, AuditFaultKind::Edited),
            (|r| r[4].hash = "00".into(), 5, AuditFaultKind::Edited),
            (|r| drop(r.remove(1)), 2, AuditFaultKind::Missing),
            (|r| drop(r.remove(0)), 1, AuditFaultKind::Missing),
            (|r| r.truncate(3), 4, AuditFaultKind::Truncated),
            (|r| r.clear(), 1, AuditFaultKind::Truncated),
            (|r| r.swap(0, 1), 1, AuditFaultKind::Missing),
        ];
        for (i, (edit, seq, kind)) in edits.into_iter().enumerate() {
            let mut rows = good.clone();
            edit(&mut rows);
            assert_eq!(verdict(&rows, 5, &head), Some((seq, kind)), "edit {i}");
        }
        assert_eq!(verdict(&good[..4], 4, &head), Some((4, AuditFaultKind::Head)), "cut off, and the count edited to fit");
    }

    #[test]
    fn large_documents_are_kept_as_digests() {
        let large = kept(Some(json!("x".repeat(MAX_DOCUMENT)))).unwrap_or_default();
        assert!(large.len() < 200 && large.contains("sha256"));
        assert_eq!(kept(None), None);
    }
}
