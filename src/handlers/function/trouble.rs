//! Why a JavaScript call failed: a class, a sentence, the place in the source.

use crate::handlers::HandlerError;
use crate::model::FieldError;
use crate::model::execution::ErrorClass;

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The class.
    pub class: ErrorClass,
    /// What happened, without the place.
    pub message: String,
    /// Line and column in the module, both from 1.
    pub place: Option<(u32, u32)>,
    /// Whether trying again can help.
    pub retryable: bool,
    /// The calls that led there, innermost first.
    pub stack: Vec<String>,
}

impl Trouble {
    /// A permanent one at no known place.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), place: None, retryable: false, stack: Vec::new() }
    }

    /// As the attempt records it; the stack goes to the end of the log.
    #[must_use]
    pub fn into_error(self, module: &str, mut logs: Vec<String>) -> HandlerError {
        let message = match self.place {
            Some((line, column)) => format!("{} ({module}, line {line}, column {column})", self.message),
            None => self.message,
        };
        logs.extend(self.stack);
        HandlerError { retryable: self.retryable, logs, ..HandlerError::permanent(self.class, message) }
    }

    /// As a fault of the module's source.
    #[must_use]
    pub fn into_field_error(self) -> FieldError {
        let message = match self.place {
            Some((line, column)) => format!("Line {line}, column {column}: {}", self.message),
            None => self.message,
        };
        FieldError::new("/source", "bad_module", message)
    }
}

/// The innermost place of `module` that a stack names, as in `at f (module:3:29)`.
pub(super) fn place_in(stack: &str, module: &str) -> Option<(u32, u32)> {
    let mark = format!("{module}:");
    stack.lines().find_map(|frame| {
        let rest = &frame[frame.rfind(&mark)? + mark.len()..];
        let mut numbers = rest.trim_end_matches(')').split(':').map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(line)), Some(Ok(column))) => Some((line, column)),
            _ => None,
        }
    })
}

/// At most `max` characters of a text, with a mark where it was cut.
pub(super) fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_frame_of_the_module_gives_the_place() {
        for (stack, place) in [
            ("    at f (m.x:3:29)\n    at m.x:9:1\n", Some((3, 29))),
            ("    at parse (native)\n    at f (m.x:12:7)\n", Some((12, 7))),
            ("    at m.x:2:14\n", Some((2, 14))),
            ("    at f (other:3:29)\n", None),
            ("", None),
        ] {
            assert_eq!(place_in(stack, "m.x"), place, "{stack}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüx", 3), "äöü…");
    }
}
