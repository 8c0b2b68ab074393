//! A look at a template before it is compiled: how much syntax it holds, and which statements.
//!
//! The engine's fuel bounds what a template does, not what compiling it costs: a long chain of operators takes quadratic
//! time and deep recursion. So the tokens inside tags are counted first, with the engine's own rules for where a tag ends.

/// Most tokens in the tags of one configuration.
pub const MAX_TOKENS: usize = 10_000;
/// Most tokens in one tag.
pub const MAX_TAG_TOKENS: usize = 1000;
/// Statements that templates here do without: they load other templates or recurse.
const REFUSED: [&str; 8] = ["include", "import", "from", "extends", "block", "macro", "call", "recursive"];

/// Counts the tokens inside the tags of `source`; the error is a sentence. Unclosed tags are left to the compiler.
pub fn scan(source: &str) -> Result<usize, String> {
    let bytes = source.as_bytes();
    let (mut at, mut total) = (0, 0);
    while let Some(start) = marker(bytes, at) {
        let body = start + 2 + usize::from(matches!(bytes.get(start + 2), Some(b'-' | b'+')));
        if bytes[start + 1] == b'#' {
            at = find(bytes, body, b"#}").map_or(bytes.len(), |end| end + 2);
            continue;
        }
        let is_block = bytes[start + 1] == b'%';
        if is_block && let Some(raw) = basic_tag(bytes, body, b"raw", false) {
            at = end_of_raw(bytes, raw);
            continue;
        }
        let tag = Tag::read(bytes, body, if is_block { b"%}" } else { b"}}" });
        if tag.tokens > MAX_TAG_TOKENS {
            return Err(format!("One expression of the template has more than {MAX_TAG_TOKENS} parts; split it with {{% set %}}."));
        }
        if let Some(word) = tag.refused.filter(|_| is_block) {
            return Err(format!("Templates here cannot use \"{word}\"."));
        }
        total += tag.tokens;
        at = tag.end;
    }
    Ok(total)
}

/// One tag between its markers.
struct Tag {
    end: usize,
    tokens: usize,
    refused: Option<&'static str>,
}

impl Tag {
    fn read(bytes: &[u8], start: usize, close: &[u8; 2]) -> Self {
        let mut tag = Self { end: bytes.len(), tokens: 0, refused: None };
        let mut at = start;
        let mut balance = 0i64;
        while let Some(&byte) = bytes.get(at) {
            if balance == 0 && bytes[at..].starts_with(close) {
                tag.end = at + 2;
                return tag;
            }
            let from = at;
            at += 1;
            match byte {
                b if b.is_ascii_whitespace() => continue,
                b'(' | b'[' | b'{' => balance += 1,
                b')' | b']' | b'}' => balance -= 1,
                b'\'' | b'"' => at = end_of_string(bytes, at, byte),
                b if is_word(b) => {
                    at += bytes[at..].iter().take_while(|b| is_word(**b)).count();
                    tag.note(&bytes[from..at]);
                }
                _ => {}
            }
            tag.tokens += 1;
        }
        tag
    }

    /// Remembers a refused statement: the first word, or `recursive` behind the first.
    fn note(&mut self, word: &[u8]) {
        let found = REFUSED.into_iter().find(|name| name.as_bytes() == word);
        self.refused = self.refused.or(found.filter(|name| (*name == "recursive") != (self.tokens == 0)));
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The next `{{`, `{%` or `{#`.
fn marker(bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(2).position(|pair| matches!(pair, b"{{" | b"{%" | b"{#")).map(|i| from + i)
}

fn find(bytes: &[u8], from: usize, needle: &[u8; 2]) -> Option<usize> {
    bytes.get(from..)?.windows(2).position(|pair| pair == needle).map(|i| from + i)
}

/// Behind the closing quote; a backslash hides the next byte.
fn end_of_string(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b if b == quote => return at,
            _ => {}
        }
    }
    bytes.len()
}

/// The end of a tag that holds nothing but `name`, such as `{% raw %}`.
fn basic_tag(bytes: &[u8], mut at: usize, name: &[u8], trim_marker: bool) -> Option<usize> {
    if trim_marker && matches!(bytes.get(at), Some(b'-' | b'+')) {
        at += 1;
    }
    let blanks = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    at += blanks(at);
    at += bytes.get(at..)?.starts_with(name).then_some(name.len())?;
    at += blanks(at);
    at += usize::from(matches!(bytes.get(at), Some(b'-' | b'+')));
    bytes.get(at..)?.starts_with(b"%}").then_some(at + 2)
}

fn end_of_raw(bytes: &[u8], mut at: usize) -> usize {
    while let Some(start) = find(bytes, at, b"{%") {
        at = start + 2;
        if let Some(end) = basic_tag(bytes, at, b"endraw", true) {
            return end;
        }
    }
    bytes.len()
}
