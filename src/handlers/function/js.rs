//! One call of a JavaScript module in a fresh sandbox: no network, files, timers or imports; bounded memory, stack, time, output and log.
//!
//! `Date` stands still at the start of the call. `Math.random` works, and is no source of secrets.

use std::sync::{Arc, Mutex, PoisonError};

use rquickjs::{CaughtError, Context, Ctx, Function, Module, Object, Promise, Runtime, Value as Js, convert::Coerced};
use serde_json::Value;

use super::halt::Halt;
use super::trouble::{Trouble, place_in, shorten};
use crate::model::Timestamp;
use crate::model::execution::ErrorClass;

/// Most bytes of memory that one call may hold.
pub const MEMORY_BYTES: usize = 64 << 20;
/// Most bytes of stack that one call may use.
pub const STACK_BYTES: usize = 512 << 10;
/// Most bytes of JSON that one call may return.
pub const OUTPUT_BYTES: usize = 1 << 20;
/// Most lines of one call's log.
pub const LOG_LINES: usize = 200;
/// Most bytes of one call's log.
pub const LOG_BYTES: usize = 64 << 10;
/// Most bytes of a module's source.
pub const SOURCE_BYTES: usize = 256 << 10;

const PRELUDE: &str = include_str!("prelude.js");

/// A module and what to do with it.
#[derive(Clone, Debug)]
pub struct Script {
    /// The module's name, shown in errors.
    pub module: String,
    /// Its source.
    pub source: String,
    /// What to do.
    pub entry: Entry,
    /// What the module's clock shows.
    pub now: Timestamp,
}

/// What to do with a module once it is loaded.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Name the functions it exports.
    Exports,
    /// Call an exported function.
    Call {
        /// Its name.
        function: String,
        /// Its arguments: event, args, kwargs, ctx.
        arguments: Vec<Value>,
    },
}

/// What came of a call.
#[derive(Clone, Debug)]
pub struct Done {
    /// What it returned, or why it failed.
    pub outcome: Result<Value, Trouble>,
    /// What it logged.
    pub logs: Vec<String>,
}

impl Done {
    /// A call that failed before it logged anything.
    #[must_use]
    pub const fn failed(trouble: Trouble) -> Self {
        Self { outcome: Err(trouble), logs: Vec::new() }
    }
}

/// Runs a script on this thread until it returns, fails or `halt` fires.
#[must_use]
pub fn run(script: &Script, halt: &Arc<Halt>) -> Done {
    let log = Arc::new(Mutex::new(Log::default()));
    let outcome = sandbox(halt).and_then(|context| context.with(|ctx| Visit { ctx: &ctx, script, halt }.enter(&log)));
    let logs = std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner)).finish();
    Done { outcome, logs }
}

fn sandbox(halt: &Arc<Halt>) -> Result<Context, Trouble> {
    let failed = |e: rquickjs::Error| Trouble::new(ErrorClass::Internal, format!("The sandbox could not be made: {e}."));
    let runtime = Runtime::new().map_err(failed)?;
    runtime.set_memory_limit(MEMORY_BYTES);
    runtime.set_max_stack_size(STACK_BYTES);
    let watch = Arc::clone(halt);
    runtime.set_interrupt_handler(Some(Box::new(move || watch.fires())));
    Context::full(&runtime).map_err(failed)
}

/// One script inside its sandbox.
struct Visit<'a, 'js> {
    ctx: &'a Ctx<'js>,
    script: &'a Script,
    halt: &'a Halt,
}

impl<'js> Visit<'_, 'js> {
    fn enter(&self, log: &Arc<Mutex<Log>>) -> Result<Value, Trouble> {
        self.prepare(log).map_err(|e| self.explain(e))?;
        let exports = self.load()?;
        match &self.script.entry {
            Entry::Exports => Ok(Value::from(function_names(&exports))),
            Entry::Call { function, arguments } => self.call(&exports, function, arguments),
        }
    }

    fn prepare(&self, log: &Arc<Mutex<Log>>) -> rquickjs::Result<()> {
        let log = Arc::clone(log);
        let emit = Function::new(self.ctx.clone(), move |level: String, text: String| log.lock().unwrap_or_else(PoisonError::into_inner).add(&level, text))?;
        let prelude: Function<'js> = self.ctx.eval(PRELUDE)?;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of our time fit a double exactly")]
        prelude.call((emit, self.script.now.millis() as f64))
    }

    fn load(&self) -> Result<Object<'js>, Trouble> {
        let module = Module::declare(self.ctx.clone(), self.script.module.as_str(), self.script.source.as_str()).map_err(|e| self.explain(e))?;
        let (module, promise) = module.eval().map_err(|e| self.explain(e))?;
        self.settle(&promise)?;
        module.namespace().map_err(|e| self.explain(e))
    }

    fn call(&self, exports: &Object<'js>, name: &str, arguments: &[Value]) -> Result<Value, Trouble> {
        let found: Option<Js<'js>> = exports.get(name).ok();
        let Some(function) = found.and_then(|v| v.into_function()) else {
            let known = function_names(exports);
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Trouble::new(ErrorClass::Configuration, format!("The module {:?} exports no function {name:?}; it exports: {known}.", self.script.module)));
        };
        let mut list = rquickjs::function::Args::new(self.ctx.clone(), arguments.len());
        for argument in arguments {
            let value = self.ctx.json_parse(argument.to_string()).map_err(|e| self.explain(e))?;
            list.push_arg(value).map_err(|e| self.explain(e))?;
        }
        let returned: Js<'js> = function.call_arg(list).map_err(|e| self.explain(e))?;
        let value = match returned.as_promise() {
            Some(promise) => self.settle(promise)?,
            None => returned,
        };
        self.to_json(value)
    }

    /// Runs queued jobs until the promise settles. Without timers, an empty queue means that it never will.
    fn settle(&self, promise: &Promise<'js>) -> Result<Js<'js>, Trouble> {
        loop {
            if let Some(settled) = promise.result::<Js<'js>>() {
                return settled.map_err(|e| self.explain(e));
            }
            if self.halt.fires() {
                return Err(self.halt.trouble());
            }
            if !self.ctx.execute_pending_job() {
                let message = "The promise never settles: nothing is left to run, and a function has no timers or network to wait for.";
                return Err(Trouble::new(ErrorClass::Function, message));
            }
        }
    }

    fn to_json(&self, value: Js<'js>) -> Result<Value, Trouble> {
        if value.is_undefined() {
            return Ok(Value::Null);
        }
        let kind = value.type_name();
        let Some(text) = self.ctx.json_stringify(value).map_err(|e| self.explain(e))? else {
            return Err(Trouble::new(ErrorClass::Function, format!("The function returned a {kind}, which is no JSON.")));
        };
        let text = text.to_string().map_err(|e| self.explain(e))?;
        if text.len() > OUTPUT_BYTES {
            return Err(Trouble::new(ErrorClass::Limit, format!("The function returned {} bytes of JSON; the limit is {OUTPUT_BYTES}.", text.len())));
        }
        serde_json::from_str(&text).map_err(|e| Trouble::new(ErrorClass::Function, format!("What the function returned is no usable JSON: {e}.")))
    }

    /// What a person is told about an error; asked first whether it was an interruption.
    fn explain(&self, error: rquickjs::Error) -> Trouble {
        let caught = CaughtError::from_error(self.ctx, error);
        if self.halt.fired() {
            return self.halt.trouble();
        }
        match caught {
            CaughtError::Exception(exception) => self.explain_exception(exception.as_object(), exception.stack()),
            // With no memory left even for an Error, QuickJS throws null; nobody writes `throw null` on purpose.
            CaughtError::Value(value) if value.is_null() => Trouble::new(ErrorClass::Limit, format!("It used more than {} MiB of memory (or threw null)", MEMORY_BYTES >> 20)),
            CaughtError::Value(value) => {
                let thrown = self.ctx.json_stringify(value).ok().flatten().and_then(|t| t.to_string().ok()).unwrap_or_else(|| "a value that is no JSON".to_owned());
                Trouble::new(ErrorClass::Function, format!("It threw {}", shorten(&thrown, 500)))
            }
            CaughtError::Error(error) => Trouble::new(ErrorClass::Function, error.to_string()),
        }
    }

    fn explain_exception(&self, exception: &Object<'js>, stack: Option<String>) -> Trouble {
        let text = |name: &str| exception.get::<_, Option<Coerced<String>>>(name).ok().flatten().map(|c| c.0).filter(|t| !t.is_empty());
        let name = text("name").unwrap_or_else(|| "Error".to_owned());
        let message = text("message").unwrap_or_default();
        let class = match message.as_str() {
            "out of memory" | "Maximum call stack size exceeded" => ErrorClass::Limit,
            _ => ErrorClass::Function,
        };
        let sentence = match message.as_str() {
            "out of memory" => format!("It used more than {} MiB of memory", MEMORY_BYTES >> 20),
            "" => name,
            _ => format!("{}: {}", shorten(&name, 100), shorten(&message, 2000)),
        };
        let stack = stack.unwrap_or_default();
        Trouble {
            place: place_in(&stack, &self.script.module),
            retryable: exception.get::<_, bool>("retryable").unwrap_or(false),
            stack: stack.lines().map(str::trim_end).filter(|l| !l.is_empty()).take(10).map(|l| shorten(l, 300)).collect(),
            ..Trouble::new(class, sentence)
        }
    }
}

fn function_names(exports: &Object<'_>) -> Vec<String> {
    exports.keys::<String>().flatten().filter(|name| exports.get::<_, Js<'_>>(name.as_str()).is_ok_and(|v| v.is_function())).collect()
}

/// What a call logged, within limits.
#[derive(Debug, Default)]
struct Log {
    lines: Vec<String>,
    bytes: usize,
    dropped: usize,
}

impl Log {
    fn add(&mut self, level: &str, text: String) {
        let line = if matches!(level, "warn" | "error") { format!("[{level}] {text}") } else { text };
        if self.lines.len() >= LOG_LINES || self.bytes + line.len() > LOG_BYTES {
            self.dropped += 1;
        } else {
            self.bytes += line.len();
            self.lines.push(line);
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.dropped > 0 {
            self.lines.push(format!("({} further lines were dropped; a call keeps at most {LOG_LINES} lines and {} KiB)", self.dropped, LOG_BYTES >> 10));
        }
        self.lines
    }
}
