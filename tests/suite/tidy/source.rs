//! Reading Rust without a parser: what is code, where words stand, which modules are used, where functions begin and end.

use std::fs;
use std::path::Path;

/// Macros that storage exports at the root of the crate.
const STORAGE_MACROS: &[&str] = &["on_db", "on_tx", "sql"];

/// A file of Rust.
pub struct Source {
    /// From the root of the repository, with slashes.
    pub path: String,
    /// As it stands there.
    pub text: String,
    /// The text with comments and literals blanked; offsets and lines are those of the text.
    pub code: String,
}

impl Source {
    /// A finding: file, line and what is wrong.
    pub fn at(&self, offset: usize, what: impl std::fmt::Display) -> String {
        let line = self.code.as_bytes()[..offset].iter().filter(|b| **b == b'\n').count() + 1;
        format!("{}:{line}: {what}", self.path)
    }

    /// The path of its module below the root of the crate, for a file of `src`: `["engine", "actions"]`.
    pub fn module(&self) -> Option<Vec<&str>> {
        let inner = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        Some(inner.trim_end_matches("/mod").split('/').filter(|part| *part != "lib").collect())
    }
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every file of Rust in the repository that is ours.
pub fn sources() -> Vec<Source> {
    fn walk(folder: &Path, out: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
            if entry.is_dir() {
                walk(&entry, out);
            } else if entry.extension().is_some_and(|e| e == "rs") {
                let path = entry.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
                let text = fs::read_to_string(&entry).expect("a text");
                out.push(Source { path, code: code_of(&text), text });
            }
        }
    }
    let mut out = Vec::new();
    for folder in ["src", "app/src", "app/examples", "app/tests", "benches", "tests"] {
        walk(&root().join(folder), &mut out);
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(out.len() > 100, "the sources are not where this test looks for them");
    out
}

/// A text with comments and literals blanked.
pub fn code_of(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    while at < out.len() {
        let Some(end) = end_of_blank(text.as_bytes(), at) else {
            at += 1;
            continue;
        };
        out[at..end].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
        at = end;
    }
    String::from_utf8(out).expect("whole characters were blanked")
}

/// Where the comment, string or character that begins at `at` ends; nothing when none begins there.
fn end_of_blank(text: &[u8], at: usize) -> Option<usize> {
    let (rest, whole) = (&text[at..], text.len());
    let find = |from: usize, what: &[u8]| text[from.min(whole)..].windows(what.len()).position(|w| w == what).map_or(whole, |n| from + n + what.len());
    if rest.starts_with(b"//") {
        return Some(rest.iter().position(|b| *b == b'\n').map_or(whole, |n| at + n));
    }
    if rest.starts_with(b"/*") {
        return Some(find(at + 2, b"*/"));
    }
    if rest[0] == b'r' && !at.checked_sub(1).is_some_and(|i| is_word(text[i]) && text[i] != b'b') {
        let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
        if rest.get(1 + hashes) == Some(&b'"') {
            let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
            return Some(find(at + 2 + hashes, &close));
        }
    }
    if rest[0] == b'"' {
        let mut end = at + 1;
        while end < whole && text[end] != b'"' {
            end += if text[end] == b'\\' { 2 } else { 1 };
        }
        return Some((end + 1).min(whole));
    }
    if rest[0] == b'\'' {
        if rest.get(1) == Some(&b'\\') {
            return Some(find(at + 3, b"'"));
        }
        // A lifetime has no quote behind its first character.
        let width = std::str::from_utf8(&rest[1..rest.len().min(5)]).or_else(|e| std::str::from_utf8(&rest[1..=e.valid_up_to()])).ok()?.chars().next()?.len_utf8();
        return (rest.get(1 + width) == Some(&b'\'')).then_some(at + width + 2);
    }
    None
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The word at the beginning of a text.
pub fn word(text: &str) -> &str {
    &text[..text.bytes().position(|b| !is_word(b)).unwrap_or(text.len())]
}

/// Where a word stands as a whole word.
pub fn places<'a>(code: &'a str, what: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(what).map(|(at, _)| at).filter(|at| !at.checked_sub(1).is_some_and(|i| is_word(code.as_bytes()[i]) || code.as_bytes()[i] == b'$'))
}

/// The modules named behind `crate::` or another root, with where: one, or those in its braces.
pub fn used<'a>(code: &'a str, root: &'a str) -> Vec<(usize, &'a str)> {
    let mut out = Vec::new();
    for at in places(code, root) {
        let rest = &code[at + root.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            out.push((at, word(rest)));
            continue;
        };
        let (mut depth, mut begins) = (1, true);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' => begins |= depth == 1,
                c if begins && !c.is_whitespace() => {
                    out.push((at, word(&group[i..])));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    out.into_iter().map(|(at, name)| (at, if STORAGE_MACROS.contains(&name) { "db" } else { name })).collect()
}

/// What `use super::super::...` at the head of a file reaches, where it climbs to the root of the crate.
pub fn climbed(source: &Source, depth: usize) -> Vec<(usize, &str)> {
    let heads = ["\nuse super::", "\npub use super::", "\npub(crate) use super::", "\npub(super) use super::"];
    let found = heads.iter().flat_map(|head| source.code.match_indices(head).map(|(at, _)| at + 1));
    let climb = |at: usize| {
        let line = &source.code[at..];
        let rest = &line[line.find("super::")?..];
        let past = rest.trim_start_matches("super::");
        ((rest.len() - past.len()) / "super::".len() >= depth).then(|| (at, word(past)))
    };
    found.filter_map(climb).collect()
}

/// Every function with a body: its name, where it begins and where it ends.
pub fn functions(code: &str) -> Vec<(&str, usize, usize)> {
    let bytes = code.as_bytes();
    let mut out = Vec::new();
    for at in places(code, "fn ") {
        let name = word(&code[at + 3..]);
        let mut depth = 0;
        let opens = (at..bytes.len()).find(|&i| {
            depth += i32::from(matches!(bytes[i], b'(' | b'[')) - i32::from(matches!(bytes[i], b')' | b']'));
            depth == 0 && matches!(bytes[i], b'{' | b';')
        });
        let Some(opens) = opens.filter(|&i| bytes[i] == b'{' && !name.is_empty()) else { continue };
        let mut braces = 0;
        let closes = (opens..bytes.len()).find(|&i| {
            braces += i32::from(bytes[i] == b'{') - i32::from(bytes[i] == b'}');
            braces == 0
        });
        out.push((name, at, closes.expect("braces that close")));
    }
    out
}
