//! The YAML of `export` and `apply`: the same text for the same content, and faults that name file, line and place.

use anyhow::{Context as _, anyhow, bail};
use event_actions::engine::transfer::{Entry, Kind};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};

/// Members that stand first, in this order; the others follow by the alphabet.
const FIRST: [&str; 12] =
    ["id", "name", "tenant_id", "description", "is_enabled", "kind", "handler_type", "event_types", "conditions", "context_filters", "configuration", "subject"];
const HEADER: &str = "# Event Actions: templates, functions, actions and alert rules. Read it back with `event-actions apply FILE`.
# Values of secrets are never in here; what names them finds them where it is applied.
";
/// Lines are never folded: a text stays as it was written.
const NEVER: usize = 1 << 30;

/// One thing with its members in order.
struct Ordered<'a>(&'a Map<String, Value>);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names: Vec<&String> = self.0.keys().collect();
        names.sort_by_key(|name| (FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()), name.as_str()));
        let mut out = serializer.serialize_map(Some(names.len()))?;
        for name in names {
            match &self.0[name] {
                Value::Object(members) => out.serialize_entry(name, &Ordered(members))?,
                value => out.serialize_entry(name, value)?,
            }
        }
        out.end()
    }
}

/// The whole document.
struct Document<'a>(&'a [(Kind, Vec<Map<String, Value>>)]);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(Some(self.0.len()))?;
        for (kind, all) in self.0 {
            out.serialize_entry(kind.member(), &all.iter().map(Ordered).collect::<Vec<_>>())?;
        }
        out.end()
    }
}

/// The text of what was exported.
///
/// # Errors
/// When it cannot be written as YAML, or would not come back as it is.
pub(super) fn write(exported: &[(Kind, Vec<Map<String, Value>>)]) -> anyhow::Result<String> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: NEVER };
    let body = serde_saphyr::to_string_with_options(&Document(exported), options).map_err(|e| anyhow!("the export cannot be written: {e}"))?;
    let text = format!("{HEADER}{body}");
    let back = read("export", &text).context("the export cannot be read back")?;
    let same = exported.iter().flat_map(|(kind, all)| all.iter().map(move |members| (*kind, members))).eq(back.iter().map(|e| (e.kind, &e.document)));
    if same { Ok(text) } else { bail!("the export would not come back as it is; please report this") }
}

/// The entries of a file.
///
/// # Errors
/// When it is no YAML, with line and column, or has another shape.
pub(super) fn read(file: &str, text: &str) -> anyhow::Result<Vec<Entry>> {
    let document: Value = serde_saphyr::from_str(text).map_err(|e| anyhow!("{file}: {}", e.to_string().trim_start_matches("error: ")))?;
    let Value::Object(mut members) = document else { bail!("{file}: expected templates, functions, actions or alert_rules at the top, each a list") };
    let mut out = Vec::new();
    for kind in Kind::ALL {
        let member = kind.member();
        match members.remove(member) {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                for (i, item) in items.into_iter().enumerate() {
                    let place = format!("{file}: {member}[{i}]");
                    let Value::Object(document) = item else { bail!("{place}: expected the members of one {}, not {item}", kind.label()) };
                    out.push(Entry { kind, place, document });
                }
            }
            Some(_) => bail!("{file}: {member} must be a list"),
        }
    }
    match members.keys().next() {
        None => Ok(out),
        Some(other) => bail!("{file}: {other:?} is not known; there are {}", Kind::ALL.map(Kind::member).join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn members(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn every_text_comes_back_as_it_was() {
        for text in [
            "a\nb\n",
            "a\nb",
            "  a\n\n\n",
            "\na",
            "yes",
            "0x1F",
            "1e3",
            "~",
            "",
            " ",
            "- a",
            "{{ x }}",
            "a: b # c",
            "tab\there",
            "a\r\nb",
            "ends \nso",
            "é 😀",
            "\u{7}",
            "2026-01-01",
            "*x",
            "'",
            "\"",
        ] {
            let exported = vec![(Kind::Function, vec![members(json!({"name": "f", "source": text, "more": [text, {"deep": text}]}))])];
            let yaml = write(&exported).unwrap_or_else(|e| panic!("{text:?}: {e:#}"));
            assert_eq!(read("x", &yaml).map(|entries| entries[0].document["source"].clone()).ok(), Some(json!(text)), "{yaml}");
        }
    }

    #[test]
    fn members_stand_in_one_order_and_texts_as_blocks() {
        let exported = vec![
            (Kind::Template, Vec::new()),
            (Kind::Action, vec![members(json!({"tags": ["b"], "name": "A", "id": "1", "configuration": {"url": "https://example.com", "body": {"n": 1.0, "t": "x\ny\n"}}}))]),
        ];
        let yaml = write(&exported).expect("is written");
        let at = |part: &str| yaml.find(part).unwrap_or_else(|| panic!("{part}: {yaml}"));
        assert!(at("id:") < at("name:") && at("name:") < at("configuration:") && at("configuration:") < at("tags:"), "{yaml}");
        assert!(yaml.contains("|\n"), "{yaml}");
        assert_eq!(yaml, write(&exported).expect("is written"));
    }

    #[test]
    fn faults_name_the_file_and_the_place() {
        for (text, parts) in [
            ("actions: [", vec!["a.yaml", "line"]),
            ("actions:\n  - name: a\n - b", vec!["a.yaml", "line"]),
            ("action: []", vec!["a.yaml", "\"action\"", "alert_rules"]),
            ("actions: {}", vec!["a.yaml: actions must be a list"]),
            ("actions: [3]", vec!["a.yaml: actions[0]"]),
            ("[]", vec!["a.yaml: expected templates"]),
        ] {
            let error = format!("{:#}", read("a.yaml", text).expect_err(text));
            assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
        }
    }
}
