//! Stored functions: JavaScript modules under a name, with versions and test runs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Timestamp;
use super::action::Change;
use super::error::Faults;
use super::execution::ErrorClass;
use super::library::{MAX_NAME_CHARS, SampleEvent, UsedBy};
use super::tenant::tenant_fault;

/// Most bytes of a module's source.
pub const MAX_SOURCE_BYTES: usize = 256 * 1024;
/// Longest time for a test run, in seconds.
pub const MAX_RUN_SECONDS: u32 = 60;
/// Time for a test run when nobody says, in seconds.
pub const DEFAULT_RUN_SECONDS: u32 = 10;
/// The module that is compiled in, and the word that stands at the place of a name in addresses of the API.
const RESERVED: [&str; 2] = ["builtin", "run"];

/// Why a name cannot be a function's; `None` when it can.
#[must_use]
pub fn function_name_fault(name: &str) -> Option<&'static str> {
    if RESERVED.contains(&name) {
        return Some("A module cannot be called \"builtin\" or \"run\".");
    }
    let fine = (1..=MAX_NAME_CHARS).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    let dots = !name.is_empty() && name.bytes().all(|b| b == b'.');
    (!fine || dots).then_some("A module's name has 1 to 100 letters, digits, dots, _ and -.")
}

/// A JavaScript module as a person writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewFunction {
    /// 1 to 100 letters, digits, dots, `_` and `-`; unique within the tenant. Actions name it as `module`.
    pub name: String,
    /// JavaScript that exports at least one `function name(event, args, kwargs, ctx)`; at most 256 KiB.
    pub source: String,
    /// The tenant; absent with a platform credential means platform-wide.
    #[serde(default)]
    pub tenant_id: Option<String>,
}

impl NewFunction {
    /// Every value fault at once; whether the module loads is checked besides.
    #[must_use]
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        if let Some(why) = function_name_fault(&self.name) {
            f.add("/name", "bad_name", why);
        }
        check_source(&mut f, &self.source);
        if let Some(why) = self.tenant_id.as_deref().and_then(tenant_fault) {
            f.add("/tenant_id", "bad_tenant", why);
        }
        f
    }
}

fn check_source(f: &mut Faults, source: &str) {
    if source.trim().is_empty() {
        f.add("/source", "empty", "source is needed: export function name(event, args, kwargs, ctx) { ... }");
    } else if source.len() > MAX_SOURCE_BYTES {
        f.add("/source", "too_long", format!("source has {} bytes; at most {} KiB are allowed.", source.len(), MAX_SOURCE_BYTES / 1024));
    } else if source.contains('\0') {
        f.add("/source", "control_character", "source contains a NUL character.");
    }
}

/// A JavaScript module as stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Function {
    /// UUIDv7.
    pub id: String,
    /// What a person wrote; without `tenant_id` it is platform-wide.
    #[serde(flatten)]
    pub definition: NewFunction,
    /// The functions it exports.
    pub exports: Vec<String>,
    /// Counts up with every change, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// What uses it, as far as the caller sees; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<Vec<UsedBy>>,
}

/// One stored version of a module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct FunctionVersion {
    /// Counts from 1.
    pub version: i64,
    /// The module as it was.
    pub definition: NewFunction,
    /// Who changed it.
    pub author: String,
    /// When.
    pub created_at: Timestamp,
    /// What changed against the version before.
    pub diff: Vec<Change>,
}

/// A test run of a function; nothing of it is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RunFunction {
    /// The source to run, saved or not; the stored one when absent.
    #[serde(default)]
    pub source: Option<String>,
    /// The exported function; the only one when absent.
    #[serde(default)]
    pub function: Option<String>,
    /// The event it is called with.
    #[serde(default)]
    pub event: SampleEvent,
    /// Its second parameter, taken literally.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Vec<Object>))]
    pub args: Vec<Value>,
    /// Its third parameter, taken literally.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub kwargs: Map<String, Value>,
    /// Its time, 1 to 60; 10 when absent.
    #[serde(default)]
    pub timeout_seconds: Option<u32>,
}

impl RunFunction {
    /// Every value fault at once.
    #[must_use]
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        if let Some(source) = &self.source {
            check_source(&mut f, source);
        }
        if let Some(n) = self.timeout_seconds.filter(|n| !(1..=MAX_RUN_SECONDS).contains(n)) {
            f.add("/timeout_seconds", "out_of_range", format!("timeout_seconds is {n}; it must be 1 to {MAX_RUN_SECONDS}."));
        }
        f
    }
}

/// What a test run gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct FunctionRun {
    /// What the function returned.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub result: Option<Value>,
    /// Why it failed.
    pub error: Option<FunctionFault>,
    /// What it logged.
    pub logs: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

/// Why a function failed, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct FunctionFault {
    /// The class.
    pub class: ErrorClass,
    /// An English sentence.
    pub message: String,
    /// The line in the source, from 1.
    pub line: Option<u32>,
    /// The column in the source, from 1.
    pub column: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, fine) in [("my_app.handlers", true), ("a-1", true), ("", false), ("a b", false), ("builtin", false), ("run", false), ("é", false), (".", false)] {
            assert_eq!(function_name_fault(name).is_none(), fine, "{name:?}");
        }
    }

    #[test]
    fn faults_of_functions() {
        let faults = |name: &str, source: String| NewFunction { name: name.into(), source, tenant_id: None }.validate().0.len();
        assert_eq!(faults("a", "export const f = () => 1".into()), 0);
        assert_eq!((faults("", String::new()), faults("a", " \n".into()), faults("a", "a\0".into())), (2, 1, 1));
        assert_eq!((faults("a", "x".repeat(MAX_SOURCE_BYTES)), faults("a", "x".repeat(MAX_SOURCE_BYTES + 1))), (0, 1));
        let run = RunFunction { source: Some(String::new()), timeout_seconds: Some(61), ..RunFunction::default() };
        assert_eq!(run.validate().0.len(), 2);
    }
}
