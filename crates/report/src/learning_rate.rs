//! The learning rate range test, as a chart and a page.

use super::{
    chart::{Axis, Lines, Mark, Point, Series, Svg, figure},
    page::{Page, Section, Table},
};
use wgrad::{
    Result,
    lr_find::{Found, Sample},
};

/// Draws the loss over the learning rate, raw and smoothed.
pub fn chart(found: &Found) -> Svg {
    let curve = |name: &str, loss: fn(&Sample) -> f64| Series {
        name: name.into(),
        points: found
            .samples
            .iter()
            .map(|sample| Point { x: sample.learning_rate, y: loss(sample), band: None })
            .collect(),
    };
    // A loss that explodes would flatten the rest of a linear axis.
    let losses = || found.samples.iter().map(|sample| sample.loss).filter(|loss| loss.is_finite());
    let (low, high) = (losses().fold(f64::INFINITY, f64::min), losses().fold(0.0, f64::max));
    let log = low > 0.0 && high > 4.0 * low;
    Lines {
        title: "Loss over learning rate".into(),
        x: Axis { label: "learning rate".into(), unit: String::new(), log: true, ..Axis::default() },
        y: Axis { label: "loss".into(), unit: "nats".into(), log, ..Axis::default() },
        series: vec![curve("each step", |sample| sample.loss), curve("smoothed", |sample| sample.smoothed)],
        marks: found
            .suggestion
            .map(|rate| Mark::At(rate, format!("suggested: {}", figure(rate))))
            .into_iter()
            .collect(),
    }
    .svg()
}

/// Returns the suggestion in words.
pub fn words(found: &Found) -> String {
    let end = match (found.diverged, found.samples.last()) {
        (true, Some(last)) => format!("; the loss diverged near {}", figure(last.learning_rate)),
        _ => String::new(),
    };
    match found.suggestion {
        Some(rate) => {
            format!("suggested learning rate: {}, where the loss falls most steeply{end}", figure(rate))
        }
        None => format!("no learning rate is suggested, as the loss falls nowhere{end}; try another range"),
    }
}

/// Creates the page; `facts` are names and values that describe the run.
///
/// # Errors
/// [`wgrad::Error::Report`]; none is expected.
pub fn page(found: &Found, facts: &[(&str, String)]) -> Result<Page> {
    let page = facts.iter().fold(Page::new("Learning rate"), |page, (name, is)| page.fact(name, is));
    let section = Section::new("Range test")
        .words(&words(found))
        .chart("Loss over learning rate", chart(found))
        .table(Table::of("Every step", &found.samples)?);
    Ok(page.section(section))
}
