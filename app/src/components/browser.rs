//! What plain pieces ask of the browser. On the server each does nothing.

/// Moves the focus to the element with this id.
pub fn focus(id: &str) {
    #[cfg(feature = "hydrate")]
    {
        use wasm_bindgen::JsCast;
        if let Some(element) = leptos::prelude::document().get_element_by_id(id).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = element.focus();
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// The text that is being pasted, line ends included; the event is then used up.
#[must_use]
pub fn pasted(event: &leptos::ev::ClipboardEvent) -> Option<String> {
    #[cfg(feature = "hydrate")]
    {
        let text = event.clipboard_data()?.get_data("text").ok()?;
        event.prevent_default();
        Some(text)
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = event;
        None
    }
}

/// Puts a text on the clipboard.
pub fn copy(text: &str) {
    #[cfg(feature = "hydrate")]
    let _ = leptos::prelude::window().navigator().clipboard().write_text(text);
    #[cfg(not(feature = "hydrate"))]
    let _ = text;
}
