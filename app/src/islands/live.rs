//! The page's one connection to the stream of numbers, shared by its islands. On the server it is never made.

use event_actions::model::stats::LiveView;
use leptos::prelude::*;

/// What came over the stream.
#[derive(Clone, Default)]
pub struct Live {
    /// The latest snapshot; none before the first.
    pub view: ArcRwSignal<Option<LiveView>>,
    /// When it came, in milliseconds of the browser's clock; 0 before the first.
    pub came_ms: ArcRwSignal<f64>,
    /// The browser's clock, moved on every second.
    pub now_ms: ArcRwSignal<f64>,
    /// Whether the connection stands.
    pub is_open: ArcRwSignal<bool>,
}

impl Live {
    /// Seconds since the latest snapshot; none before the first.
    #[must_use]
    pub fn age_seconds(&self) -> Option<u64> {
        let came = self.came_ms.get();
        (came > 0.0).then(|| ((self.now_ms.get() - came) / 1_000.0).max(0.0) as u64)
    }
}

/// The connection of this page, made with the first call.
#[must_use]
pub fn live() -> Live {
    #[cfg(feature = "hydrate")]
    {
        thread_local! {
            static LIVE: Live = browser::connect();
        }
        LIVE.with(Clone::clone)
    }
    #[cfg(not(feature = "hydrate"))]
    Live::default()
}

#[cfg(feature = "hydrate")]
mod browser {
    use event_actions::model::stats::LiveView;
    use leptos::prelude::*;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{EventSource, MessageEvent};

    use super::Live;

    /// Same origin, so the session cookie goes with it.
    const STREAM: &str = "/api/v1/stream";

    pub(super) fn connect() -> Live {
        let live = Live::default();
        let Ok(source) = EventSource::new(STREAM) else { return live };
        let to = live.clone();
        let on_snapshot = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let view = event.data().as_string().and_then(|text| serde_json::from_str::<LiveView>(&text).ok());
            if view.is_some() {
                let now = js_sys::Date::now();
                to.came_ms.set(now);
                to.now_ms.set(now);
                to.is_open.set(true);
                to.view.set(view);
            }
        });
        let _ = source.add_event_listener_with_callback("snapshot", on_snapshot.as_ref().unchecked_ref());
        let to = live.is_open.clone();
        // The browser connects again by itself; until then the numbers stand still.
        let on_error = Closure::<dyn Fn()>::new(move || to.set(false));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let now = live.now_ms.clone();
        set_interval(move || now.set(js_sys::Date::now()), std::time::Duration::from_secs(1));
        // They live as long as the page.
        on_snapshot.forget();
        on_error.forget();
        live
    }
}
