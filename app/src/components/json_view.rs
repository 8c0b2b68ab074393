//! JSON as numbered lines, always wrapped, never sideways. Everything in it is text: payloads come from strangers.

use leptos::prelude::*;
use serde_json::Value;

use super::escape::push_escaped;

/// Most lines written; the rest is counted.
const MAX_LINES: usize = 2_000;

struct Writer<'a> {
    out: String,
    lines: usize,
    hits: &'a [String],
}

impl Writer<'_> {
    fn open(&mut self, depth: usize, hit: bool) {
        self.lines += 1;
        if self.lines <= MAX_LINES {
            self.out.push_str(if hit { "<span class=\"hit\">" } else { "<span>" });
            for _ in 0..depth {
                self.out.push_str("  ");
            }
        }
    }

    fn text(&mut self, class: &str, text: &str) {
        if self.lines <= MAX_LINES {
            self.out.push_str("<i class=\"");
            self.out.push_str(class);
            self.out.push_str("\">");
            push_escaped(&mut self.out, text);
            self.out.push_str("</i>");
        }
    }

    fn raw(&mut self, fixed: &str) {
        if self.lines <= MAX_LINES {
            self.out.push_str(fixed);
        }
    }

    /// Writes a value whose line is open; `tail` is what follows it, a comma or nothing.
    fn value(&mut self, value: &Value, depth: usize, pointer: &str, tail: &str) {
        let items: Vec<(Option<String>, String, &Value)> = match value {
            Value::Array(list) => list.iter().enumerate().map(|(i, v)| (None, format!("{pointer}/{i}"), v)).collect(),
            Value::Object(map) => map.iter().map(|(k, v)| (Some(k.clone()), format!("{pointer}/{}", k.replace('~', "~0").replace('/', "~1")), v)).collect(),
            scalar => return self.scalar(scalar, tail),
        };
        let (open, close) = if value.is_array() { ("[", "]") } else { ("{", "}") };
        self.raw(open);
        if items.is_empty() {
            return self.end(close, tail);
        }
        self.raw("</span>");
        let last = items.len() - 1;
        for (i, (key, at, child)) in items.into_iter().enumerate() {
            self.open(depth + 1, self.hits.contains(&at));
            if let Some(key) = key {
                self.text("k", &Value::String(key).to_string());
                self.raw(": ");
            }
            self.value(child, depth + 1, &at, if i == last { "" } else { "," });
        }
        self.open(depth, false);
        self.end(close, tail);
    }

    fn end(&mut self, close: &str, tail: &str) {
        self.raw(close);
        self.raw(tail);
        self.raw("</span>");
    }

    fn scalar(&mut self, value: &Value, tail: &str) {
        let class = match value {
            Value::String(s) if s == "[redacted]" => "redact",
            Value::String(_) => "s",
            Value::Number(_) => "n",
            _ => "b",
        };
        self.text(class, &value.to_string());
        self.end("", tail);
    }
}

/// The lines of a value as HTML, those at `hits` (JSON Pointers) marked.
#[must_use]
pub fn lines(value: &Value, hits: &[String]) -> String {
    let mut writer = Writer { out: String::new(), lines: 0, hits };
    writer.open(0, hits.iter().any(String::is_empty));
    writer.value(value, 0, "", "");
    let more = writer.lines.saturating_sub(MAX_LINES);
    if more > 0 {
        writer.out.push_str(&format!("<span><i class=\"fold\">{more} more lines</i></span>"));
    }
    writer.out
}

/// A JSON value.
#[component]
pub fn JsonView(
    /// The value.
    value: Value,
    /// JSON Pointers of the lines to mark, such as the value that decided.
    #[prop(optional)]
    hits: Vec<String>,
    /// Without line numbers.
    #[prop(optional)]
    plain: bool,
) -> impl IntoView {
    view! { <div class=if plain { "code code-plain" } else { "code" } inner_html=lines(&value, &hits)></div> }
}

/// A text line by line, such as a curl command, a body that is no JSON, or a log.
#[component]
pub fn TextView(
    /// The text.
    #[prop(into)]
    text: String,
    /// Without line numbers.
    #[prop(optional)]
    plain: bool,
) -> impl IntoView {
    let lines = text.lines().map(|line| view! { <span>{line.to_owned()}</span> }).collect_view();
    view! { <div class=if plain { "code code-plain" } else { "code" }>{lines}</div> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strangers_cannot_write_markup() {
        let html = lines(&json!({"<b>": "</span><script>alert(1)</script>"}), &[]);
        assert!(!html.contains("<script>") && !html.contains("<b>"));
    }

    #[test]
    fn one_line_per_member_and_hits_are_marked() {
        let html = lines(&json!({"a": {"b": [1, 2]}, "c": {}}), &["/a/b/1".to_owned()]);
        assert_eq!(html.matches("<span").count(), 9);
        assert_eq!(html.matches("class=\"hit\"").count(), 1);
        assert_eq!(html.matches("<span").count(), html.matches("</span>").count());
    }

    #[test]
    fn long_documents_are_cut() {
        let html = lines(&json!((0..3_000).collect::<Vec<_>>()), &[]);
        assert!(html.contains("more lines"));
        assert_eq!(html.matches("<span").count(), html.matches("</span>").count());
    }
}
