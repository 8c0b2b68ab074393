//! The demo: a tenant of its own with six actions, a made-up day behind it and a trickle of events, to look around in. It comes
//! and goes as a whole; everything in it says that it is a demo.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use tracing::{info, warn};

use super::{Caller, Engine, internal};
use crate::db::{Tx, purge, rollup, settings, tenants, users};
use crate::model::access::{Role, Scope};
use crate::model::tenant::Tenant;
use crate::model::user::Membership;
use crate::model::{ApiError, Timestamp};

mod history;
mod scene;
mod traffic;

/// The demo's tenant.
pub const TENANT: &str = "demo";
/// Between two events of the trickle.
const EVERY: Duration = Duration::from_secs(20);
/// Administrators who are made members, so that they find the demo among their tenants.
const MOST_MEMBERS: u32 = 200;

/// The demo while it is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demo {
    /// Its tenant.
    pub tenant_id: String,
    /// When it was loaded.
    pub loaded_at: Timestamp,
    /// False while it is being loaded, or when that was cut off.
    pub is_complete: bool,
}

impl Engine {
    /// The demo, when it is here.
    #[must_use]
    pub fn demo(&self) -> Option<Arc<Demo>> {
        self.inner.demo.load_full()
    }

    /// Loads the demo. One that is here stays as it is; what was cut off is done again. Returns whether anything was loaded.
    ///
    /// # Errors
    /// 403 for anybody but the platform, 409 when a tenant that is no demo has its id, 503 without the database.
    pub async fn load_demo(&self, caller: &Caller) -> Result<bool, ApiError> {
        caller.require_platform()?;
        self.refresh_registry().await.map_err(internal)?;
        self.reload_demo().await.map_err(internal)?;
        match self.demo() {
            Some(demo) if demo.is_complete => return Ok(false),
            Some(_) => drop(self.remove_demo(caller).await?),
            None => {}
        }
        let now = Timestamp::now();
        self.make_demo_tenant(caller, now).await?;
        self.refresh_registry().await.map_err(internal)?;
        self.make_scene(caller, now).await?;
        self.make_history(now).await.map_err(internal)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        mark(&mut tx, now, true).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        self.refresh_registry().await.map_err(internal)?;
        info!(tenant_id = TENANT, "the demo is loaded");
        Ok(true)
    }

    /// The tenant, the mark that it is the demo's, and a place in it for whoever administers the platform.
    async fn make_demo_tenant(&self, caller: &Caller, now: Timestamp) -> Result<(), ApiError> {
        let tenant = Tenant { id: TENANT.to_owned(), name: "Demo".to_owned(), settings: Map::new(), created_at: now };
        let people = users::list(self.db(), None, None, MOST_MEMBERS).await.map_err(internal)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        if !tenants::insert(&mut tx, &tenant).await.map_err(internal)? {
            let why = format!("There is a tenant {TENANT:?} that is not the demo's; the demo needs this id.");
            return Err(ApiError::conflict("tenant_exists", why));
        }
        for user in people.iter().filter(|user| user.is_platform_admin) {
            let membership = Membership { tenant_id: TENANT.to_owned(), role: Role::Admin };
            users::set_membership(&mut tx, &user.id, &membership, now).await.map_err(internal)?;
        }
        mark(&mut tx, now, false).await.map_err(internal)?;
        self.audit(&mut tx, caller, "demo.load", ("tenant", TENANT), Some(TENANT), None, Some(json!(tenant))).await?;
        tx.commit().await.map_err(internal)
    }

    /// Takes the demo away with everything that belongs to it. Returns whether there was one.
    ///
    /// # Errors
    /// 403 for anybody but the platform, 503 without the database.
    pub async fn remove_demo(&self, caller: &Caller) -> Result<bool, ApiError> {
        caller.require_platform()?;
        self.refresh_registry().await.map_err(internal)?;
        self.reload_demo().await.map_err(internal)?;
        let Some(demo) = self.demo() else { return Ok(false) };
        let of_demo = |a: &Arc<crate::model::action::Action>| a.definition.tenant_id.as_deref() == Some(demo.tenant_id.as_str());
        for action in self.inner.matcher.all().into_iter().filter(of_demo) {
            self.delete_action(caller, &action.id).await?;
        }
        let sums = purge::sums_without(self.db(), &demo.tenant_id).await.map_err(internal)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        purge::tenant(&mut tx, &demo.tenant_id).await.map_err(internal)?;
        rollup::put(&mut tx, &sums).await.map_err(internal)?;
        settings::remove_in(&mut tx, settings::DEMO_KEY).await.map_err(internal)?;
        self.audit(&mut tx, caller, "demo.remove", ("tenant", &demo.tenant_id), None, Some(json!(*demo)), None).await?;
        tx.commit().await.map_err(internal)?;
        self.refresh_registry().await.map_err(internal)?;
        self.reload_open_alerts().await.map_err(internal)?;
        info!(tenant_id = demo.tenant_id, "the demo is removed");
        Ok(true)
    }

    /// Learns from the database whether the demo is here. When it came or went, the past has changed.
    pub(super) async fn reload_demo(&self) -> anyhow::Result<()> {
        let stored = settings::get(self.db(), settings::DEMO_KEY).await?;
        // Whoever deletes the tenant by hand takes the demo away as well.
        let now = stored.and_then(|text| serde_json::from_str::<Demo>(&text).ok()).filter(|demo| self.tenant_exists(&demo.tenant_id));
        if self.inner.demo.load().as_deref() != now.as_ref() {
            self.inner.demo.store(now.map(Arc::new));
            self.inner.monitor.forget().await;
        }
        Ok(())
    }

    /// Keeps a demo alive: one event every now and then, from one node alone.
    pub(super) async fn demo_loop(self) {
        let mut dice = traffic::Dice::new(Timestamp::now().0.unsigned_abs());
        loop {
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let Some(demo) = self.demo().filter(|demo| demo.is_complete && self.leads() && !self.is_paused()) else { continue };
            let caller = Caller { tenant_id: Some(demo.tenant_id.clone()), is_platform: false, scopes: vec![Scope::EventsWrite], ..Caller::system("demo") };
            if let Err(e) = self.ingest(&caller, traffic::event(&mut dice), None).await {
                warn!(error = %e, "an event of the demo was not taken");
            }
        }
    }
}

async fn mark(tx: &mut Tx, loaded_at: Timestamp, is_complete: bool) -> anyhow::Result<()> {
    let demo = Demo { tenant_id: TENANT.to_owned(), loaded_at, is_complete };
    Ok(settings::put_in(tx, settings::DEMO_KEY, &serde_json::to_string(&demo)?).await?)
}
