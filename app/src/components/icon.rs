//! The icon set: strokes on a 16 by 16 field in the colour of the text around them.

use leptos::prelude::*;

/// The shapes of one icon, as SVG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyph(pub(super) &'static str);

macro_rules! glyphs {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $shapes:literal;)*) => {
        $($(#[$doc])* pub const $name: Glyph = Glyph($shapes);)*

        /// Every icon with its word, for the gallery and for names that come from data.
        pub const ALL: &[(&str, Glyph)] = &[$(($word, $name)),*];
    };
}

glyphs! {
    /// An action.
    ACTION = "action", r#"<path d="M9 1.8 3.2 9H8l-1 5.2L12.8 7H8z"/>"#;
    /// Onwards.
    ARROW = "arrow", r#"<path d="M3 8h9.5M8.8 4.2l3.9 3.8-3.9 3.8"/>"#;
    /// The audit log.
    AUDIT = "audit", r#"<path d="M3 2h10v12H3zM5.7 5.2h4.6M5.7 8h4.6M5.7 10.8h2.6"/>"#;
    /// Back.
    BACK = "back", r#"<path d="M13 8H3.5M7.2 4 3.2 8l4 4"/>"#;
    /// Alerts.
    BELL = "bell", r#"<path d="M3.5 11.5c1-1 1-2.2 1-4a3.5 3.5 0 0 1 7 0c0 1.8 0 3 1 4zM6.7 13.8h2.6"/>"#;
    /// A dead letter.
    DEAD_LETTER = "box", r#"<rect x="3" y="3" width="10" height="10" rx="1"/><path d="M6 6h4v4H6z"/>"#;
    /// An open breaker.
    BREAKER = "brk", r#"<path d="M1.5 8H5M11 8h3.5M5 8l5-3.5"/><circle cx="5" cy="8" r=".5"/><circle cx="11" cy="8" r=".5"/>"#;
    /// Passed, succeeded.
    CHECK = "check", r#"<path d="m3 8.5 3.3 3.3L13 4.7"/>"#;
    /// Opens something below.
    CHEVRON = "chev", r#"<path d="m4.5 6.3 3.5 3.5 3.5-3.5"/>"#;
    /// Pending.
    CLOCK = "clock", r#"<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.3 1.5"/>"#;
    /// Settings.
    SETTINGS = "cog", r#"<path d="M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6"/><circle cx="10" cy="4.5" r="1.8"/><circle cx="6" cy="11.5" r="1.8"/>"#;
    /// Copy.
    COPY = "copy", r#"<rect x="5.5" y="5.5" width="8.5" height="8.5" rx="1.2"/><path d="M10.5 5.5V3.2A1.2 1.2 0 0 0 9.3 2H3.2A1.2 1.2 0 0 0 2 3.2v6.1a1.2 1.2 0 0 0 1.2 1.2h2.3"/>"#;
    /// Critical.
    CRITICAL = "cross", r#"<circle cx="8" cy="8" r="5"/><path d="m6.2 6.2 3.6 3.6M9.8 6.2 6.2 9.8"/>"#;
    /// Dead letters.
    DEAD_LETTERS = "dead", r#"<path d="M2 9.5 4 3h8l2 6.5v4H2z"/><path d="M2 9.5h3.5l1 2h3l1-2H14"/>"#;
    /// Download or import.
    DOWNLOAD = "dl", r#"<path d="M8 2.5v7.5M4.7 7 8 10.2 11.3 7M2.5 13.5h11"/>"#;
    /// A template or document.
    DOCUMENT = "doc", r#"<path d="M4 1.8h5L12.5 5v9.2h-8.5z"/><path d="M9 1.8V5h3.5M6 8.2h4.2M6 11h4.2"/>"#;
    /// Not reached.
    DOT = "dot", r#"<circle cx="8" cy="8" r="1.4"/>"#;
    /// Down.
    DOWN = "down", r#"<path d="M8 3v9.5M4 8.8l4 4 4-4"/>"#;
    /// An event.
    EVENT = "event", r#"<circle cx="8" cy="8" r="2"/><path d="M4.3 4.3a5.2 5.2 0 0 0 0 7.4M11.7 4.3a5.2 5.2 0 0 1 0 7.4M2.2 2.2a8.2 8.2 0 0 0 0 11.6M13.8 2.2a8.2 8.2 0 0 1 0 11.6"/>"#;
    /// An execution.
    EXECUTION = "exec", r#"<path d="M2 3.5h9M2 8h12M2 12.5h6"/><circle cx="13" cy="3.5" r=".6"/><path d="m10.5 12.5 1.3 1.3 2.4-2.6"/>"#;
    /// Filters.
    FILTER = "filter", r#"<path d="M2 3.5h12M4.5 8h7M6.5 12.5h3"/>"#;
    /// A workflow.
    FLOW = "flow", r#"<rect x="1.8" y="5.8" width="4.4" height="4.4" rx="1"/><rect x="9.8" y="1.8" width="4.4" height="4.4" rx="1"/><rect x="9.8" y="9.8" width="4.4" height="4.4" rx="1"/><path d="M6.2 8H8V4h1.8M8 8v4h1.8"/>"#;
    /// A function.
    FUNCTION = "fn", r#"<path d="M5.5 3 1.8 8l3.7 5M10.5 3l3.7 5-3.7 5"/>"#;
    /// Healthy.
    HEALTHY = "full", r#"<circle cx="8" cy="8" r="5"/><path d="m5.7 8.2 1.6 1.6 3-3.4"/>"#;
    /// The time zone.
    GLOBE = "globe", r#"<circle cx="8" cy="8" r="6"/><path d="M2 8h12M8 2c4.5 4 4.5 8 0 12M8 2c-4.5 4-4.5 8 0 12"/>"#;
    /// Degraded.
    DEGRADED = "half", r#"<circle cx="8" cy="8" r="5"/><path class="fillme" d="M8 3a5 5 0 0 1 0 10z"/>"#;
    /// The overview.
    OVERVIEW = "home", r#"<path d="M2 9.5h3l2-6 3 9 1.5-4.5H14"/>"#;
    /// A webhook.
    WEBHOOK = "hook", r#"<path d="M6.8 9.2a3 3 0 0 0 4.3 0l2-2a3 3 0 0 0-4.3-4.3l-.8.8M9.2 6.8a3 3 0 0 0-4.3 0l-2 2a3 3 0 0 0 4.3 4.3l.8-.8"/>"#;
    /// A remark.
    INFO = "info", r#"<circle cx="8" cy="8" r="6"/><path d="M8 7.3V11M8 5v.01"/>"#;
    /// Keys.
    KEY = "key", r#"<circle cx="5.2" cy="10.8" r="3"/><path d="m7.4 8.6 6-6M11 5l2 2"/>"#;
    /// A tenant.
    LAYERS = "layers", r#"<path d="m8 2 6 3.2-6 3.2-6-3.2zM2 8.3l6 3.2 6-3.2M2 11.2l6 3 6-3"/>"#;
    /// Secrets.
    LOCK = "lock", r#"<rect x="3" y="7" width="10" height="7" rx="1.2"/><path d="M5.3 7V4.8a2.7 2.7 0 0 1 5.4 0V7"/>"#;
    /// Mail.
    MAIL = "mail", r#"<rect x="1.8" y="3.2" width="12.4" height="9.6" rx="1.2"/><path d="m2.2 4.5 5.8 4.3 5.8-4.3"/>"#;
    /// The logo.
    LOGO = "mark", r#"<path d="M1.5 8h13" stroke-width="2"/><path d="M5 1.5v3.5M5 11v3.5M11 1.5v3.5M11 11v3.5" stroke-width="2"/>"#;
    /// The menu.
    MENU = "menu", r#"<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>"#;
    /// Cancelled.
    MINUS = "minus", r#"<path d="M3.5 8h9"/>"#;
    /// More to do.
    MORE = "more", r#"<circle cx="3.5" cy="8" r=".7"/><circle cx="8" cy="8" r=".7"/><circle cx="12.5" cy="8" r=".7"/>"#;
    /// Muted.
    MUTE = "mute", r#"<path d="M2.5 2.5l11 11M6.3 3.7A7 7 0 0 1 8 3.5c3.5 0 5.5 2.5 6.3 4.5a8 8 0 0 1-1.6 2.5M10.5 12a6 6 0 0 1-2.500.5C4.5 12.5 2.5 10 1.7 8a8.6 8.6 0 0 1 2.5-3.3"/>"#;
    /// Nothing known.
    UNKNOWN = "none", r#"<circle cx="8" cy="8" r="5" stroke-dasharray="2 2.3"/>"#;
    /// Switched off.
    OFF = "off", r#"<circle cx="8" cy="8" r="5"/><path d="M5.5 8h5"/>"#;
    /// Paused.
    PAUSE = "pause", r#"<path d="M5.5 3.5v9M10.5 3.5v9"/>"#;
    /// Running.
    PLAY = "play", r#"<path d="M5 3v10l8-5z"/>"#;
    /// Handlers.
    PLUG = "plug", r#"<path d="M5.5 1.8v3.4M10.5 1.8v3.4M3.5 5.2h9v2.3a4.5 4.5 0 0 1-9 0zM8 12v2.2"/>"#;
    /// Add.
    PLUS = "plus", r#"<path d="M8 3v10M3 8h10"/>"#;
    /// Cannot tell, help.
    QUESTION = "q", r#"<path d="M5.7 6a2.3 2.3 0 1 1 3.4 2c-.8.5-1.100.9-1.1 1.7M8 12.2v.01"/>"#;
    /// Redo.
    REDO = "redo", r#"<path d="M13 6H6.5a3.5 3.5 0 0 0 0 7H10M10 3l3 3-3 3"/>"#;
    /// Retrying, replay.
    RETRY = "retry", r#"<path d="M13 8a5 5 0 1 1-1.5-3.6L13 5.8M13 2.5v3.3H9.7"/>"#;
    /// Search.
    SEARCH = "search", r#"<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/>"#;
    /// Send.
    SEND = "send", r#"<path d="M14 2 7 9M14 2 9.7 14 7 9 2 6.3z"/>"#;
    /// Sort.
    SORT = "sort", r#"<path d="M5 3v10M2.5 10.5 5 13l2.5-2.5M9 4h5M9 8h3.5M9 12h2"/>"#;
    /// Light or dark.
    SUN = "sun", r#"<circle cx="8" cy="8" r="3"/><path d="M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9"/>"#;
    /// Delete.
    TRASH = "trash", r#"<path d="M2.5 4.2h11M6 4.2V2.5h4v1.7M4 4.2l.6 9.3h6.8l.6-9.3M6.7 7v4M9.3 7v4"/>"#;
    /// A fault.
    TRIANGLE = "tri", r#"<path d="M8 2.2 14.3 13.2H1.7zM8 6.5v3.2M8 11.5v.01"/>"#;
    /// Undo.
    UNDO = "undo", r#"<path d="M3 6h6.5a3.5 3.5 0 0 1 0 7H6M6 3 3 6l3 3"/>"#;
    /// Up.
    UP = "up", r#"<path d="M8 13V3.5M4 7.2l4-4 4 4"/>"#;
    /// People.
    USERS = "users", r#"<circle cx="6" cy="5.2" r="2.6"/><path d="M1.5 13.5c.4-2.7 2.2-4.2 4.5-4.2s4.1 1.5 4.5 4.2M10.5 2.9a2.6 2.6 0 0 1 0 4.6M12.2 9.9c1.300.6 2.1 1.8 2.3 3.6"/>"#;
    /// Waits here.
    WAIT = "wait", r#"<path d="M4 2h8M4 14h8M5 2c0 4 6 4.5 6 8.5V14M11 2c0 4-6 4.5-6 8.5V14"/>"#;
    /// Failed, stopped, close.
    CROSS = "x", r#"<path d="m4 4 8 8M12 4l-8 8"/>"#;
}

/// The icon of a word, such as `retry`.
#[must_use]
pub fn named(word: &str) -> Option<Glyph> {
    ALL.iter().find(|(name, _)| *name == word).map(|(_, glyph)| *glyph)
}

/// The icon of a handler type; types that an embedder registers share one.
#[must_use]
pub fn of_handler(handler_type: &str) -> Glyph {
    match handler_type {
        "webhook" => WEBHOOK,
        "email" => MAIL,
        "function" => FUNCTION,
        "workflow" => FLOW,
        _ => PLUG,
    }
}

const fn class_of(size: u8) -> &'static str {
    match size {
        10 | 12 => "i i-12",
        14 => "i i-14",
        20 => "i i-20",
        24 => "i i-24",
        _ => "i",
    }
}

/// An icon. It never stands alone: a word, or the label of its button, says the same.
#[component]
pub fn Icon(
    /// Which one.
    of: Glyph,
    /// 12, 14, 16, 20 or 24 pixels.
    #[prop(default = 16)]
    size: u8,
    /// Further classes, such as a colour.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let class = if class.is_empty() { class_of(size).to_owned() } else { format!("{} {class}", class_of(size)) };
    view! { <svg class=class viewBox="0 0 16 16" aria-hidden="true" focusable="false" inner_html=of.0></svg> }
}

/// The same icon as text, for pieces that are written as one string.
#[must_use]
pub fn html(of: Glyph, size: u8) -> String {
    format!(r#"<svg class="{}" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{}</svg>"#, class_of(size), of.0)
}
