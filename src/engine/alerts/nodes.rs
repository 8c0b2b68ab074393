//! What a node says of itself: memory, disk, database, breakers, handlers. Nodes that share a database tell each other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::db::nodes;
use crate::engine::Engine;
use crate::engine::feed::Told;

/// Milliseconds after which a node that says nothing no longer counts.
const SILENT_MS: i64 = 15_000;

/// A breaker that is open on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBreaker {
    /// An English sentence.
    pub why: String,
    /// Failures in a row.
    pub failures: u32,
    /// Failures at which it opens.
    pub limit: u32,
    /// The alert rule whose event caused the attempt that opened it.
    pub cause: Option<String>,
}

/// What a node says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeReport {
    /// Its name.
    pub node: String,
    /// The share of the memory it may have that its process uses.
    pub memory_percent: Option<f64>,
    /// The share of the disk under its data folder that is used.
    pub disk_percent: Option<f64>,
    /// How many milliseconds the database took to answer.
    pub database_latency_ms: Option<f64>,
    /// The share of its connections to the database that are in use.
    pub connections_percent: Option<f64>,
    /// Open breakers by action.
    pub breakers: BTreeMap<String, OpenBreaker>,
    /// Handlers that cannot work although actions use them, with why.
    pub unavailable: BTreeMap<String, String>,
    /// Its latest executions that went on, for those who watch elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub executions: Vec<Told>,
}

/// The number behind a name in a file of lines such as `VmRSS:   1234 kB`.
fn field(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// The share of its memory that a process uses: of the limit of its group, else of the machine's.
fn memory_share(status: &str, meminfo: &str, group_limit: Option<&str>) -> Option<f64> {
    let used = field(status, "VmRSS:")?;
    let machine = field(meminfo, "MemTotal:")?;
    let group = group_limit.and_then(|t| t.trim().parse::<f64>().ok()).map(|bytes| bytes / 1024.0);
    Some(used * 100.0 / group.filter(|g| *g > 0.0).map_or(machine, |g| g.min(machine)))
}

fn memory_percent() -> Option<f64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    memory_share(&read("/proc/self/status")?, &read("/proc/meminfo")?, read("/sys/fs/cgroup/memory.max").as_deref())
}

fn disk_percent(folder: &std::path::Path) -> Option<f64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    // What only the administrator may still use counts as used.
    (disk.f_blocks > 0).then(|| (disk.f_blocks - disk.f_bavail.min(disk.f_blocks)) as f64 * 100.0 / disk.f_blocks as f64)
}

impl Engine {
    /// What this node says of itself now.
    async fn own_report(&self) -> anyhow::Result<NodeReport> {
        let asked = Instant::now();
        self.db().now_ms().await?;
        let database_latency_ms = Some(asked.elapsed().as_secs_f64() * 1_000.0);
        Ok(NodeReport {
            node: self.inner.node.clone(),
            memory_percent: memory_percent(),
            disk_percent: disk_percent(&self.config().data_dir),
            database_latency_ms,
            connections_percent: self.db().connections_percent(),
            breakers: self.breakers_here(),
            unavailable: self.unavailable_in_use().into_iter().collect(),
            executions: self.told_executions(),
        })
    }

    /// Renews what is known of every node.
    pub(super) async fn refresh_reports(&self) -> anyhow::Result<Arc<Vec<NodeReport>>> {
        let own = self.own_report().await?;
        let mut all = Vec::new();
        if self.db().is_shared() {
            nodes::report(self.db(), &own.node, &serde_json::to_string(&own)?).await?;
            let others = nodes::recent(self.db(), SILENT_MS).await?;
            let names: Vec<String> = others.iter().map(|(name, _)| name.clone()).collect();
            self.forget_unheard(&names);
            let others = others.into_iter().filter(|(name, _)| *name != own.node).filter_map(|(_, text)| serde_json::from_str::<NodeReport>(&text).ok());
            all.extend(others.map(|mut report| {
                self.hear_executions(&report.node, std::mem::take(&mut report.executions));
                report
            }));
        }
        all.push(NodeReport { executions: Vec::new(), ..own });
        let all = Arc::new(all);
        self.inner.alerts.reports.store(all.clone());
        Ok(all)
    }

    /// Why breakers are open, by action: here as it is now, elsewhere as those nodes said.
    pub(in crate::engine) fn breakers_everywhere(&self) -> HashMap<String, String> {
        let reports = self.inner.alerts.reports();
        let elsewhere = reports.iter().filter(|r| r.node != self.inner.node).flat_map(|r| &r.breakers);
        let mut out: HashMap<String, String> = elsewhere.map(|(id, b)| (id.clone(), b.why.clone())).collect();
        out.extend(self.breakers_here().into_iter().map(|(id, b)| (id, b.why)));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_memory() {
        let (status, machine) = ("Name:\tx\nVmRSS:\t  102400 kB\n", "MemTotal:        1024000 kB\nMemFree: 1 kB\n");
        for (limit, expected) in [(None, Some(10.0)), (Some("max\n"), Some(10.0)), (Some("209715200\n"), Some(50.0)), (Some("99999999999999\n"), Some(10.0))] {
            assert_eq!(memory_share(status, machine, limit), expected, "{limit:?}");
        }
        assert_eq!(memory_share("", machine, None), None);
    }
}
