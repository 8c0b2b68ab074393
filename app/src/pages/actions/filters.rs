//! What the list of actions is filtered by. All of it lives in the URL.

use event_actions::engine::Caller;
use event_actions::model::action::{ActionFilter, ExecutionMode, Priority};
use leptos::prelude::*;

use crate::components::filter_bar::{Facet, FilterBar, SearchField};
use crate::components::segmented::{Choice, SegmentedLinks};
use crate::pages::admin::address;

/// The filters of one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Part of a name or description.
    pub search: String,
    /// `active`, `disabled`, `degraded`, or empty.
    pub status: String,
    /// A handler type.
    pub handler: String,
    /// An event type that must be covered.
    pub event_type: String,
    /// A priority's word.
    pub priority: String,
    /// A mode's word.
    pub mode: String,
    /// A label.
    pub tag: String,
    /// `all` for the actions of every tenant; platform administrators alone.
    pub scope: String,
    /// Which page.
    pub cursor: Option<String>,
}

impl Asked {
    /// Reads the URL.
    #[must_use]
    pub fn of(query: impl Fn(&str) -> String) -> Self {
        let word = |name: &str| query(name).trim().to_owned();
        Self {
            search: word("q"),
            status: word("status"),
            handler: word("handler_type"),
            event_type: word("event_type"),
            priority: word("priority"),
            mode: word("execution_mode"),
            tag: word("tag"),
            scope: word("scope"),
            cursor: Some(word("cursor")).filter(|c| !c.is_empty()),
        }
    }

    fn pairs(&self) -> [(&'static str, &str); 9] {
        [
            ("q", &self.search),
            ("status", &self.status),
            ("handler_type", &self.handler),
            ("event_type", &self.event_type),
            ("priority", &self.priority),
            ("execution_mode", &self.mode),
            ("tag", &self.tag),
            ("scope", &self.scope),
            ("cursor", self.cursor.as_deref().unwrap_or_default()),
        ]
    }

    /// Whether anything is filtered.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.pairs().iter().any(|(name, value)| !value.is_empty() && !matches!(*name, "cursor" | "scope"))
    }

    /// The same list with one thing changed.
    #[must_use]
    pub fn href(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut other = self.clone();
        change(&mut other);
        address("/actions", &other.pairs())
    }

    /// The caller whose actions are listed: a platform administrator who asks for all looks at no tenant in particular.
    #[must_use]
    pub fn caller(&self, caller: &Caller) -> Caller {
        let everywhere = caller.is_platform && self.scope == "all";
        Caller { tenant_id: caller.tenant_id.clone().filter(|_| !everywhere), ..caller.clone() }
    }

    /// The filter for the engine. Words that are none count as not given: a URL by hand still shows a list.
    #[must_use]
    pub fn filter(&self) -> ActionFilter {
        let given = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        ActionFilter {
            status: given(&self.status).filter(|s| ["active", "disabled", "degraded"].contains(&s.as_str())),
            handler_type: given(&self.handler),
            event_type: given(&self.event_type),
            priority: Priority::ALL.into_iter().find(|p| p.name() == self.priority),
            execution_mode: ExecutionMode::ALL.into_iter().find(|m| m.name() == self.mode),
            tag: given(&self.tag),
            search: given(&self.search),
            tenant_id: None,
        }
    }

    /// What hides everything, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let set = self
            .pairs()
            .iter()
            .filter(|(n, v)| !v.is_empty() && !matches!(*n, "cursor" | "scope"))
            .map(|(n, v)| format!("{}: {v}", if *n == "q" { "search" } else { n }.replace('_', " ")))
            .collect::<Vec<_>>()
            .join(", ");
        format!("No action has all of these: {set}.")
    }
}

fn words<'a>(all: impl IntoIterator<Item = &'a str>) -> Vec<(String, String)> {
    all.into_iter().map(|w| (w.to_owned(), w.to_owned())).collect()
}

/// The bar above the list.
#[component]
pub fn Bar(
    /// What is filtered by now.
    asked: Asked,
    /// Handler types and their names.
    handlers: Vec<(String, String)>,
    /// How many need attention.
    attention: u64,
    /// How many are switched off.
    off: u64,
    /// How many are listed.
    total: u64,
    /// Whether other tenants' actions can be asked for.
    is_platform: bool,
) -> impl IntoView {
    let choice = |text: &str, status: &str, n: Option<u64>| Choice {
        text: text.to_owned(),
        href: asked.href(|a| {
            status.clone_into(&mut a.status);
            a.cursor = None;
        }),
        current: asked.status == status,
        count: n.map(|n| n.to_string()),
    };
    let choices = vec![choice("All", "", asked.status.is_empty().then_some(total)), choice("Need attention", "degraded", Some(attention)), choice("Off", "disabled", Some(off))];
    let clear = asked.is_any().then(|| "/actions".to_owned());
    let hidden = [("status", asked.status.clone()), ("tag", asked.tag.clone())]
        .into_iter()
        .filter(|(_, v)| !v.is_empty())
        .map(|(n, v)| view! { <input type="hidden" name=n value=v/> })
        .collect_view();
    let scope = is_platform.then(|| view! { <Facet label="Tenant" name="scope" options=vec![("all".to_owned(), "all tenants".to_owned())] value=asked.scope.clone()/> });
    view! {
        <div class="filters">
            <SegmentedLinks label="Show" choices=choices/>
            <FilterBar label="Filter actions" action="/actions" clear=clear>
                <SearchField label="Name or description" placeholder="Name or description" value=asked.search.clone()/>
                <SearchField label="Event type" name="event_type" placeholder="Event type" value=asked.event_type.clone()/>
                <Facet label="Handler" name="handler_type" options=handlers value=asked.handler.clone()/>
                <Facet label="Priority" name="priority" options=words(Priority::ALL.map(Priority::name)) value=asked.priority.clone()/>
                <Facet label="Mode" name="execution_mode" options=words(ExecutionMode::ALL.map(ExecutionMode::name)) value=asked.mode.clone()/>
                {scope}
                {hidden}
            </FilterBar>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_other_filters() {
        let asked = Asked::of(|name| match name {
            "q" => "a b".to_owned(),
            "cursor" => "x".to_owned(),
            _ => String::new(),
        });
        assert_eq!(
            asked.href(|a| {
                a.status = "degraded".into();
                a.cursor = None;
            }),
            "/actions?q=a%20b&status=degraded"
        );
        assert_eq!(Asked::default().href(|_| {}), "/actions");
        assert!(asked.is_any() && !Asked { cursor: Some("x".into()), ..Asked::default() }.is_any());
    }
}
