//! The trace that a piece of work belongs to, as W3C Trace Context writes it: taken from requests, kept with executions, passed on.

use serde::{Deserialize, Serialize};

/// Longest `tracestate` that is passed on, in bytes; a longer one is dropped, the trace itself is kept.
const MAX_STATE_BYTES: usize = 512;
/// Bytes of a `traceparent` of version 00.
const PARENT_BYTES: usize = 55;

/// The place in a trace under which something happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// `00-{trace id}-{span id}-{flags}` in lower-case hexadecimal.
    pub traceparent: String,
    /// What tracing systems add for themselves, unchanged.
    pub tracestate: Option<String>,
}

impl TraceContext {
    /// Reads the two headers; `None` when the first is no `traceparent`. A faulty `tracestate` is dropped.
    #[must_use]
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let parent = traceparent.trim_matches([' ', '\t']);
        let (version, rest) = (parent.get(..2)?, parent.get(2..PARENT_BYTES)?);
        let more = &parent[PARENT_BYTES..];
        // A later version may add members behind a dash; what is known of it stays as it is in version 00.
        let fits = is_hex(version) && version != "ff" && (more.is_empty() || version != "00" && more.starts_with('-'));
        let mut parts = rest.split('-').skip(1);
        let (trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
        let fine = |text: &str, length| text.len() == length && is_hex(text);
        if !fits || !rest.starts_with('-') || !fine(trace, 32) || !fine(span, 16) || !fine(flags, 2) || is_zero(trace) || is_zero(span) {
            return None;
        }
        let state = tracestate.map(|s| s.trim_matches([' ', '\t'])).filter(|s| !s.is_empty() && s.len() <= MAX_STATE_BYTES && s.bytes().all(|b| (0x20..0x7f).contains(&b)));
        Some(Self { traceparent: format!("00-{trace}-{span}-{flags}"), tracestate: state.map(str::to_owned) })
    }

    /// The trace's id: 32 hexadecimal digits; empty when this was not made by [`TraceContext::parse`].
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.traceparent.get(3..35).unwrap_or_default()
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|b| b == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_the_standard_allows_is_taken() {
        let later = PARENT.replacen("00", "cc", 1);
        for text in [PARENT, &format!(" {PARENT} "), &later, &format!("{later}-what-comes-later")] {
            let trace = TraceContext::parse(text, None).unwrap_or_else(|| panic!("{text:?} is one"));
            assert_eq!((trace.traceparent.as_str(), trace.trace_id()), (PARENT, "4bf92f3577b34da6a3ce929d0e0e4736"), "{text:?}");
        }
    }

    #[test]
    fn what_it_forbids_is_not() {
        let zero_trace = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        let zero_span = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", "0".repeat(16));
        let upper = PARENT.to_uppercase();
        let (more, unknown, short, cut) = (format!("{PARENT}-x"), PARENT.replacen("00", "ff", 1), &PARENT[..54], &PARENT[..3]);
        for text in ["", "00", "é".repeat(40).as_str(), &zero_trace, &zero_span, &upper, &more, &unknown, short, cut, &PARENT.replace('-', "_")] {
            assert_eq!(TraceContext::parse(text, None), None, "{text:?}");
        }
    }

    #[test]
    fn a_faulty_state_does_not_cost_the_trace() {
        let state = |text: &str| TraceContext::parse(PARENT, Some(text)).expect("the trace is kept").tracestate;
        assert_eq!(state("vendor=1,other=x y"), Some("vendor=1,other=x y".to_owned()));
        for text in ["", " ", "a=\nb", "a=ü", &"x".repeat(513)] {
            assert_eq!(state(text), None, "{text:?}");
        }
    }
}
