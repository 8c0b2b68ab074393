//! JSON that a person types: where a fault is, as line and path, and where a path is, as line.

use event_actions::model::condition::{ConditionItem, validate_conditions};
use event_actions::model::error::Faults;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A fault in a typed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonFault {
    /// Counts from 1.
    pub line: usize,
    /// JSON Pointer of the value at fault, from the text's own root.
    pub pointer: String,
    /// An English sentence.
    pub message: String,
}

impl JsonFault {
    /// `Line 4, 2.operator: unknown word.` The path is written as people write paths.
    #[must_use]
    pub fn sentence(&self) -> String {
        match readable(&self.pointer) {
            path if path.is_empty() => format!("Line {}: {}", self.line, self.message),
            path => format!("Line {}, {path}: {}", self.line, self.message),
        }
    }
}

/// A JSON Pointer as people write paths: `/2/any/0/value` is `2.any.0.value`.
#[must_use]
pub fn readable(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~")
}

/// Reads a text as JSON.
///
/// # Errors
/// The first fault with its line and path.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, JsonFault> {
    serde_json::from_str(text).map_err(|e| {
        let full = e.to_string();
        let message = full.split(" at line ").next().unwrap_or_default().to_owned();
        // The reader stands behind the last byte it took: the end of a value, of a key, or of the object that lacks something.
        let offset = offset_of(text, e.line(), e.column()).saturating_sub(1);
        let whole = message.starts_with("missing field") || message.starts_with("unknown field") || message.starts_with("a group");
        let pointer = at_offset(text, offset, whole);
        JsonFault { line: e.line().max(1), pointer, message: sentence_case(&message) }
    })
}

/// Reads a list of conditions, shape and values both checked.
///
/// # Errors
/// The first fault of shape, else every fault of value.
pub fn parse_conditions(text: &str) -> Result<Vec<ConditionItem>, Vec<JsonFault>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let items: Vec<ConditionItem> = parse(text).map_err(|fault| vec![fault])?;
    let mut faults = Faults::default();
    validate_conditions(&items, "", &mut faults);
    if faults.0.is_empty() {
        return Ok(items);
    }
    Err(faults.0.into_iter().map(|f| JsonFault { line: line_of(text, &f.pointer), pointer: f.pointer, message: f.message }).collect())
}

/// Reads a text as a JSON object; an empty text is an empty object.
///
/// # Errors
/// The first fault.
pub fn parse_object(text: &str) -> Result<serde_json::Map<String, Value>, JsonFault> {
    match if text.trim().is_empty() { Value::Object(serde_json::Map::new()) } else { parse(text)? } {
        Value::Object(map) => Ok(map),
        _ => Err(JsonFault { line: 1, pointer: String::new(), message: "An object is needed, such as {\"key\": \"value\"}.".to_owned() }),
    }
}

/// The line on which the value at `pointer` begins; that of its nearest ancestor when it is not there.
#[must_use]
pub fn line_of(text: &str, pointer: &str) -> usize {
    let places = scan(text);
    let mut at = pointer;
    loop {
        if let Some(place) = places.iter().find(|p| p.pointer == at) {
            return text.as_bytes()[..place.start.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1;
        }
        match at.rfind('/') {
            Some(end) => at = &at[..end],
            None => return 1,
        }
    }
}

fn sentence_case(message: &str) -> String {
    let mut chars = message.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column).min(text.len())
}

/// The pointer of the innermost value around a byte; with `object`, of the innermost object.
fn at_offset(text: &str, offset: usize, object: bool) -> String {
    scan(text)
        .into_iter()
        .filter(|p| p.start <= offset && offset < p.end && (!object || text.as_bytes().get(p.start) == Some(&b'{')))
        .min_by_key(|p| p.end - p.start)
        .map(|p| p.pointer)
        .unwrap_or_default()
}

struct Place {
    pointer: String,
    start: usize,
    end: usize,
}

/// The values of a text with their places, as far as the text is JSON.
fn scan(text: &str) -> Vec<Place> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0, places: Vec::new() };
    scanner.value(String::new(), 0);
    scanner.places
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    places: Vec<Place>,
}

impl Scanner<'_> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn value(&mut self, pointer: String, depth: usize) -> Option<()> {
        let first = self.peek()?;
        let index = self.places.len();
        self.places.push(Place { pointer: pointer.clone(), start: self.at, end: usize::MAX });
        match first {
            _ if depth > 64 => return None,
            b'{' => self.members(&pointer, depth, b'}')?,
            b'[' => self.members(&pointer, depth, b']')?,
            b'"' => drop(self.string()?),
            b',' | b':' | b']' | b'}' => return None,
            _ => {
                while self.bytes.get(self.at).is_some_and(|b| !b",]} \t\r\n".contains(b)) {
                    self.at += 1;
                }
            }
        }
        self.places[index].end = self.at;
        Some(())
    }

    fn members(&mut self, pointer: &str, depth: usize, close: u8) -> Option<()> {
        self.at += 1;
        for n in 0.. {
            if self.peek()? == close {
                self.at += 1;
                break;
            }
            let key = if close == b'}' {
                let key = self.string()?;
                (self.peek()? == b':').then(|| self.at += 1)?;
                key.replace('~', "~0").replace('/', "~1")
            } else {
                n.to_string()
            };
            self.value(format!("{pointer}/{key}"), depth + 1)?;
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        Some(())
    }

    fn string(&mut self) -> Option<String> {
        (self.peek()? == b'"').then_some(())?;
        let start = self.at;
        self.at += 1;
        while *self.bytes.get(self.at)? != b'"' {
            self.at += if self.bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        serde_json::from_slice(self.bytes.get(start..self.at)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_faults_have_line_and_path() {
        for (text, line, pointer) in [
            ("[\n  {\"field\": \"a\", \"operator\": \"like\", \"value\": 1}\n]", 2, "/0/operator"),
            ("[\n  {\"field\": \"a\"}\n]", 2, "/0"),
            ("[{\"any\": [\n  {\"field\": \"a\", \"operator\": \"gt\", \"valeu\": 1}\n]}]", 2, "/0/any/0"),
        ] {
            let faults = parse_conditions(text).expect_err(text);
            assert_eq!((faults[0].line, faults[0].pointer.as_str()), (line, pointer), "{text} {faults:?}");
        }
    }

    #[test]
    fn value_faults_have_line_and_path() {
        let text = "[\n  {\"field\": \"a\", \"operator\": \"exists\"},\n  {\"none\": [\n    {\"field\": \"b\", \"operator\": \"in\",\n     \"value\": []}]}\n]";
        let faults = parse_conditions(text).expect_err("an empty list is refused");
        assert_eq!((faults[0].line, faults[0].pointer.as_str()), (5, "/1/none/0/value"));
        assert!(faults[0].sentence().starts_with("Line 5, 1.none.0.value: "));
    }

    #[test]
    fn broken_text_never_panics() {
        for text in ["", "[", "{\"", "[{\"a\\", "nul", "[1,]", "{\"a\" 1}", "\u{feff}[]", "[\"é", "}", "[}", "[:]", "{,}"] {
            drop(parse::<Value>(text));
            assert!(line_of(text, "/0/a") >= 1);
        }
    }
}
