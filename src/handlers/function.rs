//! Functions: those compiled in, registered in Rust, and JavaScript modules that people write in the console.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::render::{self, is_template, nonsense, own_limit};
use super::{Call, Handler, HandlerError, Output, Preview};
use crate::model::event::Event;
use crate::model::execution::ErrorClass;
use crate::model::handler::{Field, FieldKind, HandlerHealth, HandlerSpec, HandlerType};
use crate::model::{FieldError, Timestamp};
use crate::template;

pub mod builtins;
mod halt;
mod js;
mod pool;
mod registered;
#[cfg(test)]
mod tests;
mod trouble;

use halt::Time;
use js::{Entry, Script};
use pool::JsPool;
pub use registered::{FunctionCall, Functions};

/// Most bytes of a JavaScript module's source.
pub const MAX_SOURCE_BYTES: usize = js::SOURCE_BYTES;
/// Bound on loading a module to see what it exports.
const CHECK_TIME: Duration = Duration::from_secs(2);
/// How long a check waits for a thread to begin on.
const CHECK_PATIENCE: Duration = Duration::from_secs(10);
/// The pool's lane for what belongs to no tenant, such as a platform-wide module that is checked.
const PLATFORM: &str = "";

/// The handler `function`.
pub struct Function {
    functions: Functions,
    pool: Arc<JsPool>,
}

impl Function {
    /// A handler with these compiled-in functions; `js_workers` threads run JavaScript, for all handlers of the process
    /// together. The first handler made decides how many they are.
    #[must_use]
    pub fn new(functions: Functions, js_workers: usize) -> Self {
        Self { functions, pool: JsPool::of_process(js_workers) }
    }

    /// The same with one thread per core, unless the process has its threads already: for embedders that add functions.
    #[must_use]
    pub fn with(functions: Functions) -> Self {
        Self { functions, pool: JsPool::of_process(cores()) }
    }

    async fn call_registered(&self, invocation: &Invocation, call: &Call) -> Option<Result<Value, HandlerError>> {
        let function = self.functions.get(&invocation.module, &invocation.function)?;
        let running = function(FunctionCall { call: call.clone(), args: invocation.args.clone(), kwargs: invocation.kwargs.clone() });
        Some(tokio::select! {
            done = running => done,
            () = tokio::time::sleep(own_limit(call.timeout)) => {
                Err(HandlerError::retryable(ErrorClass::Timeout, format!("The function did not finish within {} s.", call.timeout.as_secs_f64())))
            }
            () = call.cancel.cancelled() => Err(HandlerError::retryable(ErrorClass::Cancelled, "The function was stopped from outside.")),
        })
    }

    fn missing(&self, invocation: &Invocation) -> HandlerError {
        nonsense(format!(
            "There is no function {:?} in a module {:?}: no JavaScript module of this name is stored for the tenant, and compiled in are {}.",
            invocation.function,
            invocation.module,
            self.functions.names().join(", ")
        ))
    }
}

/// What a configuration asks for, rendered.
struct Invocation {
    module: String,
    function: String,
    args: Vec<Value>,
    kwargs: Map<String, Value>,
}

impl Invocation {
    /// The one place where a configuration becomes a call; preview and handle both use it.
    fn of(call: &Call) -> Result<Self, HandlerError> {
        let name = |key: &str| call.configuration.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (module, function) = (name("module"), name("function"));
        // "builtin.echo" alone names module and function at once.
        let (module, function) = match module.rsplit_once('.') {
            Some((head, tail)) if function.is_empty() => (head.to_owned(), tail.to_owned()),
            _ => (module, function),
        };
        // An emitted event is stored and shown to whoever may read events.
        let context = if builtins::emits(&module, &function) { call.context().without_secrets() } else { call.context() };
        let rendered = template::render_value(&call.configuration, &context, &["module", "function", "timeout"]).map_err(|e| render::failed(&e))?;
        let args = match rendered.get("args") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(_) => return Err(nonsense("args must be a list.")),
        };
        let kwargs = match rendered.get("kwargs") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(members)) => members.clone(),
            Some(_) => return Err(nonsense("kwargs must be an object.")),
        };
        Ok(Self { module, function, args, kwargs })
    }

    fn to_request(&self, call: &Call) -> Value {
        json!({"module": self.module, "function": self.function, "args": self.args, "kwargs": self.kwargs, "event_id": call.event.id})
    }

    fn into_script(self, source: String, call: &Call) -> Script {
        let surroundings = json!({
            "execution_id": call.execution_id, "attempt": call.attempt, "tenant_id": call.event.tenant_id,
            "action": {"id": call.action.id, "name": call.action.name, "version": call.action.version},
            "step": call.step.as_ref().map(|s| json!({"number": s.number, "name": s.name})), "steps": call.steps,
        });
        let arguments = vec![json!(*call.event), Value::Array(self.args), Value::Object(self.kwargs), surroundings];
        Script { module: self.module, source, entry: Entry::Call { function: self.function, arguments }, now: Timestamp::now() }
    }
}

#[async_trait]
impl Handler for Function {
    fn spec(&self) -> HandlerSpec {
        HandlerSpec {
            handler_type: HandlerType::new("function"),
            label: "Function".into(),
            description: "Calls a function: JavaScript that you write here, or one compiled into this service.".into(),
            fields: vec![
                Field::new("module", "Module", FieldKind::Text)
                    .required()
                    .literal()
                    .placeholder("builtin")
                    .help("A JavaScript module stored here, or one compiled in, such as builtin."),
                Field::new("function", "Function", FieldKind::Text)
                    .literal()
                    .placeholder("echo")
                    .help("An exported function of the module. May be left out when the module is written as module.function."),
                Field::new("args", "Arguments", FieldKind::Json).help("A list, passed as the second parameter.").placeholder("[\"{{ user.id }}\"]"),
                Field::new("kwargs", "Named arguments", FieldKind::Json).help("An object, passed as the third parameter.").placeholder("{\"limit\": 10}"),
                Field::new("timeout", "Timeout", FieldKind::Number { min: 1, max: 900, unit: Some("s".into()) }).literal().advanced().help("At most this long."),
            ],
        }
    }

    fn validate(&self, configuration: &Value) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let text = |key: &str| configuration.get(key).and_then(Value::as_str);
        if let Some(module) = text("module") {
            let function = text("function").unwrap_or_default();
            if let Some(why) = module_name_fault(module) {
                faults.push(FieldError::new("/module", "bad_name", why));
            } else if function.is_empty() && !module.contains('.') {
                faults.push(FieldError::new("/function", "missing", "function is needed: the name of a function that the module exports."));
            }
        }
        for (key, fits, what) in [("args", Value::is_array as fn(&Value) -> bool, "a list"), ("kwargs", Value::is_object, "an object")] {
            if let Some(value) = configuration.get(key).filter(|v| !v.is_null() && !fits(v) && !is_template(v)) {
                let found = crate::model::value::describe(value);
                faults.push(FieldError::new(format!("/{key}"), "wrong_type", format!("{key} must be {what}, not {found}.")));
            }
        }
        faults
    }

    fn preview(&self, call: &Call) -> Result<Preview, HandlerError> {
        let invocation = Invocation::of(call)?;
        let known =
            self.functions.get(&invocation.module, &invocation.function).is_some() || call.host.function_source(&call.action, &call.event.tenant_id, &invocation.module).is_some();
        if !known {
            return Err(self.missing(&invocation));
        }
        Ok(Preview { destination: format!("call {}.{}", invocation.module, invocation.function), request: invocation.to_request(call), curl: None })
    }

    async fn handle(&self, call: &Call) -> Result<Output, HandlerError> {
        let invocation = Invocation::of(call)?;
        let request = invocation.to_request(call);
        if let Some(outcome) = self.call_registered(&invocation, call).await {
            return outcome.map(|result| Output { result, request: Some(request.clone()), ..Output::default() }).map_err(|e| e.with_request(request));
        }
        let Some(source) = call.host.function_source(&call.action, &call.event.tenant_id, &invocation.module) else {
            return Err(self.missing(&invocation).with_request(request));
        };
        let module = invocation.module.clone();
        let done = self.pool.run(&call.event.tenant_id, invocation.into_script(source, call), own_limit(call.timeout), &call.cancel).await;
        match done.outcome {
            Ok(result) => Ok(Output { result, request: Some(request), logs: done.logs, ..Output::default() }),
            Err(trouble) => Err(trouble.into_error(&module, done.logs).with_request(request)),
        }
    }

    async fn health(&self) -> HandlerHealth {
        HandlerHealth::Healthy
    }
}

/// Why a name is unusable for a module; none when it is fine.
#[must_use]
pub fn module_name_fault(name: &str) -> Option<&'static str> {
    let fine = (1..=100).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    (!fine).then_some("A module's name has 1 to 100 letters, digits, dots, _ and -.")
}

/// What a run of a module from the console gave.
#[derive(Clone, Debug)]
pub struct ModuleRun {
    /// What the function returned, or why it failed, with the line.
    pub outcome: Result<Value, HandlerError>,
    /// Line and column in the module where it failed, both from 1.
    pub place: Option<(u32, u32)>,
    /// What it logged.
    pub logs: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

/// Loads a tenant's or a platform-wide module and names the functions it exports, for saving. Loading takes at most about
/// 3 s; waiting for a thread before that, at most 10 s, does not count.
///
/// # Errors
/// A fault of `/source` with line and column, when the module does not load or exports no function.
pub async fn check_module(tenant: Option<&str>, name: &str, source: &str) -> Result<Vec<String>, FieldError> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err(FieldError::new("/source", "too_long", format!("The source has {} bytes; at most {} KiB are allowed.", source.len(), MAX_SOURCE_BYTES >> 10)));
    }
    let script = Script { module: name.to_owned(), source: source.to_owned(), entry: Entry::Exports, now: Timestamp::now() };
    let time = Time { running: CHECK_TIME, waiting: CHECK_PATIENCE };
    let done = JsPool::of_process(cores()).run_within(tenant.unwrap_or(PLATFORM), script, time, &CancellationToken::new()).await;
    let names: Vec<String> = match done.outcome {
        Ok(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Ok(_) => Vec::new(),
        Err(trouble) => return Err(trouble.into_field_error()),
    };
    if names.is_empty() {
        return Err(FieldError::new("/source", "no_export", "The module exports no function; write: export function name(event, args, kwargs, ctx) { ... }"));
    }
    Ok(names)
}

/// Runs a function of a module that need not be stored, for the console's run button. Nothing is recorded.
pub async fn run_module(name: &str, source: &str, function: &str, event: &Event, args: Vec<Value>, kwargs: Map<String, Value>, timeout: Duration) -> ModuleRun {
    let surroundings = json!({"execution_id": null, "attempt": 1, "tenant_id": event.tenant_id, "action": null, "step": null, "steps": {}});
    let arguments = vec![json!(event), Value::Array(args), Value::Object(kwargs), surroundings];
    let script = Script { module: name.to_owned(), source: source.to_owned(), entry: Entry::Call { function: function.to_owned(), arguments }, now: Timestamp::now() };
    let started = Instant::now();
    let done = JsPool::of_process(cores()).run(&event.tenant_id, script, timeout, &CancellationToken::new()).await;
    let duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    match done.outcome {
        Ok(result) => ModuleRun { outcome: Ok(result), place: None, logs: done.logs, duration_ms },
        Err(trouble) => {
            let place = trouble.place;
            let mut error = trouble.into_error(name, done.logs);
            let logs = std::mem::take(&mut error.logs);
            ModuleRun { outcome: Err(error), place, logs, duration_ms }
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
