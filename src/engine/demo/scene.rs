//! The actions of the demo and what they use: one of each handler, one that fails on purpose, one that is off.

use serde_json::{Value, json};
use uuid::Uuid;

use super::TENANT;
use crate::engine::{Caller, Engine, internal};
use crate::handlers::email::DEMO_DOMAIN;
use crate::handlers::outbound::DEMO_SINK_HOST;
use crate::model::action::{Action, NewAction};
use crate::model::function::NewFunction;
use crate::model::handler::from_value;
use crate::model::template::NewTemplate;
use crate::model::{ApiError, Timestamp};

/// How many of a hundred requests the failing receiver refuses.
pub const FAIL_PERCENT: i64 = 30;
/// The name of the action that fails on purpose.
pub const FAILING: &str = "Mirror users to the old CRM";
/// Actions begin this long before the first event of the history, in milliseconds.
const HEAD_START_MS: i64 = 25 * 3_600_000;

const RISK: &str = "// Scores a payment from 0 to 100. Edit it and press Run: the demo is here to be changed.
export function score(event, args, kwargs) {
  const { amount, country } = event.data.payment;
  const abroad = kwargs.home.includes(country) ? 0 : 20;
  const score = Math.min(100, Math.round(amount / 50) + abroad);
  console.log(`payment of ${amount} from ${country}: ${score}`);
  return { score, review: score >= kwargs.threshold };
}
";

const WELCOME_TEXT: &str = "Hello {{ user.name }},\n\nyour account is ready. You are on the {{ user.plan }} plan.\n\nThe team of the demo shop\n";
const WELCOME_HTML: &str =
    "<h1>Hello {{ user.name }}</h1>\n<p>Your account is ready. You are on the <strong>{{ user.plan }}</strong> plan.</p>\n<p>The team of the demo shop</p>\n";

fn sink(path: &str, query: &str) -> String {
    format!("http://{DEMO_SINK_HOST}/{path}?{query}")
}

/// The six actions as somebody would write them.
fn actions() -> [Value; 6] {
    let from = format!("Demo shop <hello@{DEMO_DOMAIN}>");
    [
        json!({
            "name": "Tell the warehouse about paid orders", "description": "Sends each paid order to the built-in receiver of the demo.", "handler_type": "webhook",
            "configuration": {
                "method": "POST", "url": sink("warehouse", "delay_ms=120"),
                "body": {"order_id": "{{ order.id }}", "total": "{{ order.total }}", "items": "{{ order.items }}", "ship_to": "{{ customer.name }}"}
            },
            "event_types": ["order.paid"], "conditions": [{"field": "data.order.total", "operator": "gt", "value": 0}], "priority": "high", "tags": ["demo", "orders"]
        }),
        json!({
            "name": "Welcome new users", "description": "Writes a mail once the address is verified. It goes to the mailbox, never out.", "handler_type": "email",
            "configuration": {"to": "{{ user.email }}", "from": from, "template": "welcome"},
            "event_types": ["user.created"], "conditions": [{"field": "data.user.email_verified", "operator": "equals", "value": true}], "tags": ["demo", "users"]
        }),
        json!({
            "name": "Score payments", "description": "Runs the stored function risk, and answers whoever sent the event with the score.", "handler_type": "function",
            "configuration": {"module": "risk", "function": "score", "kwargs": {"home": ["DE", "FR", "NL", "PT"], "threshold": 60}},
            "event_types": ["payment.*"], "conditions": [{"field": "data.payment.amount", "operator": "gte", "value": 100}], "execution_mode": "sync", "tags": ["demo", "payments"]
        }),
        json!({
            "name": "Onboard companies", "description": "Checks, transforms, tells the billing receiver and writes to sales. At most 30 a minute.", "handler_type": "workflow",
            "configuration": {"steps": [
                {"name": "check", "action": "validate", "params": {"required_fields": ["company.name", "contact.email"]}},
                {"name": "billing", "action": "send", "params": {"destination": "webhook", "url": sink("billing", "delay_ms=200"), "body": {"company": "{{ company.name }}", "seats": "{{ company.seats }}"}}},
                {"name": "sales", "action": "send", "params": {"destination": "email", "to": format!("sales@{DEMO_DOMAIN}"), "from": from,
                    "subject": "{{ company.name }} signed up", "text": "{{ company.name }} wants {{ company.seats }} seats. Ask {{ contact.name }}."}}
            ]},
            "event_types": ["company.signed_up"], "execution_mode": "queued", "rate_limit": {"max": 30, "per_seconds": 60}, "tags": ["demo", "companies"]
        }),
        json!({
            "name": FAILING, "description": "Its receiver refuses about a third of all requests on purpose: see health, retries and dead letters at work.", "handler_type": "webhook",
            "configuration": {"method": "PUT", "url": sink("crm", &format!("delay_ms=400&fail_percent={FAIL_PERCENT}"))},
            "event_types": ["user.*"], "priority": "low", "max_retries": 2, "retry_delay_seconds": 5, "circuit_breaker": {"failures": 20, "cooldown_seconds": 60}, "tags": ["demo", "users"]
        }),
        json!({
            "name": "Export orders to the old archive", "description": "Switched off: the archive is no more. Its history shows what it did before.", "handler_type": "webhook",
            "configuration": {"method": "POST", "url": sink("archive", "")}, "event_types": ["order.*"], "is_enabled": false, "tags": ["demo", "orders"]
        }),
    ]
}

impl Engine {
    /// Makes the template, the function and the actions, as of before the history begins.
    pub(super) async fn make_scene(&self, caller: &Caller, now: Timestamp) -> Result<(), ApiError> {
        let tenant_id = Some(TENANT.to_owned());
        let subject = "Welcome, {{ user.name }}".to_owned();
        let welcome = NewTemplate { name: "welcome".into(), subject, html: Some(WELCOME_HTML.into()), text: Some(WELCOME_TEXT.into()), tenant_id: tenant_id.clone() };
        self.create_template(caller, welcome).await?;
        self.create_function(caller, NewFunction { name: "risk".into(), source: RISK.into(), tenant_id: tenant_id.clone() }).await?;
        let began = now.plus_ms(-HEAD_START_MS);
        for written in actions() {
            let mut definition: NewAction = from_value(written)?;
            definition.tenant_id.clone_from(&tenant_id);
            self.check_action(caller, &definition)?;
            let id = Uuid::new_v7(super::history::uuid_time(began)).to_string();
            let by = caller.actor.to_string();
            let action = Action { id, definition, version: 1, created_at: began, updated_at: began, created_by: by, deleted_at: None, health: None, stats: None };
            self.store_action(caller, "action.create", None, &action).await?;
        }
        self.refresh_registry().await.map_err(internal)
    }
}
