//! Every drawing is free of colours, escapes what comes from outside, and survives having no data.

use super::*;
use crate::model::stats::Window;

fn stats(points: i64) -> Stats {
    let series = (0..points)
        .map(|i| Point {
            at: Timestamp(1_795_442_400_000 + i * 1_800_000),
            by_status: [(Status::Succeeded, 600 + i * 20), (Status::Failed, i % 3), (Status::DeadLetter, i64::from(i == 40))].into_iter().collect(),
            p50_ms: Some(70.0 + i as f64),
            p95_ms: Some(280.0 + (i % 7) as f64 * 9.0),
            p99_ms: (i % 5 != 0).then_some(600.0),
        })
        .collect();
    Stats { window: Window::Day, series, ..Stats::default() }
}

fn axis() -> Axis<'static> {
    Axis { label: &|t| t.to_string()[11..16].to_owned(), link: &|from, to| Some(format!("/executions?from={}&to=\"{}\"", from.millis(), to.millis())), step_ms: 1_800_000 }
}

#[test]
fn drawings_have_no_colours_of_their_own() {
    for svg in [bars(&stats(48), &axis()), lines(&stats(48), &axis())] {
        assert!(!svg.contains("=\"#") && !svg.contains("rgb") && !svg.contains("font-"), "{svg}");
        assert_eq!(svg.matches("<svg").count(), 2);
        assert_eq!(svg.matches("<g").count() - svg.matches("<g>").count(), svg.matches("<g ").count());
        assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count());
    }
}

#[test]
fn a_bar_leads_to_its_interval() {
    let svg = bars(&stats(48), &axis());
    assert_eq!(svg.matches("<a href=\"/executions?from=").count(), 48 + 24);
    assert!(svg.contains("&amp;to=&quot;"), "links are escaped");
}

#[test]
fn no_data_is_no_panic() {
    for n in [0, 1, 2] {
        let empty = Stats { series: stats(n).series.into_iter().map(|p| Point { at: p.at, ..Point::default() }).collect(), ..Stats::default() };
        assert!(bars(&empty, &axis()).contains("class=\"axis\""));
        assert!(lines(&empty, &axis()).contains("class=\"axis\""));
    }
    assert_eq!(spark_line(&[Some(1.0), None]), "");
}

#[test]
fn axes_end_at_round_numbers() {
    for (most, top) in [(0.0, 4.0), (3.0, 4.0), (5.0, 8.0), (1_650.0, 2_000.0), (1_447.0, 2_000.0), (95.0, 100.0)] {
        assert!((ceiling(most) - top).abs() < f64::EPSILON, "{most}: {}", ceiling(most));
    }
}

#[test]
fn a_line_and_its_limit_share_a_scale() {
    let drawn = limit_line(&[Some(0.0), None, Some(40.0)], 10.0);
    assert!(drawn.contains("d=\"M0 32.5H148\"") && drawn.contains("M0.0 42.0L148.0 4.0"), "{drawn}");
    assert_eq!(limit_line(&[Some(1.0), None], 10.0), "");
}
