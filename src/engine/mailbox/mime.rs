//! Reads the text and the HTML out of a message that the mail handler wrote: one part, or alternatives. Anything else gives
//! nothing; the message itself can always be downloaded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Most parts that are looked at.
const MAX_PARTS: usize = 10;

/// The text and the HTML of a message.
pub fn bodies(raw: &[u8]) -> (Option<String>, Option<String>) {
    let mut found = (None, None);
    let Some(whole) = Part::read(raw) else { return found };
    match whole.boundary() {
        None => whole.put(&mut found),
        Some(boundary) => {
            for part in split(whole.body, &boundary).into_iter().take(MAX_PARTS).filter_map(Part::read) {
                part.put(&mut found);
            }
        }
    }
    found
}

/// Headers and body.
struct Part<'m> {
    headers: Vec<(String, String)>,
    body: &'m [u8],
}

impl<'m> Part<'m> {
    fn read(raw: &'m [u8]) -> Option<Self> {
        let end = find(raw, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&raw[..end]).replace("\r\n ", " ").replace("\r\n\t", " ");
        let headers = head.split("\r\n").filter_map(|line| line.split_once(':')).map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned())).collect();
        Some(Self { headers, body: &raw[end + 4..] })
    }

    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str())
    }

    fn boundary(&self) -> Option<String> {
        let kind = self.header("content-type");
        if !kind.to_ascii_lowercase().starts_with("multipart/") {
            return None;
        }
        let value = kind.split(';').map(str::trim).find_map(|p| p.strip_prefix("boundary="))?;
        Some(value.trim_matches('"').to_owned())
    }

    /// Decodes the body and puts it where it belongs.
    fn put(&self, found: &mut (Option<String>, Option<String>)) {
        let place = match self.header("content-type").split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "text/plain" => &mut found.0,
            "text/html" => &mut found.1,
            _ => return,
        };
        let bytes = match self.header("content-transfer-encoding").to_ascii_lowercase().as_str() {
            "quoted-printable" => quoted_printable(self.body),
            "base64" => STANDARD.decode(self.body.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect::<Vec<_>>()).unwrap_or_default(),
            _ => self.body.to_vec(),
        };
        place.get_or_insert_with(|| String::from_utf8_lossy(&bytes).replace("\r\n", "\n"));
    }
}

/// What stands between the boundaries.
fn split<'m>(body: &'m [u8], boundary: &str) -> Vec<&'m [u8]> {
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut rest = body;
    while let Some(at) = find(rest, mark.as_bytes()) {
        rest = &rest[at + mark.len()..];
        if rest.starts_with(b"--") {
            break;
        }
        let end = find(rest, mark.as_bytes()).unwrap_or(rest.len());
        let part = rest[..end].strip_prefix(b"\r\n").unwrap_or(&rest[..end]);
        parts.push(part.strip_suffix(b"\r\n").unwrap_or(part));
    }
    parts
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// Quoted-printable (RFC 2045); what is malformed stays as it is.
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let hex = |i: usize| rest.get(i).and_then(|b| char::from(*b).to_digit(16));
        match (byte, hex(1), hex(2)) {
            (b'=', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            (b'=', ..) if rest.starts_with(b"=\r\n") => at += 3,
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use lettre::message::header::ContentType;
    use lettre::message::{Message, MultiPart};

    use super::*;

    fn builder() -> lettre::message::MessageBuilder {
        Message::builder().from("a@example.com".parse().unwrap()).to("b@example.com".parse().unwrap()).subject("Grüße")
    }

    #[test]
    fn what_the_mail_handler_writes_is_read_back() {
        let long = format!("Grüße = {}\nEnde", "ä lang ".repeat(40));
        let html = format!("<p>{}</p>", "x".repeat(300));
        let both = builder().multipart(MultiPart::alternative_plain_html(long.clone(), html.clone())).unwrap().formatted();
        assert_eq!(bodies(&both), (Some(long.clone()), Some(html)));
        let text = builder().header(ContentType::TEXT_PLAIN).body(long.clone()).unwrap().formatted();
        let (found, none) = bodies(&text);
        assert_eq!((found.as_deref().map(str::trim_end), none), (Some(long.as_str()), None));
        let html = builder().header(ContentType::TEXT_HTML).body("<b>".to_owned()).unwrap().formatted();
        assert_eq!(bodies(&html).1.as_deref().map(str::trim_end), Some("<b>"));
    }

    #[test]
    fn anything_else_gives_nothing() {
        assert_eq!(bodies(b"no headers"), (None, None));
        assert_eq!(bodies(b"content-type: image/png\r\n\r\nx"), (None, None));
        assert_eq!(bodies(b"content-type: multipart/mixed; boundary=\"\"\r\n\r\n----"), (None, None));
        assert_eq!(quoted_printable(b"a=zz=3D=\r\nb="), b"a=zz=b=");
    }
}
