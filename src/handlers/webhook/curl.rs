//! A webhook's request as a command line, for people to try by hand.

use super::request::{Prepared, shown_body};
use crate::handlers::redact::Redactor;

/// The request for a POSIX shell. Credentials that are a secret become a variable (`$NAME`), others are left out.
#[must_use]
pub fn command(prepared: &Prepared, redactor: &Redactor) -> String {
    let mut parts = vec![format!("curl -X {} {}", prepared.method, quoted(&redactor.text(&prepared.url)))];
    for header in prepared.headers.iter().filter(|h| h.name != "accept") {
        parts.push(match (&header.for_shell, &header.shown) {
            (Some(value), _) => format!("-H \"{}: {value}\"", header.name),
            (None, Some(shown)) => format!("-H {}", quoted(&format!("{}: {shown}", header.name))),
            (None, None) => format!("-H {}", quoted(&format!("{}: {}", header.name, redactor.text(&header.value)))),
        });
    }
    if !prepared.verify_tls {
        parts.push("--insecure".to_owned());
    }
    if let Some(body) = &prepared.body {
        let (_, truncated) = shown_body(body, redactor);
        let text = redactor.text(&String::from_utf8_lossy(body));
        parts.push(if truncated { "--data-binary @body".to_owned() } else { format!("--data-raw {}", quoted(&text)) });
    }
    parts.join(" \\\n  ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
