//! Stat tiles: one number with its unit and what to make of it.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::status_badge::Tone;

/// What one tile says. Plain data, so that server and browser make it by the same code.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// The number, or a dash.
    pub value: String,
    /// Its unit.
    pub unit: &'static str,
    /// The line beneath.
    pub note: String,
    /// What the line's colour means.
    pub tone: Tone,
    /// An icon before the line.
    pub icon: Option<Glyph>,
}

/// The row of tiles.
#[component]
pub fn Tiles(
    /// What they cover, such as "Last 24 hours".
    #[prop(into)]
    label: Signal<String>,
    /// The tiles, at most five.
    children: Children,
) -> impl IntoView {
    view! { <section class="tiles" aria-label=move || label.get()>{children()}</section> }
}

/// One tile.
#[component]
pub fn StatTile(
    /// What the number is.
    label: &'static str,
    /// The number and the line beneath; changes in place.
    #[prop(into)]
    figure: Signal<Figure>,
    /// Where it leads; none where no page shows more.
    #[prop(optional_no_strip)]
    href: Option<String>,
    /// A small drawing as SVG, made on the server.
    #[prop(optional, into)]
    spark: String,
) -> impl IntoView {
    let number = move || {
        let f = figure.get();
        let unit = (!f.unit.is_empty()).then(|| view! { <small>" "{f.unit}</small> });
        view! { {f.value}{unit} }
    };
    let note = move || {
        let f = figure.get();
        view! { <span class=format!("d {}", f.tone.text())>{f.icon.map(|of| view! { <Icon of=of size=12/> })}{f.note}</span> }
    };
    let inside = view! {
        <span class="k">{label}</span>
        <span class="tile-row"><span class="v28">{number}</span>{(!spark.is_empty()).then(|| view! { <span inner_html=spark></span> })}</span>
        {note}
    };
    match href {
        Some(href) => view! { <a class="tile" href=href>{inside}</a> }.into_any(),
        None => view! { <div class="tile">{inside}</div> }.into_any(),
    }
}
