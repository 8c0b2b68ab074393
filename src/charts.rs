//! Charts as SVG for the console, drawn on the server by charts-rs, coloured by the console's classes. Each comes wide and narrow, so that text keeps its size.

use std::fmt::Write as _;

use charts_rs::{Align, BarChart, ChartBase, Color, LineChart, Series, Symbol, YAxisConfig};

use crate::model::Timestamp;
use crate::model::execution::Status;
use crate::model::stats::{Point, Stats};
use svg::{Paint, escape, shapes};

mod svg;

/// The library draws at this many times the size, so that its fixed gaps between bars become thin.
const SCALE: f32 = 5.0;
const GRID: &str = "#000001";
const LABELS: &str = "#000002";
const TOP: f32 = 10.0;

/// The statuses that a bar is made of, from the bottom up, each with its paint.
const STACK: [(Status, Paint); 4] = [
    (Status::Succeeded, Paint { colour: "#000010", class: "f-ok" }),
    (Status::Retrying, Paint { colour: "#000011", class: "f-warn" }),
    (Status::Failed, Paint { colour: "#000012", class: "f-bad" }),
    (Status::DeadLetter, Paint { colour: "#000013", class: "f-dead" }),
];

/// The percentiles: name, paint, class of its label.
const LINES: [(&str, Paint, &str); 3] = [
    ("p99", Paint { colour: "#000020", class: "l l-3" }, "tl-3"),
    ("p95", Paint { colour: "#000021", class: "l l-2" }, "tl-2"),
    ("p50", Paint { colour: "#000022", class: "l l-1" }, "tl-1"),
];

/// How the time axis reads and where a bar leads.
pub struct Axis<'a> {
    /// The words for an instant, such as `14:30`.
    pub label: &'a dyn Fn(Timestamp) -> String,
    /// The page behind the interval from the first instant to the second, if there is one.
    pub link: &'a dyn Fn(Timestamp, Timestamp) -> Option<String>,
    /// The length of one point in milliseconds.
    pub step_ms: i64,
}

#[derive(Clone, Copy)]
struct Size {
    class: &'static str,
    width: f32,
    height: f32,
    left: f32,
    right: f32,
}

impl Size {
    const fn plot_width(self) -> f32 {
        self.width - self.left - self.right
    }

    const fn plot_height(self) -> f32 {
        self.height - TOP - 20.0
    }

    const fn bottom(self) -> f32 {
        self.height - 20.0
    }
}

/// Executions by status as stacked bars: what succeeded, then what is retried, what failed and what became a dead letter.
///
/// Two drawings of the series of `stats`; each bar links to its interval and names its numbers.
#[must_use]
pub fn bars(stats: &Stats, axis: &Axis<'_>) -> String {
    let wide = Size { class: "wide", width: 690.0, height: 224.0, left: 36.0, right: 4.0 };
    let narrow = Size { class: "narrow", width: 343.0, height: 200.0, ..wide };
    let together = stats.series.len().div_ceil(24).max(1);
    format!("{}{}", bar_drawing(&stats.series, 1, wide, axis), bar_drawing(&stats.series, together, narrow, axis))
}

fn bar_drawing(series: &[Point], together: usize, size: Size, axis: &Axis<'_>) -> String {
    let groups: Vec<[i64; 4]> = series.chunks(together).map(|points| STACK.map(|(status, _)| points.iter().filter_map(|p| p.by_status.get(&status)).sum())).collect();
    let top = ceiling(groups.iter().map(|g| g.iter().sum::<i64>()).max().unwrap_or(0) as f64);
    // However rare, a status that occurs is seen: at least 1.5 px.
    let least = top * 1.5 / f64::from(size.plot_height());
    let stacked = STACK.iter().enumerate().map(|(i, (status, _))| {
        let data: Vec<f32> = groups.iter().map(|g| if g[i] == 0 { 0.0 } else { (g[i] as f64).max(least) as f32 }).collect();
        Series { stack: Some("all".to_owned()), ..Series::from((status.name(), data)) }
    });
    let mut chart = BarChart::new(stacked.collect(), vec![String::new(); groups.len()]);
    frame(&mut chart.base, size, STACK.iter().map(|(_, p)| *p));
    chart.y_axis_configs = vec![value_axis(size, top, "{t}")];
    let paints = STACK.map(|(_, paint)| paint);
    let drawn = chart.svg().unwrap_or_default();
    let band = size.plot_width() / groups.len().max(1) as f32;
    let starts: Vec<Timestamp> = series.chunks(together).filter_map(|p| p.first()).map(|p| p.at).collect();
    let mut out = open(size, &drawn, &paints);
    for (i, (at, group)) in starts.iter().zip(&groups).enumerate() {
        let until = at.plus_ms(axis.step_ms * together as i64);
        let title = format!("{}: {} succeeded, {} retrying, {} failed, {} dead letter", (axis.label)(*at), group[0], group[1], group[2], group[3]);
        let area = format!(
            "<title>{}</title><rect class=\"hit\" x=\"{:.1}\" y=\"{TOP}\" width=\"{band:.1}\" height=\"{}\"/>",
            escape(&title),
            size.left + band * i as f32,
            size.plot_height()
        );
        let _ = match (axis.link)(*at, until) {
            Some(href) => write!(out, "<a href=\"{}\" tabindex=\"-1\">{area}</a>", escape(&href)),
            None => write!(out, "<g>{area}</g>"),
        };
    }
    time_labels(&mut out, size, &starts, band, axis);
    out.push_str("</svg>");
    out
}

/// Durations over time: the median, the 95th and the 99th percentile, labelled at their ends. Intervals without executions leave gaps.
#[must_use]
pub fn lines(stats: &Stats, axis: &Axis<'_>) -> String {
    let wide = Size { class: "wide", width: 490.0, height: 190.0, left: 56.0, right: 34.0 };
    let narrow = Size { class: "narrow", width: 343.0, height: 180.0, ..wide };
    format!("{}{}", line_drawing(&stats.series, wide, axis), line_drawing(&stats.series, narrow, axis))
}

fn line_drawing(series: &[Point], size: Size, axis: &Axis<'_>) -> String {
    let values = |name: &str| -> Vec<Option<f64>> {
        series
            .iter()
            .map(|p| match name {
                "p99" => p.p99_ms,
                "p95" => p.p95_ms,
                _ => p.p50_ms,
            })
            .collect()
    };
    let top = ceiling(values("p99").into_iter().flatten().fold(0.0, f64::max));
    let drawn_series = LINES.iter().map(|(name, _, _)| Series::from((*name, values(name).into_iter().map(|v| v.map(|v| v as f32)).collect::<Vec<_>>())));
    let mut chart = LineChart::new(drawn_series.collect(), vec![String::new(); series.len()]);
    frame(&mut chart.base, size, LINES.iter().map(|(_, p, _)| *p));
    chart.y_axis_configs = vec![value_axis(size, top, "{t} ms")];
    let paints = LINES.map(|(_, paint, _)| paint);
    let drawn = chart.svg().unwrap_or_default();
    let mut out = open(size, &drawn, &paints);
    let mut lowest = f32::MIN;
    let band = size.plot_width() / series.len().max(1) as f32;
    for (name, paint, class) in LINES {
        let all = values(name);
        // A value between two gaps has no line to be seen by: it becomes a dot.
        for (i, value) in all.iter().enumerate() {
            let alone = (i == 0 || all[i - 1].is_none()) && all.get(i + 1).is_none_or(Option::is_none);
            if let Some(v) = value.filter(|_| alone) {
                let (x, y) = (size.left + band * (i as f32 + 0.5), size.bottom() - size.plot_height() * (v / top) as f32);
                let _ = write!(out, "<path class=\"dot {}\" d=\"M{x:.1} {y:.1}h.01\"/>", paint.class);
            }
        }
        if let Some(last) = all.into_iter().flatten().last() {
            let y = (size.bottom() - size.plot_height() * (last / top) as f32 + 4.0).max(lowest + 12.0);
            lowest = y;
            let _ = write!(out, "<text class=\"lbl {class}\" x=\"{}\" y=\"{y:.1}\">{name}</text>", size.width - size.right + 6.0);
        }
    }
    let starts: Vec<Timestamp> = series.iter().map(|p| p.at).collect();
    time_labels(&mut out, size, &starts, band, axis);
    out.push_str("</svg>");
    out
}

/// The least 1, 2, 2.5 or 5 times a power of ten, times four, that is not below `most`: the top of an axis in four steps.
fn ceiling(most: f64) -> f64 {
    let step = (most / 4.0).max(1.0);
    let power = 10_f64.powf(step.log10().floor());
    let nice = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|n| n * power).find(|n| *n >= step * 0.999 && n.fract() == 0.0);
    nice.unwrap_or(10.0 * power) * 4.0
}

fn frame(base: &mut ChartBase, size: Size, paints: impl Iterator<Item = Paint>) {
    base.width = size.width * SCALE;
    base.height = size.height * SCALE;
    base.margin = charts_rs::Box { left: 0.0, top: TOP * SCALE, right: size.right * SCALE, bottom: 20.0 * SCALE };
    base.legend.show = Some(false);
    base.x_axis.hidden = true;
    base.x_axis.boundary_gap = Some(true);
    base.grid.stroke_color = Color::from(GRID);
    base.grid.stroke_width = 1.0;
    base.series.colors = paints.map(|p| Color::from(p.colour)).collect();
    base.series.symbol = Some(Symbol::None);
    base.series.smooth = false;
}

fn value_axis(size: Size, top: f64, format: &str) -> YAxisConfig {
    let mut axis = YAxisConfig {
        width: Some(size.left * SCALE),
        split_number: 4,
        min: Some(0.0),
        max: Some(top as f32),
        name_align: Some(Align::Left),
        formatter: Some(format.to_owned()),
        ..YAxisConfig::default()
    };
    axis.font.size = 11.0 * SCALE;
    axis.font.color = Color::from(LABELS);
    axis
}

fn open(size: Size, drawn: &str, paints: &[Paint]) -> String {
    let mut all = vec![Paint { colour: GRID, class: "grid" }, Paint { colour: LABELS, class: "y" }];
    all.extend_from_slice(paints);
    let body = shapes(drawn, &all, LABELS, (size.left - 6.0) * SCALE);
    format!(
        "<svg class=\"{}\" viewBox=\"0 0 {} {}\" aria-hidden=\"true\" focusable=\"false\"><g class=\"x5\" transform=\"scale({})\">{body}</g><path class=\"axis\" d=\"M{} {y}H{}\"/>",
        size.class,
        size.width,
        size.height,
        1.0 / SCALE,
        size.left,
        size.width - size.right,
        y = size.bottom() + 0.5,
    )
}

/// The distances between words under an axis that read well, in minutes.
const STRIDES: [i64; 15] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 2880];

/// Words under the axis, as many as have room, at round times where a point begins at one.
fn time_labels(out: &mut String, size: Size, starts: &[Timestamp], band: f32, axis: &Axis<'_>) {
    let [first, second, ..] = starts else { return };
    let step = (second.millis() - first.millis()).max(1);
    let room = step * ((64.0 / band).ceil() as i64).max(1);
    let stride = STRIDES.into_iter().map(|m| m * 60_000).find(|s| *s >= room && s % step == 0).unwrap_or(room);
    let offset = starts.iter().position(|t| t.millis() % stride == 0).unwrap_or(0);
    let every = usize::try_from(stride / step).unwrap_or(1).max(1);
    for (i, at) in starts.iter().enumerate().skip(offset % every).step_by(every) {
        let x = size.left + band * i as f32;
        if x + 34.0 < size.width {
            let _ = write!(out, "<text x=\"{x:.1}\" y=\"{}\">{}</text>", size.height - 5.0, escape(&(axis.label)(*at)));
        }
    }
}

/// A line of 72 by 24 px for a tile; empty when fewer than two values are known.
#[must_use]
pub fn spark_line(values: &[Option<f64>]) -> String {
    let known = || values.iter().flatten().copied();
    if known().count() < 2 {
        return String::new();
    }
    let (low, high) = (known().fold(f64::MAX, f64::min), known().fold(f64::MIN, f64::max));
    let range = (high - low).max(f64::EPSILON);
    let step = 72.0 / (values.len() - 1) as f64;
    let mut path = String::new();
    for (i, value) in values.iter().enumerate() {
        if let Some(v) = value {
            let y = if high > low { 22.0 - 20.0 * (v - low) / range } else { 12.0 };
            let _ = write!(path, "{}{:.1} {y:.1}", if path.is_empty() { 'M' } else { 'L' }, step * i as f64);
        }
    }
    format!("<svg width=\"72\" height=\"24\" viewBox=\"0 0 72 24\" aria-hidden=\"true\" focusable=\"false\"><path class=\"l l-2\" d=\"{path}\"/></svg>")
}

/// A line of 148 by 44 px over the limit that it should stay below, from zero upwards; empty for fewer than two known values.
#[must_use]
pub fn limit_line(values: &[Option<f64>], limit: f64) -> String {
    let known = || values.iter().flatten().copied();
    if known().count() < 2 {
        return String::new();
    }
    let top = known().fold(limit, f64::max).max(f64::EPSILON);
    let step = 148.0 / (values.len() - 1) as f64;
    let y = |v: f64| 42.0 - 38.0 * (v / top).max(0.0);
    let mut path = String::new();
    for (i, value) in values.iter().enumerate() {
        if let Some(v) = value {
            let _ = write!(path, "{}{:.1} {:.1}", if path.is_empty() { 'M' } else { 'L' }, step * i as f64, y(*v));
        }
    }
    let at = y(limit);
    format!(
        "<svg width=\"148\" height=\"44\" viewBox=\"0 0 148 44\" aria-hidden=\"true\" focusable=\"false\"><path class=\"l-limit\" d=\"M0 {at:.1}H148\"/><path class=\"l l-2\" d=\"{path}\"/></svg>"
    )
}

/// Executions per hour as 24 bars of 96 by 20 px, for a row of a table.
#[must_use]
pub fn spark_bars(hourly: &[i64]) -> String {
    let most = hourly.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut out = String::from("<svg class=\"spark\" viewBox=\"0 0 96 20\" aria-hidden=\"true\" focusable=\"false\">");
    for (i, n) in hourly.iter().take(24).enumerate() {
        let height = if *n == 0 { 1.0 } else { (*n as f64 / most * 19.0).max(1.5) };
        let class = if *n == 0 { "f-line" } else { "f-ok" };
        let _ = write!(out, "<rect class=\"{class}\" x=\"{}\" y=\"{:.1}\" width=\"3\" height=\"{height:.1}\"/>", i * 4, 20.0 - height);
    }
    out.push_str("</svg>");
    out
}

#[cfg(test)]
mod tests;
