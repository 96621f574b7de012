//! Comparison of two trainings, as a page: speed, loss curves, and their drift apart.

use super::{
    chart::{Axis, Bar, Bars, Lines, Outcome, Point, Series, figure},
    lab::About,
    page::{Alarm, Cell, Page, Section, Table},
    profile::conditions,
};
use wgrad::Result;
use wgrad_lab::{measurement::Spread, trainings::Comparison};

/// Maximum points of a curve: more would be invisible and make the page large.
const POINTS: usize = 400;

/// Creates the page of a comparison.
///
/// # Errors
/// The errors of [`Table::of`].
pub fn compared(about: &About, found: &Comparison) -> Result<Page> {
    let [a, b] = &found.sides;
    let page = about.page(&format!("Two trainings: {} against {}", a.variants, b.variants));
    let page = conditions(page, &found.conditions).fact(
        "trained",
        format!("{} steps, seed {}, learning rate {}", found.steps, found.seed, found.learning_rate),
    );
    Ok(page.section(speed(found)).section(losses(found)?))
}

fn speed(found: &Comparison) -> Section {
    let bar = |(group, side): (usize, &wgrad_lab::trainings::Side)| {
        let rate = &side.images_per_second;
        Bar {
            name: format!("{}: {}", side.side.to_uppercase(), side.variants),
            group,
            outcome: Outcome::Measured {
                median: rate.median,
                quartiles: (rate.q1, rate.q3),
                range: (rate.min, rate.max),
                rank: None,
                tied: false,
            },
        }
    };
    let title = "Training speed over the rounds";
    let bars = Bars {
        title: title.to_string(),
        label: "median, half of the rounds (thick), all (thin)".to_string(),
        unit: "images/s".to_string(),
        groups: vec!["A".to_string(), "B".to_string()],
        rows: found.sides.iter().enumerate().map(bar).collect(),
    };
    let ratio = &found.ratio;
    let words = format!(
        "B is {} times as fast as A ({} to {} over {} rounds, in turns).",
        figure(ratio.median),
        figure(ratio.min),
        figure(ratio.max),
        found.rounds.len()
    );
    let columns = [
        ("side", false),
        ("variants", false),
        ("images/s, median", true),
        ("least", true),
        ("most", true),
        ("test loss", true),
        ("test accuracy", true),
    ];
    let mut table = Table::new("Both sides", &columns);
    for side in &found.sides {
        let rate = |rate: f64| Cell::number(Some(rate), figure);
        let Spread { median, min, max, .. } = side.images_per_second;
        let cells = vec![
            Cell::text(side.side.to_uppercase()),
            Cell::text(&side.variants),
            rate(median),
            rate(min),
            rate(max),
            Cell::number(side.test_loss, figure),
            Cell::number(side.test_accuracy, |share| format!("{share:.4}")),
        ];
        table.row(cells, side.diverged_at.is_some());
    }
    Section::new("Speed").words(&words).chart(title, bars.svg()).table(table)
}

fn losses(found: &Comparison) -> Result<Section> {
    let each = found.curve.len().div_ceil(POINTS).max(1);
    let shown = || found.curve.iter().step_by(each);
    let series = |name: &str, of: fn(&wgrad_lab::trainings::StepPair) -> f64| Series {
        name: name.to_string(),
        points: shown().map(|pair| Point { x: pair.step as f64, y: of(pair), band: None }).collect(),
    };
    let steps = || Axis { label: "step".to_string(), whole: true, ..Axis::default() };
    let nats = |label: &str, log| Axis {
        label: label.to_string(),
        unit: "nats".to_string(),
        log,
        ..Axis::default()
    };
    let (curves, drift) = ("Loss of each step", "Difference between the losses, and the allowed difference");
    let loss = Lines {
        title: curves.to_string(),
        x: steps(),
        y: nats("mean loss of the batch", false),
        series: vec![series("A", |pair| pair.loss_a), series("B", |pair| pair.loss_b)],
        ..Lines::default()
    };
    let apart = Lines {
        title: drift.to_string(),
        x: steps(),
        y: nats("difference", true),
        series: vec![
            series("difference", |pair| pair.difference.abs()),
            series("allowed", |pair| pair.allowed),
        ],
        ..Lines::default()
    };
    let mut section = Section::new("Losses").chart(curves, loss.svg()).chart(drift, apart.svg());
    if !found.passed {
        section = section.alarm(Alarm {
            what: "The losses differ by more than rounding explains".to_string(),
            reason: "One of the sides computes something else.".to_string(),
            facts: found.worst.iter().map(|worst| ("step".to_string(), worst.step.to_string())).collect(),
        });
    }
    if let Some(weights) = &found.weights {
        section = section.table(Table::of("The weight that differs most at the end", &[weights])?);
    }
    if let Some(worst) = &found.worst {
        section = section.table(Table::of("The step whose losses differ most", &[worst])?);
    }
    Ok(section)
}
