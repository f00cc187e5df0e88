//! `plots RESULTS FOLDER`: draws the tables of RESULTS.md as bars, one SVG for each.

use core::error::Error;
use std::path::Path;
use std::process::ExitCode;

use benches::tables::{Row, Table, number};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Colours that are told apart also by who sees no red or no green, ours first.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(130, 130, 130),
];
const INK: RGBColor = RGBColor(40, 40, 40);
/// Pixels: the width of a picture, the height of a bar, and what stands left of the bars.
const WIDTH: u32 = 860;
const BAR: u32 = 15;
const LABELS: u32 = 190;

/// Bars in groups: a group is one subject of measurement, its bars are the programs under it.
struct Chart {
    title: &'static str,
    unit: &'static str,
    series: Vec<String>,
    groups: Vec<(String, Vec<Option<f64>>)>,
    /// Whether the longest bar of each group is as long: where groups differ too much to be compared.
    each_to_scale: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [results, folder] = arguments.as_slice() else {
        eprintln!("plots RESULTS FOLDER");
        return ExitCode::from(2);
    };
    match draw_all(results, Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plots: {error}");
            ExitCode::FAILURE
        }
    }
}

fn draw_all(results: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(results)?;
    std::fs::create_dir_all(folder)?;
    let unchecked = Table::find(&text, "codec");
    for (name, chart) in [
        (
            "decode",
            Table::find(&text, "decode, instr").map(|table| codec("Decoding a packet", &table, unchecked.as_ref())),
        ),
        ("encode", Table::find(&text, "encode, instr").map(|table| codec("Encoding a packet", &table, None))),
        ("hosts", Table::find(&text, "task").map(|table| hosts(&table))),
        ("openc2", Table::find(&text, "instructions per message").map(|table| openc2(&table))),
        ("flash", Table::find(&text, "on thumbv7em").map(|table| flash(&table))),
    ] {
        match chart {
            Some(chart) => draw(&chart, &folder.join(name).with_extension("svg"))?,
            None => eprintln!("plots: {results} has no table for {name}"),
        }
    }
    Ok(())
}

/// Rows are codecs, columns are packets: turned round, with what each codec leaves unchecked beside its name.
fn codec(title: &'static str, table: &Table, unchecked: Option<&Table>) -> Chart {
    const PACKETS: [&str; 7] = [
        "PUBLISH QoS 1, properties",
        "PUBLISH QoS 0, bare",
        "PUBACK",
        "CONNECT",
        "a packet of a stream",
        "PUBLISH of 64 KiB",
        "SUBSCRIBE, 8 filters",
    ];
    let mut rows: Vec<_> = table.rows.iter().filter(|row| row.name != "goal" && !row.name.contains("nom")).collect();
    rows.sort_by_key(|row| row.name != "ours");
    let series = rows.iter().map(|row| match unchecked.and_then(|table| table.row(&row.name)?.cells.first()) {
        Some(accepted) => format!("{} (accepts {accepted} malformed packets)", row.name),
        None => row.name.clone(),
    });
    let group = |(index, name): (usize, &&str)| ((*name).to_owned(), column(&rows, index));
    let groups = PACKETS.iter().enumerate().map(group).filter(|(_, values)| values.iter().flatten().count() > 1);
    Chart {
        title,
        unit: "instructions on x86-64",
        series: series.collect(),
        groups: groups.collect(),
        each_to_scale: true,
    }
}

fn column(rows: &[&Row], index: usize) -> Vec<Option<f64>> {
    rows.iter().map(|row| row.cells.get(index).and_then(|cell| number(cell))).collect()
}

fn hosts(table: &Table) -> Chart {
    // After QoS and window; what has a colon is a ratio.
    let series: Vec<_> = table.columns.iter().skip(2).take_while(|name| !name.contains(':')).cloned().collect();
    let groups = table.rows.iter().map(|row| {
        let mut cells = row.cells.iter();
        let (qos, window) = (cells.next(), cells.next());
        let name = format!("{}, QoS {}, window {}", row.name, text(qos), text(window));
        (name, cells.take(series.len()).map(|cell| number(cell)).collect())
    });
    let groups = groups.collect();
    Chart { title: "Processor time a message", unit: "µs, user and system", series, groups, each_to_scale: false }
}

fn text(cell: Option<&String>) -> &str {
    cell.map_or("?", String::as_str)
}

fn openc2(table: &Table) -> Chart {
    let rows: Vec<_> = table.rows.iter().collect();
    let group = |(index, name): (usize, &String)| (name.clone(), column(&rows, index));
    Chart {
        title: "An OpenC2 message",
        unit: "instructions on x86-64",
        series: rows.iter().map(|row| row.name.clone()).collect(),
        groups: table.columns.iter().enumerate().map(group).collect(),
        each_to_scale: true,
    }
}

fn flash(table: &Table) -> Chart {
    let rows = table.rows.iter().filter(|row| row.name.ends_with("_flash"));
    let groups = rows.map(|row| (row.name.clone(), row.cells.iter().map(|cell| number(cell)).collect()));
    Chart {
        title: "Flash on a Cortex-M4",
        unit: "bytes",
        series: table.columns.clone(),
        groups: groups.collect(),
        each_to_scale: false,
    }
}

/// A picture, as high as it needs to be.
fn draw(chart: &Chart, path: &Path) -> Result<(), Box<dyn Error>> {
    let bars: u32 = chart.groups.iter().map(|(_, values)| values.iter().flatten().count() as u32).sum();
    let legend = chart.series.len() as u32 * 20;
    let height = 60 + legend + bars * BAR + chart.groups.len() as u32 * 12 + 10;
    let root = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let label = ("sans-serif", 13).into_font().color(&INK);
    let scale = if chart.each_to_scale { "; each group has its own scale" } else { "" };
    root.draw_text(
        &format!("{}, {}: less is better{scale}", chart.title, chart.unit),
        &("sans-serif", 17).into_font().color(&INK),
        (12, 14),
    )?;
    let mut y = 46;
    for (index, name) in chart.series.iter().enumerate() {
        root.draw(&Rectangle::new([(12, y), (26, y + 12)], colour(index).filled()))?;
        root.draw_text(name, &label, (34, y))?;
        y += 20;
    }
    let most_of = |values: &[Option<f64>]| values.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
    let most_of_all = chart.groups.iter().map(|(_, values)| most_of(values)).fold(f64::MIN_POSITIVE, f64::max);
    let right = label.pos(Pos::new(HPos::Right, VPos::Top));
    y += 6;
    for (name, values) in &chart.groups {
        root.draw_text(name, &right, (LABELS as i32, y + 1))?;
        let most = if chart.each_to_scale { most_of(values) } else { most_of_all };
        for (index, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let left = LABELS as i32 + 10;
            let length = (value / most * f64::from(WIDTH - LABELS - 80)).max(1.0) as i32;
            root.draw(&Rectangle::new([(left, y), (left + length, y + BAR as i32 - 3)], colour(index).filled()))?;
            root.draw_text(&figure(*value), &label, (left + length + 5, y - 1))?;
            y += BAR as i32;
        }
        y += 12;
    }
    root.present()?;
    Ok(())
}

fn colour(index: usize) -> RGBColor {
    COLOURS.iter().cycle().nth(index).copied().unwrap_or(BLACK)
}

/// As people write it: 12,345 or 0.42.
fn figure(value: f64) -> String {
    if value < 100.0 && value.fract() != 0.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
