//! Confusion matrix, metrics of each class, and calibration of the probabilities.

use super::{Details, Recorded, heading, regression};
use crate::{
    chart::{self, Axis, Group, Grouped, HeatMap, Lines, Mark, Point, Series, figure},
    page::{Cell, Section, Table},
};
use wgrad::{
    evaluate::{BINS, Bin, Interval},
    words::{commas, percent},
};

/// Maximum number of classes of a drawn matrix.
const MOST: usize = 40;

pub(super) fn confusion(run: &Recorded, details: &Details<'_>) -> Option<Section> {
    let Details { data, evaluation, which, .. } = details;
    if let Some(found) = evaluation.regression {
        return Some(regression::section(run, details, found));
    }
    let things = data.things();
    let metrics = evaluation.metrics;
    let right = (metrics.accuracy * metrics.images as f64).round() as u64;
    let half = Interval::of(right, metrics.images).map_or(0.0, |interval| 100.0 * interval.half());
    let words = format!(
        "{which} of {}: accuracy {} ± {half:.2}, loss {:.4}, on {} test {things}. ± is half of Wilson's 95 % interval; for \
         F1 it comes from that of F1 / (2 - F1), which is a share of {things}.",
        run.name,
        percent(metrics.accuracy),
        metrics.loss,
        commas(metrics.images)
    );
    let mut section = heading("Classes", &words);
    if data.classes.len() <= MOST {
        let map = matrix(details);
        section = section.chart(&map.title.clone(), map.svg());
    }
    Some(section.table(per_class(details)).table(pairs(details)))
}

fn matrix(details: &Details<'_>) -> HeatMap {
    let cell = |count: &u64| if *count == 0 { chart::Cell::Zero } else { chart::Cell::Value(*count as f64) };
    HeatMap {
        title: "Confusion matrix (rows: true class, columns: predicted class)".into(),
        label: "share of the true class".into(),
        unit: "%".into(),
        column_label: "predicted".into(),
        columns: details.data.classes.clone(),
        row_label: "true".into(),
        rows: details.data.classes.clone(),
        cells: details.evaluation.confusion.iter().map(|row| row.iter().map(cell).collect()).collect(),
        shares: true,
        ..HeatMap::default()
    }
}

fn per_class(details: &Details<'_>) -> Table {
    let columns = [
        ("class", false),
        (details.data.things(), true),
        ("precision, %", true),
        ("±", true),
        ("recall, %", true),
        ("±", true),
        ("F1, %", true),
        ("±", true),
    ];
    let mut table = Table::new("Each class", &columns);
    for (name, class) in details.data.classes.iter().zip(details.evaluation.classes()) {
        let mut cells =
            vec![Cell::text(name), Cell::number(Some(class.support as f64), |n| commas(n as u64))];
        for (share, interval) in [class.precision, class.recall, class.f1].into_iter().zip(class.intervals) {
            let percent = |value: Option<f64>| Cell::number(value.map(|v| 100.0 * v), |v| format!("{v:.1}"));
            cells.extend([percent(share), percent(interval.map(|interval| interval.half()))]);
        }
        table.row(cells, false);
    }
    table
}

/// Lists the most frequent mistakes.
fn pairs(details: &Details<'_>) -> Table {
    let mut table = Table::new(
        "The most frequent mistakes",
        &[("true", false), ("predicted", false), (details.data.things(), true), ("of its class, %", true)],
    );
    let confusion = &details.evaluation.confusion;
    let mut all: Vec<(u64, usize, usize)> = confusion
        .iter()
        .enumerate()
        .flat_map(|(is, row)| row.iter().enumerate().map(move |(taken, count)| (*count, is, taken)))
        .filter(|(count, is, taken)| is != taken && *count > 0)
        .collect();
    all.sort_by_key(|(count, is, taken)| (std::cmp::Reverse(*count), *is, *taken));
    for (count, is, taken) in all.into_iter().take(10) {
        let of: u64 = confusion[is].iter().sum();
        let share = 100.0 * count as f64 / of.max(1) as f64;
        let class = |n: usize| Cell::text(details.data.classes.get(n).map_or("?", String::as_str));
        table.row(
            vec![
                class(is),
                class(taken),
                Cell::number(Some(count as f64), |n| commas(n as u64)),
                Cell::number(Some(share), |v| format!("{v:.1}")),
            ],
            false,
        );
    }
    table
}

pub(super) fn certainty(details: &Details<'_>) -> Option<Section> {
    let found = details.evaluation.calibration(&details.data.test.labels)?;
    let things = details.data.things();
    let words = format!(
        "Of {things} that get a probability of 80 %, 80 % should be right. The expected calibration error, the mean distance \
         over the {things} in {BINS} bins of equal width, is {:.2} %. The band is Wilson's 95 % interval.",
        100.0 * found.error
    );
    let point = |bin: &Bin| Point {
        x: 100.0 * bin.confidence,
        y: 100.0 * bin.accuracy,
        band: Some((100.0 * bin.interval.low, 100.0 * bin.interval.high)),
    };
    let axis = |label: &str| Axis { label: label.into(), unit: "%".into(), ..Axis::default() };
    let diagram = Lines {
        title: "Reliability diagram".into(),
        x: axis("mean probability of the bin"),
        y: axis("right"),
        series: vec![Series { name: "this network".into(), points: found.bins.iter().map(point).collect() }],
        marks: vec![Mark::Line([(0.0, 0.0), (100.0, 100.0)], "right as often as predicted".into())],
    };
    let name = |bin: &Bin| format!("{:.0} to {:.0} %", 100.0 * bin.from, 100.0 * bin.to);
    let row = |bin: &Bin| Group { name: name(bin), values: vec![Some(bin.images as f64)] };
    let counts = Grouped {
        title: "How sure it is".into(),
        label: format!("test {things} by the probability of the predicted class"),
        unit: String::new(),
        series: vec![things.into()],
        rows: found.bins.iter().map(row).collect(),
    };
    let mut table = Table::new(
        "Bins",
        &[
            ("probability", false),
            (things, true),
            ("mean probability, %", true),
            ("right, %", true),
            ("±", true),
        ],
    );
    for bin in &found.bins {
        let percent = |v: f64| Cell::number(Some(100.0 * v), figure);
        let images = Cell::number(Some(bin.images as f64), |n| commas(n as u64));
        let cells = vec![
            Cell::text(name(bin)),
            images,
            percent(bin.confidence),
            percent(bin.accuracy),
            percent(bin.interval.half()),
        ];
        table.row(cells, false);
    }
    let section = Section::new("Can its probabilities be trusted?").words(&words);
    Some(
        section
            .chart(&diagram.title.clone(), diagram.svg())
            .chart(&counts.title.clone(), counts.svg())
            .table(table),
    )
}
