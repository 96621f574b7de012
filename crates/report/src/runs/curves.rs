//! Loss, accuracy, learning rate and speed over the epochs. Runs that differ only in their seed form one curve: the
//! mean, with a band of one standard deviation.

use super::{Recorded, things};
use crate::{
    chart::{Axis, Lines, Point, Series, Svg},
    page::Section,
};
use wgrad::{callbacks::Watch, loss::Loss};
use wgrad_run::{
    Config, EpochLine,
    comparison::{Score, grouped, names, spread},
};

/// Runs that differ only in their seed.
#[derive(Clone)]
struct Group<'a> {
    name: String,
    /// The number of its colour, the same in every chart.
    color: usize,
    runs: Vec<&'a Recorded>,
}

type Number = fn(&EpochLine) -> Option<f64>;

/// Numbers of every epoch: their names, and how to read them from a line.
const LOSSES: [(&str, Number); 3] = [
    ("train", |line| Some(line.train_loss)),
    ("validation", |line| line.validation_loss),
    ("test", |line| Some(line.test_loss)),
];
const ACCURACIES: [(&str, Number); 3] = [
    ("train", |line| Some(100.0 * line.train_accuracy)),
    ("validation", |line| line.validation_accuracy.map(|share| 100.0 * share)),
    ("test", |line| Some(100.0 * line.test_accuracy)),
];

/// Errors of a regression, in the unit of the label; and R².
const RMSES: [(&str, Number); 2] =
    [("validation", |line| line.errors.validation_rmse), ("test", |line| line.errors.test_rmse)];
const R2S: [(&str, Number); 2] =
    [("validation", |line| line.errors.validation_r2), ("test", |line| line.errors.test_r2)];

impl Group<'_> {
    fn is_regression(&self) -> bool {
        self.runs.iter().any(|run| run.config.model.loss().is_ok_and(Loss::is_regression))
    }
}

pub(super) fn section(runs: &[Recorded]) -> Section {
    let groups = groups(runs);
    let mut section = Section::new("Curves").words(
        "Training numbers are means over the epoch, while the weights changed, with any augmentation and \
         dropout; the others are of the weights after the epoch.",
    );
    if groups.iter().any(|group| group.runs.len() > 1) {
        section = section.words(
            "Runs that only differ in their seed are one curve: their mean, with a band of one standard deviation to \
             either side.",
        );
    }
    let unit = match runs.first().and_then(|run| run.config.model.loss().ok()) {
        Some(loss) if loss.is_regression() => "",
        _ => "nats",
    };
    let (numbers, classes): (Vec<Group<'_>>, Vec<Group<'_>>) =
        groups.iter().cloned().partition(|group| group.is_regression());
    type Kind<'k> = (&'k [Group<'k>], &'k str, &'k str, &'k [(&'k str, Number)]);
    let kinds: [Kind<'_>; 4] = [
        (&groups, "Loss", unit, &LOSSES),
        (&classes, "Accuracy", "%", &ACCURACIES),
        (&numbers, "RMSE", "in the unit of the label", &RMSES),
        (&numbers, "R²", "", &R2S),
    ];
    for (groups, what, unit, numbers) in kinds {
        let charts = charts(groups, what, unit, numbers);
        for chart in charts.into_iter().filter(|chart| !chart.colors.is_empty()) {
            section = section.chart(&chart.lines.title, chart.svg());
        }
    }
    let rates = groups.iter().filter_map(|group| {
        let run = group.runs.first()?;
        let points = learning_rates(&run.config, &run.lines, RATES);
        Some((Series { name: group.name.clone(), points }, group.color))
    });
    let rates: Vec<(Series, usize)> = rates.collect();
    let all =
        || rates.iter().flat_map(|(curve, _)| &curve.points).map(|point| point.y).filter(|rate| *rate > 0.0);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    let log = high > 50.0 * low;
    let rates =
        chart("Learning rate", Axis { label: "learning rate".into(), unit: String::new(), log }, rates);
    let speed = groups.iter().map(|group| group_curve(group, |line| Some(line.images_per_second)));
    let axis = Axis { label: "training speed".into(), unit: format!("{}/s", things(runs)), log: false };
    let speed = chart("Training speed", axis, speed.collect());
    section.chart(&rates.lines.title, rates.svg()).chart(&speed.lines.title, speed.svg())
}

/// Draws one chart of all numbers for a single group, or one chart per number for several groups.
fn charts(groups: &[Group<'_>], what: &str, unit: &str, numbers: &[(&str, Number)]) -> Vec<Colored> {
    // Abbreviations keep their case.
    let lower =
        if what.chars().nth(1).is_some_and(char::is_lowercase) { what.to_lowercase() } else { what.into() };
    let axis = || Axis { label: lower.clone(), unit: unit.to_string(), log: false };
    let known = |number: Number| {
        move |group: &&Group<'_>| {
            group.runs.iter().any(|run| run.lines.iter().any(|line| number(line).is_some()))
        }
    };
    if let [group] = groups {
        let numbers = numbers.iter().filter(|(_, number)| known(*number)(&group));
        let series = numbers
            .map(|(name, number)| curve(group, name.to_string(), *number))
            .enumerate()
            .map(|(n, curve)| (curve, n));
        return vec![chart(what, axis(), series.collect())];
    }
    let of = |(name, number): &(&str, Number)| {
        let series: Vec<(Series, usize)> =
            groups.iter().filter(known(*number)).map(|group| group_curve(group, *number)).collect();
        let title = format!("{} {lower}", sentence(name));
        (!series.is_empty()).then(|| chart(&title, axis(), series))
    };
    numbers.iter().rev().filter_map(of).collect()
}

/// Curves with the numbers of their colours.
pub(super) struct Colored {
    lines: Lines,
    colors: Vec<usize>,
}

impl Colored {
    pub(super) fn svg(&self) -> Svg {
        self.lines.colored(&self.colors)
    }
}

fn chart(title: &str, y: Axis, series: Vec<(Series, usize)>) -> Colored {
    let x = Axis { label: "epochs".into(), unit: String::new(), log: false };
    let (series, colors) = series.into_iter().unzip();
    Colored { lines: Lines { title: title.to_string(), x, y, series }, colors }
}

fn groups(runs: &[Recorded]) -> Vec<Group<'_>> {
    let found = grouped(runs.iter().map(|run| &run.config));
    let names = names(&found, |n| (runs[n].name.as_str(), &runs[n].config));
    let group = |(color, (runs_of, name)): (usize, (Vec<usize>, String))| Group {
        name,
        color,
        runs: runs_of.into_iter().map(|n| &runs[n]).collect(),
    };
    found.into_iter().zip(names).enumerate().map(group).collect()
}

/// Returns the curve of a number, over the epochs that all runs of the group have.
fn curve(group: &Group<'_>, name: String, number: impl Fn(&EpochLine) -> Option<f64>) -> Series {
    let epochs = group.runs.first().map_or(&[][..], |run| &run.lines);
    let point = |line: &EpochLine| {
        // Lines are in the order of their epochs.
        let at = |run: &&Recorded| {
            let at = run.lines.binary_search_by_key(&line.epoch, |other| other.epoch).ok()?;
            number(&run.lines[at])
        };
        let found: Vec<f64> = group.runs.iter().map(at).collect::<Option<_>>()?;
        let (mean, deviation) = spread(&found);
        let band = deviation.map(|deviation| (mean - deviation, mean + deviation));
        Some(Point { x: line.epoch as f64, y: mean, band })
    };
    Series { name, points: thinned(epochs).filter_map(point).collect() }
}

/// Returns the curve of a number among those of other groups: with the name and the colour of its group.
fn group_curve(group: &Group<'_>, number: impl Fn(&EpochLine) -> Option<f64>) -> (Series, usize) {
    (curve(group, group.name.clone(), number), group.color)
}

/// Draws the score of each epoch on the test images, a curve for each group.
pub(super) fn scores(runs: &[Recorded], score: Score) -> Colored {
    let share = if score == Score::TestAccuracy { 100.0 } else { 1.0 };
    let number = |line: &EpochLine| score.test(line).map(|value| share * value);
    let unit = match score {
        Score::TestAccuracy => "%",
        Score::TestRmse => "in the unit of the label",
        Score::TestLoss => "",
    };
    let axis = Axis { label: score.name().into(), unit: unit.into(), log: false };
    let series = groups(runs).iter().map(|group| group_curve(group, number)).collect();
    chart(&sentence(score.name()), axis, series)
}

/// Returns words with an upper-case beginning.
pub(super) fn sentence(words: &str) -> String {
    let (first, rest) = words.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

/// Maximum points of a curve: more show nothing new.
const POINTS: usize = 2000;

/// Returns at most [`POINTS`] of `lines`, evenly spaced and including the last.
pub(super) fn thinned<T>(lines: &[T]) -> impl Iterator<Item = &T> {
    let every = lines.len().div_ceil(POINTS).max(1);
    let first = lines.len().saturating_sub(1) % every;
    lines.iter().skip(first).step_by(every)
}

/// Approximate maximum of points on a curve of learning rates.
const RATES: u64 = 400;

/// Returns the learning rate over the finished epochs, from the schedule and the callbacks' observations.
fn learning_rates(config: &Config, lines: &[EpochLine], most: u64) -> Vec<Point> {
    let Some(first) = lines.first() else { return Vec::new() };
    let options = &config.options;
    let per_epoch = (first.step / first.epoch.max(1)).max(1);
    let each = (per_epoch * lines.len() as u64).div_ceil(most).max(1);
    let (mut watch, mut points) = (Watch::default(), Vec::new());
    for line in lines {
        let begin = (line.epoch - 1) * per_epoch;
        let steps = (begin..begin + per_epoch).step_by(each as usize).chain([begin + per_epoch - 1]);
        points.extend(steps.map(|step| {
            let factor = options.schedule.factor_after(watch.drops, step, per_epoch, options.epochs);
            Point {
                x: step as f64 / per_epoch as f64,
                y: options.optimizer.learning_rate * factor,
                band: None,
            }
        }));
        watch.observe(&line.judged(), &options.callbacks, &options.schedule.decay);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::{POINTS, thinned};

    #[test]
    fn a_long_curve_has_its_last_point_and_no_more_than_show() {
        for count in [0, 1, 7, POINTS, POINTS + 1, 3 * POINTS - 1, 100_000] {
            let lines: Vec<usize> = (0..count).collect();
            let points: Vec<usize> = thinned(&lines).copied().collect();
            assert!(points.len() <= POINTS && points.last() == lines.last(), "{count}");
            assert!(count > POINTS || points == lines, "{count}");
        }
    }
}
