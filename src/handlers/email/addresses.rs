//! Addresses in mails: reading lists of them, and refusing what could break a header.

use lettre::message::{Mailbox, Mailboxes};
use serde_json::Value;

/// Most recipients of one mail: to, cc and bcc together.
pub const MAX_RECIPIENTS: usize = 50;

/// The addresses in a rendered `to`, `cc`, `bcc` or `reply_to`: a text with a comma-separated list, or a list of such.
/// Empty texts and null stand for nobody.
///
/// # Errors
/// A sentence naming what is no address.
pub fn parse(value: &Value) -> Result<Vec<Mailbox>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => parse_text(text),
        Value::Array(items) => items.iter().try_fold(Vec::new(), |mut all, item| {
            all.extend(parse(item)?);
            Ok(all)
        }),
        other => Err(format!("expected an address or a list of addresses, found {}", crate::model::value::describe(other))),
    }
}

/// The one address of a text.
///
/// # Errors
/// A sentence when it is none, or several.
pub fn parse_one(text: &str) -> Result<Mailbox, String> {
    let mut all = parse_text(text)?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err("an address is needed, such as noreply@example.com".to_owned()),
        (Some(_), false) => Err("exactly one address is needed".to_owned()),
    }
}

fn parse_text(text: &str) -> Result<Vec<Mailbox>, String> {
    let text = text.trim().trim_end_matches([',', ' ']);
    refuse_control(text)?;
    let read: Mailboxes =
        text.parse().map_err(|_| format!("{text:?} is no e-mail address; write name@example.com or Name <name@example.com>, several with commas between them"))?;
    Ok(read.into_iter().collect())
}

/// Refuses line breaks, NUL and other control characters, which could add headers to a mail.
///
/// # Errors
/// A sentence.
pub fn refuse_control(text: &str) -> Result<(), String> {
    match text.chars().find(|c| c.is_control() && *c != '\t') {
        None => Ok(()),
        Some('\r' | '\n') => Err(format!("{text:?} contains a line break, which a mail header cannot hold")),
        Some(_) => Err(format!("{text:?} contains a control character, which a mail header cannot hold")),
    }
}

/// Keeps the first of each address over all lists, letter case ignored.
pub fn without_repeats(lists: &mut [&mut Vec<Mailbox>]) {
    let mut seen = std::collections::HashSet::new();
    for list in lists {
        list.retain(|mailbox| seen.insert(mailbox.email.to_string().to_lowercase()));
    }
}

/// Whether a sender is on the list; entries are addresses or `@domain`, an empty list allows all.
#[must_use]
pub fn is_allowed_sender(sender: &Mailbox, allowed: &[String]) -> bool {
    let address = sender.email.to_string().to_lowercase();
    let domain = sender.email.domain().to_lowercase();
    allowed.is_empty()
        || allowed.iter().map(|entry| entry.trim().to_lowercase()).any(|entry| match entry.strip_prefix('@') {
            Some(allowed_domain) => domain == allowed_domain,
            None => address == entry,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_read_in_every_form() {
        for (value, expected) in [
            (json!("a@x.org"), vec!["a@x.org"]),
            (json!(" a@x.org , Bo <b@x.org>, "), vec!["a@x.org", "Bo <b@x.org>"]),
            (json!("\"Doe, Jane\" <j@x.org>,k@x.org"), vec!["\"Doe, Jane\" <j@x.org>", "k@x.org"]),
            (json!(["a@x.org", "b@x.org, c@x.org", "", null]), vec!["a@x.org", "b@x.org", "c@x.org"]),
            (json!(["a@x.org", ["b@x.org"]]), vec!["a@x.org", "b@x.org"]),
            (json!(null), vec![]),
            (json!(""), vec![]),
        ] {
            assert_eq!(parse(&value).expect("reads").iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_address_or_breaks_a_header_is_refused() {
        for value in [
            json!("nobody"),
            json!("a@x.org b@x.org"),
            json!("a@x.org\r\nBcc: evil@x.org"),
            json!("a@x.org\n"),
            json!("a\0@x.org"),
            json!("\"a\r\nBcc: evil@x.org\" <a@x.org>"),
            json!({"to": "a@x.org"}),
            json!(5),
            json!("<a@x.org"),
            json!("a@x.org> SIZE=1"),
        ] {
            // A line break at the very end is white space, and goes.
            assert_eq!(parse(&value).is_ok(), value == json!("a@x.org\n"), "{value}");
        }
        assert!(parse_one("a@x.org, b@x.org").is_err() && parse_one("").is_err());
    }

    #[test]
    fn senders_match_by_address_or_domain() {
        let allowed = ["NoReply@Example.com".to_owned(), "@shop.example".to_owned()];
        for (sender, fine) in [
            ("noreply@example.com", true),
            ("Shop <a@SHOP.example>", true),
            ("other@example.com", false),
            ("a@sub.shop.example", false),
            ("\"noreply@example.com\" <evil@x.org>", false),
        ] {
            assert_eq!(is_allowed_sender(&parse_one(sender).expect("reads"), &allowed), fine, "{sender}");
        }
        assert!(is_allowed_sender(&parse_one("a@x.org").expect("reads"), &[]));
    }
}
