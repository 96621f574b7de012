//! A sweep as a page: the score against each varied option, the ranking, the curves of the best.

use super::{Recorded, curves};
use crate::{
    chart::{Axis, Bar, Bars, Outcome, Reference, Scatter, Svg},
    lab::About,
    page::{Cell, Page, Section, Table},
};
use wgrad_lab::measurement::Spread;
use wgrad_run::comparison::Score;

/// Most runs whose curves are drawn: more have no colours of their own.
const DRAWN: usize = 14;
/// Most values of an option that get a bar each.
const BARS: usize = 8;
/// Ratio of the largest to the least value from which an axis is logarithmic.
const WIDE: f64 = 30.0;

/// A training of a sweep.
#[derive(Clone, Debug)]
pub struct Trial<'a> {
    /// Its name.
    pub name: String,
    /// Its values of the varied options.
    pub values: &'a [String],
    /// The score of its best epoch on the images that judge it; `None` if it has none.
    pub score: Option<f64>,
    /// The epochs that it has done.
    pub epochs: u64,
}

/// Creates the page of the sweep in `folder`: `trials` from the best to the worst, with the values of `varied`; `runs` are
/// the records of those that have begun, in the same order. The score has the `name` of what judged them.
pub fn swept(
    about: &About,
    folder: &str,
    varied: &[String],
    trials: &[Trial<'_>],
    runs: &[Recorded],
    (score, name): (Score, &str),
    verdicts: &[String],
) -> Page {
    let title = curves::sentence(name);
    let mut options = Section::new("Each varied option");
    for (n, option) in varied.iter().enumerate() {
        if let Some(chart) = against(trials, n, option, (score, name)) {
            options = options.chart(&format!("{title} by {option}"), chart);
        }
    }
    let mut ranking = Section::new("Ranking");
    for words in verdicts {
        ranking = ranking.words(&format!("{words}."));
    }
    let page = about.page(&format!("Sweep {folder}")).fact("trainings", trials.len());
    let page = page.section(ranking.table(table(varied, trials, (score, name)))).section(options);
    let drawn = &runs[..runs.len().min(DRAWN)];
    match drawn {
        [] => page,
        _ => page.section(match runs.len() > DRAWN {
            true => curves::section(drawn).words(&format!("Those of the best {DRAWN} are shown.")),
            false => curves::section(drawn),
        }),
    }
}

fn table(varied: &[String], trials: &[Trial<'_>], (score, name): (Score, &str)) -> Table {
    let mut columns = vec![("training", false), ("rank", true)];
    columns.extend(varied.iter().map(|name| (name.as_str(), false)));
    columns.extend([("epochs", true), (name, true)]);
    let mut table = Table::new("Trainings, the best first", &columns);
    for (n, trial) in trials.iter().enumerate() {
        let whole = |n: u64| Cell::number(Some(n as f64), |n| n.to_string());
        let mut cells = vec![Cell::text(&trial.name), whole(n as u64 + 1)];
        cells.extend(trial.values.iter().map(Cell::text));
        cells.extend([whole(trial.epochs), Cell::number(trial.score, |value| score.shown(value))]);
        table.row(cells, false);
    }
    table
}

/// Draws the score against an option: the spread of each value if they are few or no numbers, else points; `None` without
/// scores.
fn against(trials: &[Trial<'_>], option: usize, label: &str, (score, name): (Score, &str)) -> Option<Svg> {
    let share = if score == Score::TestAccuracy { 100.0 } else { 1.0 };
    let unit = if score == Score::TestAccuracy { "%" } else { "" };
    let scored: Vec<(&str, f64)> = trials
        .iter()
        .filter_map(|trial| Some((trial.values.get(option)?.as_str(), share * trial.score?)))
        .collect();
    let (first, _) = scored.first()?;
    if scored.iter().all(|(value, _)| value == first) {
        return None;
    }
    let title = format!("{} by {label}", curves::sentence(name));
    let numbers: Option<Vec<(f64, f64)>> =
        scored.iter().map(|(value, score)| Some((value.parse::<f64>().ok()?, *score))).collect();
    let mut values: Vec<&str> = Vec::new();
    for (value, _) in &scored {
        if !values.contains(value) {
            values.push(value);
        }
    }
    let Some(points) = numbers.filter(|_| values.len() > BARS) else {
        let number = |value: &str| value.parse::<f64>().unwrap_or(f64::INFINITY);
        values.sort_by(|a, b| number(a).total_cmp(&number(b)).then_with(|| a.cmp(b)));
        let row = |value: &&str| {
            let own = scored.iter().filter(|(other, _)| other == value).map(|(_, score)| *score);
            let Spread { median, min, q1, q3, max } = Spread::of(own.collect());
            let (quartiles, range) = ((q1, q3), (min, max));
            Bar {
                name: (*value).to_string(),
                group: 0,
                outcome: Outcome::Measured { median, quartiles, range, rank: None, tied: false },
            }
        };
        let rows = values.iter().map(row).collect();
        let label = format!("{name}: median, half of the trainings (thick), all (thin)");
        return Some(Bars { title, label, unit: unit.into(), groups: vec![name.into()], rows }.svg());
    };
    let least = points.iter().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let most = points.iter().map(|point| point.0).fold(f64::NEG_INFINITY, f64::max);
    let log = least > 0.0 && most > WIDE * least;
    let chart = Scatter {
        title,
        x: Axis { label: label.into(), unit: String::new(), log },
        y: Axis { label: name.into(), unit: unit.into(), log: false },
        name: "a training".into(),
        points,
        reference: Reference::Nothing,
        expected: String::new(),
    };
    Some(chart.svg())
}
