//! Takes the toast of a page away after a while, and its words out of the address, so that a reload does not say them again.

use std::time::Duration;

use leptos::prelude::*;

use super::desk::browser::hide;

/// How long a toast stays.
const STAYS: Duration = Duration::from_secs(10);

/// Stands beside a toast that the server made. Without JavaScript the toast stays.
#[island]
pub fn FlashAway() -> impl IntoView {
    Effect::new(move |_| {
        forget();
        set_timeout(|| hide(".toasts"), STAYS);
    });
}

/// Takes `done`, `new` and `n` out of the address.
fn forget() {
    #[cfg(feature = "hydrate")]
    {
        let window = leptos::prelude::window();
        let (Ok(path), Ok(query)) = (window.location().pathname(), window.location().search()) else { return };
        let kept = without(&query);
        if let Ok(history) = window.history() {
            let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&format!("{path}{kept}")));
        }
    }
}

/// A query without the words of a toast.
#[cfg(any(feature = "hydrate", test))]
fn without(query: &str) -> String {
    let stays = |pair: &&str| !["done", "new", "n"].contains(&pair.split('=').next().unwrap_or_default());
    let kept: Vec<&str> = query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()).filter(stays).collect();
    if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn filters_stay() {
        assert_eq!(without("?status=failed&done=replayed&new=x&n=1"), "?status=failed");
        assert_eq!(without("?done=sent"), "");
    }
}
