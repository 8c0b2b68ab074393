//! A chart drawn on the server, its legend, and the same numbers as a table.

use leptos::prelude::*;

/// One entry of a legend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegendItem {
    /// The class of its colour: `sw-ok`, `sw-warn`, `sw-bad`, `sw-dead`, `sw-ink`, `sw-queue`, `sw-idle`.
    pub swatch: &'static str,
    /// The words.
    pub text: String,
    /// A number beside them.
    pub count: String,
    /// Where it leads.
    pub href: Option<String>,
}

/// The numbers of a chart as a table: heads, then rows of a label with an optional link and the cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChartTable {
    /// The heads, the first over the labels.
    pub head: Vec<String>,
    /// The rows: label, link, cells.
    pub rows: Vec<(String, Option<String>, Vec<String>)>,
}

/// A chart.
#[component]
pub fn ChartFigure(
    /// The wide and the narrow drawing, as SVG made on the server.
    #[prop(into)]
    svg: String,
    /// What it shows, in a sentence or two.
    #[prop(into)]
    caption: String,
    /// Its legend.
    #[prop(optional)]
    legend: Vec<LegendItem>,
    /// The numbers.
    table: ChartTable,
) -> impl IntoView {
    let legend = (!legend.is_empty()).then(|| {
        let items = legend.into_iter().map(entry).collect_view();
        view! { <div class="legend">{items}</div> }
    });
    view! {
        <figure class="chart">
            <div class="drawing" inner_html=svg></div>
            {legend}
            <figcaption class="sr">{caption}</figcaption>
            <details class="data">
                <summary>"Show as a table"</summary>
                {numbers(table)}
            </details>
        </figure>
    }
}

fn entry(item: LegendItem) -> AnyView {
    let inside = view! { <span class=format!("sw {}", item.swatch)></span>{item.text}" "<b>{item.count}</b> };
    match item.href {
        Some(href) => view! { <a href=href>{inside}</a> }.into_any(),
        None => view! { <span>{inside}</span> }.into_any(),
    }
}

fn numbers(table: ChartTable) -> impl IntoView {
    let head = table.head.into_iter().enumerate().map(|(i, text)| view! { <th scope="col" class=(i > 0).then_some("num")>{text}</th> }).collect_view();
    let rows = table
        .rows
        .into_iter()
        .map(|(label, href, cells)| {
            let label = match href {
                Some(href) => view! { <a href=href>{label}</a> }.into_any(),
                None => label.into_any(),
            };
            let cells = cells.into_iter().map(|c| view! { <td class="num">{c}</td> }).collect_view();
            view! { <tr><th scope="row">{label}</th>{cells}</tr> }
        })
        .collect_view();
    view! { <table class="table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table> }
}
