//! Fields, choices, chips, filters.

use leptos::prelude::*;

use super::group;
use crate::components::chips::ChipInput;
use crate::components::fields::{NumberField, SelectField, TextAreaField, TextField};
use crate::components::filter_bar::{Facet, FilterBar, SearchField};
use crate::components::segmented::{Choice, Segmented, SegmentedLinks, TabLinks, TabPanel, Tabs};
use crate::components::switches::{CheckBox, Radio, Switch};

fn options(words: &[&str]) -> Vec<(String, String)> {
    words.iter().map(|w| (w.to_lowercase(), (*w).to_owned())).collect()
}

pub(super) fn section() -> impl IntoView {
    let text = view! {
        <div class="form-grid">
            <TextField id="i1" label="Name" value="Welcome mail" class="s4"/>
            <TextField id="i2" label="URL" mono=true value="htp://crm.example" error="Begin with https://" class="s4"/>
            <TextField id="i3" label="Owner" disabled=true value="Ida Lind" class="s4"/>
            <TextField id="i4" label="Field" mono=true value="data.order.totl" warning="Not in any of the last 200 events. Did you mean data.order.total?" class="s6"/>
            <NumberField id="i5" label="Timeout" value="30" unit="s" hint="Bounds one attempt." class="s3"/>
            <SelectField id="i6" label="Priority" options=options(&["Critical", "High", "Normal", "Low"]) value="normal" class="s3"/>
            <TextAreaField id="i7" label="Body" mono=true rows=3 value="{\n  \"note\": \"</textarea> stays text\"\n}" hint="JSON" class="s12"/>
        </div>
    };
    let chosen = RwSignal::new("any".to_owned());
    let segmented = view! {
        <div class="row row-wrap">
            <Segmented label="Match" options=options(&["All", "Any", "None"]) value=chosen on_select=move |word| chosen.set(word) small=true/>
            <SegmentedLinks label="Range" choices=vec![Choice::new("1 h", "?range=1h", false), Choice::new("24 h", "?range=24h", true)]/>
        </div>
    };
    let shown = RwSignal::new(0_usize);
    let tabs = view! {
        <div class="stack-8">
            <Tabs id="gt" label="Attempt 3" tabs=vec!["Response".to_owned(), "Request".to_owned()] selected=shown/>
            <TabPanel id="gt" n=0 selected=shown>"503 Service Unavailable"</TabPanel>
            <TabPanel id="gt" n=1 selected=shown>"PUT"</TabPanel>
            <TabLinks label="Action" choices=vec![Choice { count: Some("12".to_owned()), ..Choice::new("Executions", "?tab=executions", true) }, Choice::new("Versions", "?tab=versions", false)]/>
        </div>
    };
    let values = RwSignal::new(vec!["SE".to_owned(), "NO".to_owned(), "FI".to_owned()]);
    let choices = view! {
        <div class="row row-wrap">
            <CheckBox label="Verify the certificate" checked=true/>
            <Radio label="Original version" name="rr" value="original" checked=true/>
            <Radio label="Current version" name="rr" value="current"/>
            <Switch label="On" checked=true/>
            <Switch label="Off"/>
        </div>
    };
    let filters = view! {
        <FilterBar label="Filter executions" action="/components" clear=Some("/components".to_owned())>
            <SearchField label="Search executions" placeholder="Id or payload"/>
            <Facet label="Status" name="status" options=options(&["Failed", "Retrying"]) value="failed"/>
            <Facet label="Handler" name="handler" options=options(&["Webhook", "Email"])/>
        </FilterBar>
    };
    group(
        "k-inputs",
        "Inputs",
        vec![
            ("Fields", text.into_any()),
            ("Segmented", segmented.into_any()),
            ("Tabs", tabs.into_any()),
            ("Chips", view! { <div style="max-width:360px"><ChipInput id="i8" label="Countries" values=values on_change=move |all| values.set(all)/></div> }.into_any()),
            ("Choices", choices.into_any()),
            ("Filter bar", filters.into_any()),
        ],
    )
}
