//! The mailbox: mails that were written while no mail server is configured, to be read here or downloaded.

use event_actions::model::Timestamp;
use event_actions::model::mail::{MailContent, MailFilter, OutboxMail};
use event_actions::model::page::Page;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::admin::{address, foot, page_asked};
use super::{PageTitle, asked, page};
use crate::components::button::ButtonLink;
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::{Empty, FilteredToEmpty};
use crate::components::filter_bar::{FilterBar, SearchField};
use crate::components::format::short_id;
use crate::components::icon;
use crate::components::json_view::TextView;
use crate::components::page_head::{PageHead, Panel};
use crate::components::time::{Time, TimeStyle};
use crate::session::encode;
use crate::shell::{link, query};

/// Recipients named in the list; the others are counted.
const NAMED: usize = 2;

/// The list.
#[component]
pub fn Mailbox() -> impl IntoView {
    let (request, search, execution) = (page_asked(), query("q").trim().to_owned(), query("execution_id"));
    page(async move {
        let (engine, caller) = asked()?;
        let given = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        let filter = MailFilter { execution_id: given(&execution), search: given(&search), tenant_id: None };
        let list = engine.list_mails(&caller, filter, request).await?;
        let is_any = !search.is_empty() || !execution.is_empty();
        let shows_tenant = caller.is_platform && caller.tenant_id.is_none();
        let clear = is_any.then(|| "/mailbox".to_owned());
        let list = table(list, is_any, shows_tenant, &[("q", &search), ("execution_id", &execution)]);
        Ok(view! {
            <PageTitle text="Mailbox"/>
            <PageHead title="Mailbox" lede="Without a mail server, mails are kept here instead of being sent."/>
            <FilterBar label="Filter mails" action="/mailbox" clear=clear>
                <SearchField label="Subject, sender or recipient" value=search.clone() placeholder="Subject, sender or recipient"/>
            </FilterBar>
            {list}
        })
    })
}

/// The first recipients, and how many more there are.
fn recipients(all: &[String]) -> String {
    let named = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > NAMED { format!("{named} and {} more", all.len() - NAMED) } else { named }
}

/// A subject, which may be empty.
fn subject(mail: &OutboxMail) -> String {
    if mail.subject.trim().is_empty() { "(no subject)".to_owned() } else { mail.subject.clone() }
}

fn table(list: Page<OutboxMail>, is_any: bool, shows_tenant: bool, pairs: &[(&str, &str)]) -> impl IntoView + use<> {
    if list.items.is_empty() {
        return match is_any {
            true => view! { <section class="panel"><FilteredToEmpty text="No mail fits." clear="/mailbox"/></section> }.into_any(),
            false => view! { <section class="panel"><Empty icon=icon::MAIL title="No mails" text="Mails appear here when an action writes one and no mail server is configured."/></section> }.into_any(),
        };
    }
    let now = Timestamp::now();
    let below = foot(&list, ("mail", "mails"), "/mailbox", pairs);
    let rows = list
        .items
        .into_iter()
        .map(|mail| {
            let subject = subject(&mail);
            let tenant = shows_tenant.then(|| view! { <Cell label="Tenant">{mail.tenant_id.clone()}</Cell> });
            view! {
                <tr>
                    <th scope="row" class="full"><a class="brk" href=format!("/mailbox/{}", encode(&mail.id))>{subject}</a></th>
                    <Cell label="To" class="brk">{recipients(&mail.recipients)}</Cell>
                    <Cell label="From" class="brk muted">{mail.from.clone()}</Cell>
                    {tenant}
                    <Cell label="Written" class="num muted"><Time at=mail.created_at now=now style=TimeStyle::Clock/></Cell>
                </tr>
            }
        })
        .collect_view();
    let mut columns = vec![Column::new("Subject"), Column::new("To"), Column::new("From")];
    if shows_tenant {
        columns.push(Column::new("Tenant"));
    }
    columns.push(Column::number("Written"));
    view! {
        <section class="panel" aria-label="Mails">
            <DataTable caption="Mails, the latest first" columns=columns><tbody>{rows}</tbody></DataTable>
            {below}
        </section>
    }
    .into_any()
}

/// One mail.
#[component]
pub fn MailPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    page(async move {
        let (engine, caller) = asked()?;
        let content = engine.get_mail(&caller, &id).await?;
        Ok(one(content))
    })
}

fn one(content: MailContent) -> impl IntoView {
    let MailContent { mail, text, html } = content;
    let download = format!("/api/v1/mailbox/{}/raw", encode(&mail.id));
    let execution = link(&format!("/executions/{}", mail.execution_id))
        .filter(|_| mail.execution_id != mail.id)
        .map(|href| view! { <dt>"Execution"</dt><dd><a href=href>{mail.execution_id.clone()}</a></dd> });
    let others = address("/mailbox", &[("execution_id", &mail.execution_id)]);
    let nothing =
        (html.is_none() && text.is_none()).then(|| view! { <p class="muted t13">"This mail has neither text nor HTML that can be shown. Download it to see all of it."</p> });
    let html = html.map(|html| {
        view! { <Panel id="html-h" title="As HTML"><iframe class="mail-frame" sandbox="" title="The mail as HTML" srcdoc=html></iframe></Panel> }
    });
    let text = text.map(|text| view! { <Panel id="text-h" title="As text"><TextView text=text plain=true/></Panel> });
    let (name, file) = (subject(&mail), format!("{}.eml", mail.id));
    let crumbs = vec![("Mailbox".to_owned(), "/mailbox".to_owned()), (short_id(&mail.id).to_owned(), String::new())];
    view! {
        <PageTitle text=name.clone()/>
        <PageHead title=name crumbs=crumbs>
            <ButtonLink href=download icon=icon::DOWNLOAD attr:download=file>"Download .eml"</ButtonLink>
        </PageHead>
        <div class="cols cols-12 cols-m1">
        <div class="stack">
        <Panel id="envelope-h" title="Envelope">
                <dl class="kv">
                    <dt>"From"</dt><dd>{mail.from.clone()}</dd>
                    <dt>"To"</dt><dd>{mail.recipients.join(", ")}</dd>
                    <dt>"Written"</dt><dd><Time at=mail.created_at style=TimeStyle::Exact/></dd>
                    <dt>"Tenant"</dt><dd>{mail.tenant_id.clone()}</dd>
                    {execution}
                    <dt>"Id"</dt><dd><code>{mail.id.clone()}</code></dd>
                    <dt>"Others"</dt><dd><a href=others>"All mails of this execution"</a></dd>
                </dl>
        </Panel>
        {text}
        </div>
        {nothing}
        {html}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::recipients;

    #[test]
    fn many_recipients_are_counted() {
        let all = ["a@example.com", "b@example.com", "c@example.com"].map(str::to_owned);
        assert_eq!(recipients(&all), "a@example.com, b@example.com and 1 more");
        assert_eq!(recipients(&all[..1]), "a@example.com");
    }
}
