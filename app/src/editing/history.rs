//! Undo and redo: what the draft was, 50 steps back. Typing in one field is one step.

/// Most steps that can be undone.
pub const MAX_STEPS: usize = 50;

/// The steps back and forth.
#[derive(Clone, Debug)]
pub struct History<T> {
    past: Vec<T>,
    future: Vec<T>,
    last: String,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { past: Vec::new(), future: Vec::new(), last: String::new() }
    }
}

impl<T> History<T> {
    /// Remembers what was before a change. Changes in a row with the same non-empty `key` count as one.
    pub fn record(&mut self, before: impl FnOnce() -> T, key: &str) {
        self.future.clear();
        if key.is_empty() || key != self.last {
            self.past.push(before());
            if self.past.len() > MAX_STEPS {
                self.past.remove(0);
            }
        }
        key.clone_into(&mut self.last);
    }

    /// Ends the running step, so that the next change with the same key is a new one.
    pub fn pause(&mut self) {
        self.last.clear();
    }

    /// One step back, given what is now.
    pub fn undo(&mut self, now: T) -> Result<T, T> {
        self.last.clear();
        match self.past.pop() {
            Some(before) => {
                self.future.push(now);
                Ok(before)
            }
            None => Err(now),
        }
    }

    /// One step forth, given what is now.
    pub fn redo(&mut self, now: T) -> Result<T, T> {
        self.last.clear();
        match self.future.pop() {
            Some(after) => {
                self.past.push(now);
                Ok(after)
            }
            None => Err(now),
        }
    }

    /// Whether there is a step back, and one forth.
    #[must_use]
    pub fn open(&self) -> (bool, bool) {
        (!self.past.is_empty(), !self.future.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_is_one_step() {
        let mut history = History::default();
        for (before, key) in [(0, "a"), (1, "a"), (2, "b"), (3, ""), (4, "")] {
            history.record(|| before, key);
        }
        assert_eq!([history.undo(5), history.undo(4), history.undo(3), history.undo(2), history.undo(0)], [Ok(4), Ok(3), Ok(2), Ok(0), Err(0)]);
        assert_eq!([history.redo(0), history.redo(2)], [Ok(2), Ok(3)]);
        history.record(|| 3, "c");
        assert_eq!((history.redo(9), history.open()), (Err(9), (true, false)));
    }

    #[test]
    fn fifty_steps_are_kept() {
        let mut history = History::default();
        for n in 0..60 {
            history.record(|| n, "");
        }
        let mut now = 60;
        let mut steps = 0;
        while let Ok(before) = history.undo(now) {
            now = before;
            steps += 1;
        }
        assert_eq!((steps, now), (MAX_STEPS, 10));
    }
}
