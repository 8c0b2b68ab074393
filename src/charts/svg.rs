//! From the drawing library's SVG to ours: every colour becomes a class, so that both themes colour the same drawing.

use std::fmt::Write as _;

/// A colour that stands for a class until the drawing is done.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// What the library is given, as it writes it.
    pub colour: &'static str,
    /// What it becomes.
    pub class: &'static str,
}

/// Attributes that carry geometry; all others are dropped, colours and fonts among them.
const KEPT: [&str; 15] = ["x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "d", "points", "width", "height", "transform", "text-anchor"];

/// The shapes of `svg` without its frame and background, colours replaced by the classes of `paints`.
///
/// Texts painted in `labels` are the value axis: they end at `labels_end`, whatever the width of the reader's font.
#[must_use]
pub fn shapes(svg: &str, paints: &[Paint], labels: &str, labels_end: f32) -> String {
    let mut out = String::with_capacity(svg.len());
    for part in svg.split('<').skip(1) {
        let Some((tag, text)) = part.split_once('>') else { continue };
        let name = tag.split([' ', '/']).find(|n| !n.is_empty()).unwrap_or_default();
        if name == "svg" {
            continue;
        }
        if tag.starts_with('/') {
            let _ = write!(out, "</{name}>");
            continue;
        }
        let attributes: Vec<(&str, &str)> = attributes(tag).collect();
        if name == "rect" && is_nothing(&attributes) {
            continue;
        }
        write_tag(&mut out, name, &attributes, paints, (labels, labels_end));
        out.push_str(if tag.ends_with('/') { "/>" } else { ">" });
        out.push_str(text.trim());
    }
    out
}

fn attributes(tag: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = tag.split_once(' ').map_or("", |(_, rest)| rest);
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        rest = after;
        Some((name.trim(), value))
    })
}

/// A bar without height, or the background.
fn is_nothing(attributes: &[(&str, &str)]) -> bool {
    let at = |name: &str| attributes.iter().find(|(n, _)| *n == name).map_or("", |(_, v)| *v);
    at("height") == "0" || (at("x") == "0" && at("y") == "0")
}

fn write_tag(out: &mut String, name: &str, attributes: &[(&str, &str)], paints: &[Paint], (labels, end): (&str, f32)) {
    let _ = write!(out, "<{name}");
    let is_label = name == "text" && attributes.contains(&("fill", labels));
    for (key, value) in attributes {
        if is_label && *key == "x" {
            let _ = write!(out, " x=\"{end}\" text-anchor=\"end\"");
        } else if KEPT.contains(key) {
            let _ = write!(out, " {key}=\"{value}\"");
        }
    }
    let painted = attributes.iter().find_map(|(key, value)| matches!(*key, "fill" | "stroke").then(|| paints.iter().find(|p| p.colour.eq_ignore_ascii_case(value))).flatten());
    if let Some(paint) = painted {
        let _ = write!(out, " class=\"{}\"", paint.class);
    }
}

/// `text` with what means something in SVG written as references.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_and_nothing_else_survives() {
        let svg = "<svg width=\"9\"><rect x=\"0\" y=\"0\" width=\"9\" height=\"9\" fill=\"#FFFFFF\"/><g stroke=\"#000001\" stroke-width=\"1\">\n<line x1=\"1\" y1=\"2\" x2=\"3\" y2=\"2\"/></g>\n<text font-size=\"14\" x=\"12\" y=\"15\" fill=\"#000002\">\n36\n</text><rect x=\"1\" y=\"2\" width=\"3\" height=\"0\" fill=\"#000003\"/><rect x=\"1\" y=\"2\" width=\"3\" height=\"4\" fill=\"#000003\" data-value=\"1\"/></svg>";
        let paints = [Paint { colour: "#000001", class: "grid" }, Paint { colour: "#000003", class: "f-ok" }];
        assert_eq!(
            shapes(svg, &paints, "#000002", 30.0),
            "<g class=\"grid\"><line x1=\"1\" y1=\"2\" x2=\"3\" y2=\"2\"/></g><text x=\"30\" text-anchor=\"end\" y=\"15\">36</text><rect x=\"1\" y=\"2\" width=\"3\" height=\"4\" class=\"f-ok\"/>"
        );
    }
}
