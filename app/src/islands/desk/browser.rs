//! What the editor asks of the browser. On the server each does nothing.

/// Keeps a text under a name in this browser; gives whether it could.
pub fn keep(name: &str, text: &str) -> bool {
    #[cfg(feature = "hydrate")]
    {
        storage().is_some_and(|s| s.set_item(name, text).is_ok())
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = (name, text);
        false
    }
}

/// The text kept under a name.
#[must_use]
pub fn kept(name: &str) -> Option<String> {
    #[cfg(feature = "hydrate")]
    {
        storage()?.get_item(name).ok().flatten()
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = name;
        None
    }
}

/// Forgets the text kept under a name.
pub fn forget(name: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(storage) = storage() {
        let _ = storage.remove_item(name);
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = name;
}

#[cfg(feature = "hydrate")]
fn storage() -> Option<web_sys::Storage> {
    leptos::prelude::window().local_storage().ok().flatten()
}

/// The clock, in milliseconds since 1970; 0 on the server.
#[must_use]
pub fn now_ms() -> f64 {
    #[cfg(feature = "hydrate")]
    {
        js_sys::Date::now()
    }
    #[cfg(not(feature = "hydrate"))]
    {
        0.0
    }
}

/// Goes to another page.
pub fn go(url: &str) {
    #[cfg(feature = "hydrate")]
    let _ = leptos::prelude::window().location().assign(url);
    #[cfg(not(feature = "hydrate"))]
    let _ = url;
}

/// Moves the focus to what a selector finds, once the page shows the latest change. Of several selectors with a comma between them,
/// the first that finds anything counts.
pub fn focus_soon(selector: String) {
    #[cfg(feature = "hydrate")]
    leptos::prelude::request_animation_frame(move || {
        use wasm_bindgen::JsCast;
        let found = selector.split(", ").find_map(|one| leptos::prelude::document().query_selector(one).ok().flatten());
        if let Some(element) = found.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = element.focus();
        }
    });
    #[cfg(not(feature = "hydrate"))]
    let _ = selector;
}

/// The value of an attribute of the element that was clicked, or of the nearest one around it that has the attribute.
#[must_use]
pub fn clicked(event: &leptos::ev::MouseEvent, attribute: &str) -> Option<String> {
    #[cfg(feature = "hydrate")]
    {
        use wasm_bindgen::JsCast;
        let element = event.target()?.dyn_into::<web_sys::Element>().ok()?;
        element.closest(&format!("[{attribute}]")).ok().flatten()?.get_attribute(attribute)
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = (event, attribute);
        None
    }
}

/// Of the elements with this attribute, shows only those where it has this value.
pub fn show_only(attribute: &str, value: &str) {
    #[cfg(feature = "hydrate")]
    {
        use wasm_bindgen::JsCast;
        let Ok(all) = leptos::prelude::document().query_selector_all(&format!("[{attribute}]")) else { return };
        for n in 0..all.length() {
            let Some(element) = all.item(n).and_then(|node| node.dyn_into::<web_sys::Element>().ok()) else { continue };
            let on = element.get_attribute(attribute).as_deref() == Some(value);
            let _ = if element.get_attribute("role").as_deref() == Some("tab") {
                element.set_attribute("aria-selected", if on { "true" } else { "false" })
            } else {
                element.toggle_attribute_with_force("hidden", !on).map(drop)
            };
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (attribute, value);
}

/// Asks before the page is left while `when` says so: links, reload, closing, and Back.
pub fn guard(when: impl Fn() -> bool + 'static) {
    #[cfg(feature = "hydrate")]
    {
        let handle = leptos::prelude::window_event_listener(leptos::ev::beforeunload, move |event| {
            if when() {
                event.prevent_default();
                event.set_return_value("");
            }
        });
        // As long as the page.
        std::mem::forget(handle);
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = when;
}

/// Opens or closes a popover or dialog by its id.
pub fn close_popover(id: &str) {
    #[cfg(feature = "hydrate")]
    {
        use wasm_bindgen::JsCast;
        if let Some(element) = leptos::prelude::document().get_element_by_id(id).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = element.hide_popover();
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// The values of the inputs that a selector finds.
#[must_use]
pub fn values_of(selector: &str) -> Vec<String> {
    #[cfg(feature = "hydrate")]
    {
        inputs(selector).iter().map(web_sys::HtmlInputElement::value).collect()
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = selector;
        Vec::new()
    }
}

/// Ticks or clears the boxes that a selector finds.
pub fn tick(selector: &str, on: bool) {
    #[cfg(feature = "hydrate")]
    inputs(selector).iter().for_each(|input| input.set_checked(on));
    #[cfg(not(feature = "hydrate"))]
    let _ = (selector, on);
}

#[cfg(feature = "hydrate")]
fn inputs(selector: &str) -> Vec<web_sys::HtmlInputElement> {
    use wasm_bindgen::JsCast;
    let Ok(all) = leptos::prelude::document().query_selector_all(selector) else { return Vec::new() };
    (0..all.length()).filter_map(|n| all.item(n)?.dyn_into().ok()).collect()
}

/// What changed: an attribute of the input, and whether it is ticked.
#[must_use]
pub fn ticked(event: &leptos::ev::Event, attribute: &str) -> Option<(String, bool)> {
    #[cfg(feature = "hydrate")]
    {
        use wasm_bindgen::JsCast;
        let input = event.target()?.dyn_into::<web_sys::HtmlInputElement>().ok()?;
        Some((input.get_attribute(attribute)?, input.checked()))
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = (event, attribute);
        None
    }
}

/// Makes the page anew where it stands.
pub fn reload() {
    #[cfg(feature = "hydrate")]
    let _ = leptos::prelude::window().location().reload();
}

/// Takes what a selector finds out of sight.
pub fn hide(selector: &str) {
    #[cfg(feature = "hydrate")]
    if let Ok(Some(element)) = leptos::prelude::document().query_selector(selector) {
        let _ = element.set_attribute("hidden", "");
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = selector;
}

/// The time of day of an instant, `14:31:40`, in a zone that lies so many minutes east of UTC.
#[must_use]
pub fn clock(ms: f64, offset_minutes: i32) -> String {
    let seconds = (ms / 1_000.0) as i64 + i64::from(offset_minutes) * 60;
    let of_day = seconds.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::clock;

    #[test]
    fn the_clock_follows_the_zone() {
        assert_eq!((clock(52_312_400.0, 0).as_str(), clock(52_312_400.0, 120).as_str(), clock(0.0, -60).as_str()), ("14:31:52", "16:31:52", "23:00:00"));
    }
}
