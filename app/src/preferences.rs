//! What a reader prefers: theme, time zone and shortcuts, kept in cookies so that the first byte of a page is already right.

use axum::http::HeaderMap;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use crate::components::time::Zone;

/// The cookie of the theme.
pub const THEME_COOKIE: &str = "theme";
/// The cookie of the zone that was chosen; [`AS_BROWSER`] or nothing follows the browser.
pub const ZONE_COOKIE: &str = "tz";
/// The cookie in which the page's script leaves the browser's own zone.
pub const BROWSER_ZONE_COOKIE: &str = "tz_browser";
/// Stands for the browser's own zone.
pub const AS_BROWSER: &str = "browser";
/// The cookie that switches shortcuts of one letter off.
pub const KEYS_COOKIE: &str = "keys";
/// Its word for "off".
pub const OFF: &str = "off";
/// Its word for "on".
pub const ON: &str = "on";
const A_YEAR_DAYS: i64 = 365;

/// Light, dark, or as the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the cookie and in forms.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The word shown.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// The theme of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.word() == word)
    }

    /// The value of `data-theme`; absent for the system's, which the stylesheet follows by itself.
    #[must_use]
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

/// What one reader prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Light or dark.
    pub theme: Theme,
    /// The zone of every time shown.
    pub zone: Zone,
    /// Whether that zone was chosen; else it is the browser's, as far as that is known.
    pub is_zone_chosen: bool,
    /// The browser's own zone; none before its first page.
    pub browser_zone: Option<Zone>,
    /// Whether shortcuts of one letter are switched off.
    pub are_keys_off: bool,
}

impl Preferences {
    /// Reads the cookies of a request; what is missing or senseless is the default.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let jar = CookieJar::from_headers(headers);
        let value = |name: &str| jar.get(name).map(|c| c.value().replace("%2B", "+").replace("%3A", ":").replace("%2F", "/"));
        let zone = |name: &str| value(name).and_then(|w| Zone::parse(&w));
        let (chosen, browser_zone) = (zone(ZONE_COOKIE), zone(BROWSER_ZONE_COOKIE));
        Self {
            theme: value(THEME_COOKIE).and_then(|w| Theme::parse(&w)).unwrap_or_default(),
            zone: chosen.or(browser_zone).unwrap_or_default(),
            is_zone_chosen: chosen.is_some(),
            browser_zone,
            are_keys_off: value(KEYS_COOKIE).is_some_and(|w| w == OFF),
        }
    }
}

/// A cookie that keeps one preference for a year.
#[must_use]
pub fn cookie(name: &'static str, value: String, is_https: bool) -> Cookie<'static> {
    let age = std::time::Duration::from_secs((A_YEAR_DAYS * 86_400).unsigned_abs());
    Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax).secure(is_https).max_age(age.try_into().unwrap_or_default()).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::COOKIE;

    #[test]
    fn cookies_are_read_and_nonsense_is_not() {
        let headers = |text: &'static str| HeaderMap::from_iter([(COOKIE, axum::http::HeaderValue::from_static(text))]);
        let found = Preferences::of(&headers("theme=dark; tz=+02:00; tz_browser=Asia/Tokyo; keys=off"));
        assert_eq!((found.theme, found.zone, found.is_zone_chosen, found.are_keys_off), (Theme::Dark, Zone::east(120).unwrap_or_default(), true, true));
        assert_eq!(Preferences::of(&headers("theme=pink; tz=Mars; keys=x")), Preferences::default());
    }

    #[test]
    fn the_browsers_zone_counts_until_one_is_chosen() {
        let of = |text: &'static str| Preferences::of(&HeaderMap::from_iter([(COOKIE, axum::http::HeaderValue::from_static(text))]));
        let tokyo = Zone::parse("Asia/Tokyo");
        for text in ["tz_browser=Asia/Tokyo", "tz=browser; tz_browser=Asia%2FTokyo"] {
            assert_eq!((Some(of(text).zone), of(text).is_zone_chosen), (tokyo, false), "{text}");
        }
        assert_eq!(of("tz=UTC; tz_browser=Asia/Tokyo").zone, Zone::UTC);
    }
}
