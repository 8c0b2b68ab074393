//! The one place where text becomes HTML by hand, for pieces that are written as one string.

/// `text` with the five characters that mean something in HTML written as references. Fit for element content and quoted attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    push_escaped(&mut out, text);
    out
}

/// Appends `text`, escaped, to `out`.
pub fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(escape(r#"</textarea><script a='1' b="2">&"#), "&lt;/textarea&gt;&lt;script a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;");
    }

    #[test]
    fn other_text_is_untouched() {
        assert_eq!(escape("Grüße, 20 °C"), "Grüße, 20 °C");
    }
}
