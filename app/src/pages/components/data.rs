//! Tables, JSON, differences, tiles, charts, timelines.

use event_actions::charts::{self, Axis};
use event_actions::matching::Gate;
use event_actions::model::Timestamp;
use event_actions::model::execution::Status;
use event_actions::model::stats::{Point, Stats};
use leptos::prelude::*;
use serde_json::json;

use super::group;
use crate::components::chart_figure::{ChartFigure, ChartTable, LegendItem};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::diff::{Diff, diff_json};
use crate::components::feedback::{Meter, Skeleton};
use crate::components::format::DASH;
use crate::components::gate_row::{GateStripSmall, Stop};
use crate::components::icon;
use crate::components::json_view::{JsonView, TextView};
use crate::components::page_head::{Fact, Facts};
use crate::components::pagination::Pagination;
use crate::components::stat_tile::{Figure, StatTile, Tiles};
use crate::components::status_badge::{StatusBadge, Tone};
use crate::components::time::{Time, TimeStyle, Zone};
use crate::components::timeline::{Lineage, LineageItem, Timeline, TimelineItem, TimelineWait};

const NOW: Timestamp = Timestamp(1_795_444_328_418);

fn table() -> impl IntoView {
    let rows = [
        ("Send order to warehouse", Status::Running, None, DASH),
        ("Receipt mail", Status::Failed, Some(Gate::Rendering), "3 ms"),
        ("Score fraud risk", Status::Succeeded, None, "41 ms"),
    ]
    .map(|(name, status, at, took)| {
        view! {
            <tr>
                <Cell label="Status"><StatusBadge status=status/></Cell>
                <th scope="row" class="full">{name}</th>
                <Cell class="full"><GateStripSmall of=Stop { at, waits: false }/></Cell>
                <Cell label="Duration" class="num">{took}</Cell>
                <Cell label="Began" class="num"><Time at=NOW.plus_ms(-16_000) now=NOW style=TimeStyle::Ago/></Cell>
            </tr>
        }
    })
    .into_iter()
    .collect_view();
    let columns =
        vec![Column::new("Status"), Column::new("Action").sort("?sort=name", Some("ascending")), Column::silent("Gates"), Column::number("Duration"), Column::number("Began")];
    view! {
        <div class="panel">
            <DataTable caption="Three executions" columns=columns><tbody>{rows}</tbody></DataTable>
            <Pagination text="1 to 50 of 1,284" older=Some("?cursor=x".to_owned())/>
        </div>
    }
}

fn chart() -> impl IntoView {
    let series: Vec<Point> = (0..48_i64)
        .map(|i| Point {
            at: NOW.plus_ms((i - 48) * 1_800_000),
            by_status: [(Status::Succeeded, 600 + (i * 37) % 500), (Status::Retrying, i % 4 * 12), (Status::Failed, i % 7 * 9), (Status::DeadLetter, i / 44)].into_iter().collect(),
            p50_ms: Some(70.0),
            p95_ms: Some(280.0 + (i % 9) as f64 * 12.0),
            p99_ms: Some(600.0 + (i % 5) as f64 * 60.0),
        })
        .collect();
    let stats = Stats { series, ..Stats::default() };
    let label = |at| Zone::UTC.minute(at);
    let axis = Axis { label: &label, link: &|_, _| Some("#k-data".to_owned()), step_ms: 1_800_000 };
    let legend = vec![LegendItem { swatch: "sw-ok", text: "Succeeded".to_owned(), count: "41,291".to_owned(), href: Some("#k-data".to_owned()) }];
    let table = ChartTable { head: vec!["From (UTC)".to_owned(), "Succeeded".to_owned()], rows: vec![("10:30".to_owned(), None, vec!["1,617".to_owned()])] };
    view! {
        <div class="cols cols-11">
            <ChartFigure svg=charts::bars(&stats, &axis) caption="Executions per half hour." legend=legend table=table.clone()/>
            <ChartFigure svg=charts::lines(&stats, &axis) caption="Durations." table=table/>
        </div>
    }
}

fn tiles() -> impl IntoView {
    let figure = |value: &str, unit: &'static str, note: &str, tone: Tone| Figure {
        value: value.to_owned(),
        unit,
        note: note.to_owned(),
        tone,
        icon: (tone == Tone::Warn).then_some(icon::DOWN),
    };
    let spark = charts::spark_line(&[Some(3.0), Some(4.0), Some(2.0), Some(5.0), Some(5.5)]);
    view! {
        <Tiles label="Samples">
            <StatTile label="Success rate" figure=figure("99.0", "%", "0.4 points", Tone::Warn) spark=spark/>
            <StatTile label="Executions" figure=figure(DASH, "", "none in this range", Tone::Idle)/>
            <StatTile label="p95 duration" figure=figure("283", "ms", "median 70 ms", Tone::Idle) href=Some("#k-data".to_owned())/>
        </Tiles>
    }
}

fn timeline() -> impl IntoView {
    view! {
        <Timeline>
            <TimelineItem tone=Tone::Bad icon=icon::CROSS name="Attempt 1" outcome="503 Service Unavailable" figure="812 ms" current=true href=Some("#k-data".to_owned())>"Retryable, node b."</TimelineItem>
            <TimelineWait text="Waited 9.4 s" why="10 s − 6 % jitter"/>
            <TimelineItem tone=Tone::Queue icon=icon::CLOCK name="Attempt 2, the last" figure="14:33:46">"Then dead letter."</TimelineItem>
        </Timeline>
    }
}

pub(super) fn section() -> impl IntoView {
    let document = json!({"order": {"number": "SO-48213", "total": 249.0, "paid": true, "coupon": null, "tags": [], "note": "</span><script>"}, "email": "[redacted]"});
    let lines = diff_json(&json!({"field": "data.zone", "operator": "equals", "value": 20}), &json!({"field": "data.zone", "operator": "equals", "value": "20"}));
    let lineage = view! {
        <Lineage>
            <LineageItem depth=0 icon=icon::EVENT><code>"order.paid"</code></LineageItem>
            <LineageItem depth=1 icon=icon::EXECUTION here=true><strong>"Send order"</strong><StatusBadge status=Status::Succeeded/></LineageItem>
        </Lineage>
    };
    let facts = view! { <Facts><Fact label="Mode">"queued, normal"</Fact><Fact label="Received"><Time at=NOW style=TimeStyle::Exact/></Fact></Facts> };
    let progress = view! { <Meter label="812 succeeded, 31 failed, 44 skipped of 1,284" total=1284 parts=vec![("", 812), ("bad", 31), ("skip", 44)]/> };
    group(
        "k-data",
        "Data",
        vec![
            ("Table, cards on the phone", table().into_any()),
            ("Facts", facts.into_any()),
            ("JSON", view! { <JsonView value=document hits=vec!["/order/total".to_owned()]/> }.into_any()),
            ("Text", view! { <TextView text="curl -X POST https://example.com \\\n  -H 'content-type: application/json'" plain=true/> }.into_any()),
            ("Difference", view! { <Diff lines=lines/> }.into_any()),
            ("Stat tiles", tiles().into_any()),
            ("Charts", chart().into_any()),
            ("Timeline", timeline().into_any()),
            ("Lineage", lineage.into_any()),
            ("Progress, skeleton", view! { <div class="stack-8">{progress}<Skeleton width="60%"/></div> }.into_any()),
        ],
    )
}
