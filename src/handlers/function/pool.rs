//! The threads that run JavaScript, apart from the runtime's own: a call never blocks other work, tenants take turns.
//!
//! The interpreter asks whether to stop between its own steps, but a few of its built-in loops run for minutes without
//! asking (`Array.prototype.reverse` on something with a huge length). A thread caught in one is given up: its caller gets
//! its answer in time, a new thread takes its place, and its tenant gets no other until it ends.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::halt::{Halt, Time};
use super::js::{self, Done, Script};
use super::trouble::Trouble;
use crate::model::execution::ErrorClass;

/// How long after its deadline a call may take to notice.
const GRACE: Duration = Duration::from_secs(1);
/// How often a waiting caller looks for threads that are caught.
const SWEEP: Duration = Duration::from_millis(500);
/// Most calls that may wait for a thread.
const MAX_WAITING: usize = 1024;
/// Most threads that are given up before no more are made in their place.
const MAX_STUCK: usize = 16;
/// Bytes of a thread's own stack, well above what the interpreter may use.
const THREAD_STACK_BYTES: usize = 4 << 20;

static PROCESS_POOL: OnceLock<Arc<JsPool>> = OnceLock::new();

/// Threads that run scripts. They start when they are first needed and end with the pool.
pub struct JsPool {
    shared: Arc<Shared>,
}

struct Shared {
    size: usize,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    /// One lane per tenant with waiting calls; the front one is served next, then goes to the back.
    lanes: VecDeque<(String, VecDeque<Job>)>,
    waiting: usize,
    threads: usize,
    idle: usize,
    next_ticket: u64,
    running: BTreeMap<u64, Running>,
    closed: bool,
}

struct Job {
    script: Script,
    halt: Arc<Halt>,
    reply: oneshot::Sender<Done>,
}

struct Running {
    tenant: String,
    module: String,
    deadline: Instant,
    stuck: bool,
}

impl JsPool {
    /// A pool of at most `size` threads, at least one.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { shared: Arc::new(Shared { size: size.max(1), state: Mutex::default(), wake: Condvar::new() }) }
    }

    /// The pool that the whole process shares; whoever comes first decides its size.
    #[must_use]
    pub fn of_process(size: usize) -> Arc<Self> {
        Arc::clone(PROCESS_POOL.get_or_init(|| Arc::new(Self::new(size))))
    }

    /// Runs a script for a tenant, at most `limit` from now, waiting included. Dropping the future stops the script.
    pub async fn run(&self, tenant: &str, script: Script, limit: Duration, cancel: &CancellationToken) -> Done {
        let stop = cancel.child_token();
        let _stop_when_dropped = stop.clone().drop_guard();
        self.run_until(tenant, script, Halt::after(limit, stop)).await
    }

    /// Runs a script for a tenant, its waiting for a thread and its running bounded apart. Dropping the future stops it.
    pub async fn run_within(&self, tenant: &str, script: Script, time: Time, cancel: &CancellationToken) -> Done {
        let stop = cancel.child_token();
        let _stop_when_dropped = stop.clone().drop_guard();
        self.run_until(tenant, script, Halt::within(time, stop)).await
    }

    async fn run_until(&self, tenant: &str, script: Script, halt: Halt) -> Done {
        let halt = Arc::new(halt);
        let mut reply = match self.submit(tenant, script, &halt) {
            Ok(reply) => reply,
            Err(trouble) => return Done::failed(trouble),
        };
        loop {
            // The deadline moves when a call begins whose waiting does not count.
            let late = tokio::time::Instant::from_std(halt.deadline() + GRACE + SWEEP);
            tokio::select! {
                done = &mut reply => return done.unwrap_or_else(|_| Done::failed(Trouble::new(ErrorClass::Internal, "The sandbox broke down."))),
                () = tokio::time::sleep_until(late) => {
                    self.shared.give_up_stuck(Instant::now());
                    halt.fires();
                    return Done::failed(halt.trouble());
                }
                () = tokio::time::sleep(SWEEP) => self.shared.give_up_stuck(Instant::now()),
            }
        }
    }

    fn submit(&self, tenant: &str, script: Script, halt: &Arc<Halt>) -> Result<oneshot::Receiver<Done>, Trouble> {
        let mut state = self.shared.lock();
        state.refuse_beside_stuck(tenant)?;
        if state.waiting >= MAX_WAITING {
            return Err(busy(format!("{MAX_WAITING} functions wait for a JavaScript worker already.")));
        }
        let (sender, receiver) = oneshot::channel();
        let job = Job { script, halt: Arc::clone(halt), reply: sender };
        match state.lanes.iter_mut().find(|(name, _)| name == tenant) {
            Some((_, jobs)) => jobs.push_back(job),
            None => state.lanes.push_back((tenant.to_owned(), VecDeque::from([job]))),
        }
        state.waiting += 1;
        self.shared.add_thread_if_needed(&mut state);
        drop(state);
        self.shared.wake.notify_one();
        Ok(receiver)
    }
}

impl Drop for JsPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_thread_if_needed(self: &Arc<Self>, state: &mut State) {
        if state.waiting <= state.idle || state.threads >= self.size {
            return;
        }
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new().name("javascript".to_owned()).stack_size(THREAD_STACK_BYTES);
        match thread.spawn(move || shared.work()) {
            Ok(_) => state.threads += 1,
            Err(e) => tracing::error!(error = %e, "a JavaScript thread could not be started"),
        }
    }

    fn work(self: &Arc<Self>) {
        while let Some((ticket, job)) = self.next() {
            let done = catch_unwind(AssertUnwindSafe(|| js::run(&job.script, &job.halt)));
            let done = done.unwrap_or_else(|_| Done::failed(Trouble::new(ErrorClass::Internal, "The sandbox broke down.")));
            // Nobody may be waiting any more.
            drop(job.reply.send(done));
            let given_up = self.lock().running.remove(&ticket).is_some_and(|r| r.stuck);
            if given_up {
                return;
            }
        }
    }

    /// The next call to run; none when the pool is gone.
    fn next(&self) -> Option<(u64, Job)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some((tenant, job)) = state.take() {
                if job.reply.is_closed() {
                    continue;
                }
                if let Err(trouble) = job.still_due().and_then(|()| state.refuse_beside_stuck(&tenant)) {
                    drop(job.reply.send(Done::failed(trouble)));
                    continue;
                }
                job.halt.begin();
                let ticket = state.next_ticket;
                state.next_ticket += 1;
                state.running.insert(ticket, Running { tenant, module: job.script.module.clone(), deadline: job.halt.deadline(), stuck: false });
                return Some((ticket, job));
            }
            state.idle += 1;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Gives up the threads whose call should have ended long ago, and puts others in their place.
    fn give_up_stuck(self: &Arc<Self>, now: Instant) {
        let mut state = self.lock();
        let mut room = MAX_STUCK.saturating_sub(state.running.values().filter(|r| r.stuck).count());
        let mut given_up = 0;
        for running in state.running.values_mut().filter(|r| !r.stuck && r.deadline + GRACE < now) {
            if room == 0 {
                break;
            }
            room -= 1;
            given_up += 1;
            running.stuck = true;
            tracing::error!(tenant = running.tenant, module = running.module, "a JavaScript thread is caught in a built-in loop and was given up");
        }
        state.threads -= given_up;
        self.add_thread_if_needed(&mut state);
    }
}

impl Job {
    fn still_due(&self) -> Result<(), Trouble> {
        if !self.halt.fires() {
            return Ok(());
        }
        let trouble = self.halt.trouble();
        Err(Trouble { message: format!("{} It was still waiting for a JavaScript worker.", trouble.message), ..trouble })
    }
}

fn busy(message: String) -> Trouble {
    Trouble { retryable: true, ..Trouble::new(ErrorClass::Limit, message) }
}

impl State {
    /// A tenant that has a thread caught gets no other.
    fn refuse_beside_stuck(&self, tenant: &str) -> Result<(), Trouble> {
        match self.running.values().find(|r| r.stuck && r.tenant == tenant) {
            None => Ok(()),
            Some(stuck) => Err(busy(format!(
                "The module {:?} is still caught in a built-in loop that cannot be interrupted; until it ends, no other function of the tenant runs on this node.",
                stuck.module
            ))),
        }
    }

    fn take(&mut self) -> Option<(String, Job)> {
        let (tenant, mut jobs) = self.lanes.pop_front()?;
        let job = jobs.pop_front()?;
        self.waiting -= 1;
        if !jobs.is_empty() {
            self.lanes.push_back((tenant.clone(), jobs));
        }
        Some((tenant, job))
    }
}
