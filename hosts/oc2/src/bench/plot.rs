//! The plot: messages a second over the time, and latencies by how many took no longer.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::tally::{Latency, Tally, per_second};

const SIZE: (u32, u32) = (960, 760);
const PUBLISHED: RGBColor = RGBColor(29, 78, 216);
const RECEIVED: RGBColor = RGBColor(21, 128, 61);
const INK: RGBColor = RGBColor(31, 41, 51);
const FAINT: RGBColor = RGBColor(203, 210, 217);
const FONT: &str = "Inter,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif";
/// Latencies are drawn up to 99.99 %.
const NINES: f64 = 4.0;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The drawing as SVG.
pub(super) fn draw(tally: &Tally, title: &str) -> Result<String, String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let drawn = area.fill(&WHITE).map_err(|error| error.to_string()).and_then(|()| {
            let area = area.margin(10, 0, 0, 0);
            let area = area.titled(title, (FONT, 18).into_font().color(&INK)).map_err(|error| error.to_string())?;
            let (upper, lower) = area.split_vertically(360);
            rates(&upper, tally)?;
            latencies(&lower, tally)
        });
        drawn?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

fn rates(area: &Area<'_>, tally: &Tally) -> Result<(), String> {
    let told = |error: DrawingAreaErrorKind<_>| error.to_string();
    let line = |count: fn(&super::tally::Sample) -> u64| -> Vec<(f64, f64)> {
        // What was over before the last of a sample makes no rate.
        let samples = tally.samples.split_last().map_or(&[][..], |(_, samples)| samples);
        let pairs = samples.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
        pairs.map(|(from, to)| (to.at.as_secs_f64(), per_second(count(to) - count(from), to.at - from.at))).collect()
    };
    let (published, received) = (line(|sample| sample.published), line(|sample| sample.received));
    let most = |list: &[(f64, f64)], part: fn(&(f64, f64)) -> f64| list.iter().map(part).fold(1e-3, f64::max);
    let (end, high) =
        (most(&published, |point| point.0), most(&published, |point| point.1).max(most(&received, |point| point.1)));
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .margin_right(36)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..end, 0.0..(high * 1.1).max(1.0))
        .map_err(told)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(INK)
        .label_style((FONT, 13).into_font().color(&INK))
        .x_desc("seconds")
        .y_desc("messages a second")
        .x_label_formatter(&|seconds| format!("{seconds:.1}"))
        .y_label_formatter(&|rate| format!("{rate:.0}"))
        .draw()
        .map_err(told)?;
    for (points, colour, name) in [(published, PUBLISHED, "published"), (received, RECEIVED, "received")] {
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))
            .map_err(told)?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE)
        .border_style(FAINT)
        .label_font((FONT, 13).into_font().color(&INK))
        .draw()
        .map_err(told)
}

/// A quantile as the number of its nines: 0.9 is 1, 0.99 is 2.
fn quantile(nines: f64) -> f64 {
    1.0 - 10_f64.powf(-nines)
}

fn curve(latency: &Latency) -> Vec<(f64, f64)> {
    let steps = 0..=200_u32;
    steps
        .filter_map(|step| {
            let nines = NINES * f64::from(step) / 200.0;
            Some((nines, latency.at(quantile(nines))?))
        })
        .collect()
}

fn latencies(area: &Area<'_>, tally: &Tally) -> Result<(), String> {
    let told = |error: DrawingAreaErrorKind<_>| error.to_string();
    let (acknowledged, delivered) = (curve(&tally.acknowledged), curve(&tally.delivered));
    let all = || acknowledged.iter().chain(&delivered).map(|(_, ms)| *ms);
    // Whole powers of ten around what there is.
    let low = 10_f64.powf(all().fold(f64::INFINITY, f64::min).clamp(1e-3, 1e6).log10().floor());
    let high = 10_f64.powf(all().fold(0.0, f64::max).clamp(low * 1.01, 1e7).log10().ceil());
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .margin_right(36)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..NINES, (low..high).log_scale())
        .map_err(told)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(INK)
        .label_style((FONT, 13).into_font().color(&INK))
        .x_desc("so many messages took no longer")
        .y_desc("milliseconds")
        .x_labels(5)
        .x_label_formatter(&|nines| format!("{} %", (quantile(*nines) * 1e6).round() / 1e4))
        .y_label_formatter(&|ms| format!("{ms}"))
        .draw()
        .map_err(told)?;
    for (points, colour, name) in [(acknowledged, PUBLISHED, "acknowledged"), (delivered, RECEIVED, "delivered")] {
        if points.is_empty() {
            continue;
        }
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))
            .map_err(told)?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(FAINT)
        .label_font((FONT, 13).into_font().color(&INK))
        .draw()
        .map_err(told)
}
