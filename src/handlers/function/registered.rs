//! Functions written in Rust and registered by name: the product's own and an embedder's.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use super::builtins;
use crate::handlers::{Call, HandlerError};

/// What a function is given.
pub struct FunctionCall {
    /// The call: event, action, execution, time, what the engine offers.
    pub call: Call,
    /// The configuration's `args`, rendered.
    pub args: Vec<Value>,
    /// The configuration's `kwargs`, rendered.
    pub kwargs: Map<String, Value>,
}

type Registered = Arc<dyn Fn(FunctionCall) -> BoxFuture<'static, Result<Value, HandlerError>> + Send + Sync>;

/// Functions by module and name.
#[derive(Clone)]
pub struct Functions {
    table: BTreeMap<(String, String), Registered>,
}

impl Default for Functions {
    /// The builtins alone.
    fn default() -> Self {
        builtins::add_to(Self { table: BTreeMap::new() })
    }
}

impl Functions {
    /// Adds a function; a second one of the same module and name replaces the first. A compiled-in module and name wins over a stored one.
    ///
    /// The executor bounds it by the action's timeout, but cannot interrupt what blocks a thread: use `spawn_blocking` for that.
    #[must_use]
    pub fn with<F, Fut>(mut self, module: &str, function: &str, run: F) -> Self
    where
        F: Fn(FunctionCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, HandlerError>> + Send + 'static,
    {
        self.table.insert((module.to_owned(), function.to_owned()), Arc::new(move |call| Box::pin(run(call))));
        self
    }

    /// The function of a module.
    pub(super) fn get(&self, module: &str, function: &str) -> Option<&Registered> {
        self.table.get(&(module.to_owned(), function.to_owned()))
    }

    /// Every function as `module.function`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.table.keys().map(|(module, function)| format!("{module}.{function}")).collect()
    }
}
