//! The data table: rows of 36 px that become cards on the phone. Cells carry their column's word for the card in `data-label`.

use leptos::prelude::*;

use super::icon::{self, Icon};

/// A column's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// The word; read out alone when `hidden`.
    pub text: String,
    /// Whether the word is only read out, such as over a column of buttons.
    pub hidden: bool,
    /// Classes such as `num` or `hide-m`.
    pub class: &'static str,
    /// Where a click on the head leads, to sort by it.
    pub sort_href: Option<String>,
    /// `ascending` or `descending` when the table is sorted by it.
    pub sorted: Option<&'static str>,
    /// A fixed width, such as `120px`.
    pub width: Option<&'static str>,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A column of numbers, aligned right.
    #[must_use]
    pub fn number(text: impl Into<String>) -> Self {
        Self { class: "num", ..Self::new(text) }
    }

    /// A column whose head is only read out.
    #[must_use]
    pub fn silent(text: impl Into<String>) -> Self {
        Self { hidden: true, ..Self::new(text) }
    }

    /// With these classes.
    #[must_use]
    pub const fn class(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    /// With a fixed width; the table must be `fixed`.
    #[must_use]
    pub const fn width(mut self, width: &'static str) -> Self {
        self.width = Some(width);
        self
    }

    /// Sortable through a link.
    #[must_use]
    pub fn sort(mut self, href: impl Into<String>, sorted: Option<&'static str>) -> Self {
        self.sort_href = Some(href.into());
        self.sorted = sorted;
        self
    }
}

fn head(column: Column) -> impl IntoView {
    let word = match (column.sort_href, column.hidden) {
        (Some(href), _) => {
            let mark = column.sorted.map(|way| view! { <span class=if way == "ascending" { "flip" } else { "" }><Icon of=icon::CHEVRON size=14/></span> });
            view! { <a class="sort" href=href>{column.text}{mark}</a> }.into_any()
        }
        (None, true) => view! { <span class="sr">{column.text}</span> }.into_any(),
        (None, false) => column.text.into_any(),
    };
    view! { <th scope="col" class=column.class aria-sort=column.sorted>{word}</th> }
}

/// A table. Its rows are `<tr>` with a `<th scope="row" class="full">` for the name and [`Cell`]s, in one `<tbody>` or several.
#[component]
pub fn DataTable(
    /// What the table holds, for those who cannot see it.
    #[prop(into)]
    caption: String,
    /// The heads.
    columns: Vec<Column>,
    /// Whether widths are those of the columns.
    #[prop(optional)]
    fixed: bool,
    /// The bodies: `<tbody>...</tbody>`.
    children: Children,
) -> impl IntoView {
    let widths = columns.iter().any(|c| c.width.is_some()).then(|| {
        let cols = columns.iter().map(|c| view! { <col class=c.class style=c.width.map(|w| format!("width:{w}"))/> }).collect_view();
        view! { <colgroup>{cols}</colgroup> }
    });
    let heads = columns.into_iter().map(head).collect_view();
    view! {
        <table class=if fixed { "table table-fixed cards" } else { "table cards" }>
            <caption class="sr">{caption}</caption>
            {widths}
            <thead><tr>{heads}</tr></thead>
            {children()}
        </table>
    }
}

/// A cell with its column's word, which the phone shows above it.
#[component]
pub fn Cell(
    /// The column's word; empty for none.
    #[prop(optional)]
    label: &'static str,
    /// Classes such as `num`, `full`, `hide-m`.
    #[prop(optional)]
    class: &'static str,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    view! { <td class=class data-label=(!label.is_empty()).then_some(label)>{children()}</td> }
}

/// A value with a muted line beneath it.
#[component]
pub fn WithReason(
    /// The line beneath.
    #[prop(into)]
    reason: String,
    /// The value.
    children: Children,
) -> impl IntoView {
    view! { {children()} <div class="sub">{reason}</div> }
}
