//! Comparison of trainings as a page: which differences exceed the spread of the seeds, the settings that differ, the
//! results, the curves.

use super::{Recorded, curves};
use crate::{
    chart::Svg,
    lab::About,
    page::{Cell, Page, Section, Table},
};
use wgrad_run::{
    EpochLine, Outcome,
    comparison::{Comparison, Group, Score},
};

/// Most verdicts of a page.
const VERDICTS: usize = 30;

/// Draws the score of each epoch on the test images: a curve for each run, or the mean of runs that differ only in their
/// seed with a band of one standard deviation.
pub fn score_chart(runs: &[Recorded], score: Score) -> Svg {
    curves::scores(runs, score).svg()
}

/// Creates the page of a comparison of `runs`; `differing` has the settings that differ, each with the value of every
/// run.
pub fn compared(
    about: &About,
    runs: &[Recorded],
    differing: &[(String, Vec<String>)],
    found: &Comparison,
) -> Page {
    let page = about.page(&format!("{} trainings compared", runs.len()));
    let mut verdicts = Section::new("Differences");
    for words in found.verdicts(VERDICTS) {
        verdicts = verdicts.words(&format!("{words}."));
    }
    let verdicts = verdicts
        .words(
            "Runs that differ only in their seed are a group, written as mean ± standard deviation of the best epochs. \
             Groups are compared by Welch's t test at a level of 5 %, corrected for the number of pairs by Holm's method.",
        )
        .table(groups(found));
    page.section(verdicts)
        .section(Section::new("Settings that differ").table(settings(runs, differing)))
        .section(Section::new("Results").table(results(runs, found.score)))
        .section(curves::section(runs))
}

fn groups(found: &Comparison) -> Table {
    let (mean, deviation) = (format!("{}, mean", found.score.name()), "standard deviation");
    let columns = [("group", false), ("seeds", true), (mean.as_str(), true), (deviation, true)];
    let mut table = Table::new("Groups", &columns);
    for Group { name, seeds, mean, deviation, .. } in &found.groups {
        let number = |value| Cell::number(value, |value| found.score.shown(value));
        let seeds = Cell::number(Some(seeds.len() as f64), |n| n.to_string());
        table.row(vec![Cell::text(name), seeds, number(*mean), number(*deviation)], false);
    }
    table
}

fn settings(runs: &[Recorded], differing: &[(String, Vec<String>)]) -> Table {
    let mut columns = vec![("run", false)];
    columns.extend(differing.iter().map(|(name, _)| (name.as_str(), false)));
    let mut table = Table::new("Settings of each run", &columns);
    for (n, run) in runs.iter().enumerate() {
        let values = differing.iter().map(|(_, values)| Cell::text(values.get(n).map_or("", String::as_str)));
        table.row([Cell::text(&run.name)].into_iter().chain(values).collect(), false);
    }
    table
}

fn results(runs: &[Recorded], score: Score) -> Table {
    let (best, last) = (format!("best {}", score.name()), format!("last {}", score.name()));
    let mut columns = vec![("run", false), ("epochs", true), ("best epoch", true), (best.as_str(), true)];
    let loss = score != Score::TestLoss;
    columns.extend(loss.then_some(("best test loss", true)));
    columns.push((last.as_str(), true));
    columns.extend(loss.then_some(("last test loss", true)));
    columns.push(("last train loss", true));
    let mut table = Table::new("Results of each run", &columns);
    for run in runs {
        let found = Outcome::of(&run.lines, &run.config, None);
        let whole = |value: Option<u64>| Cell::number(value.map(|n| n as f64), |n| n.to_string());
        let of = |line: Option<EpochLine>| {
            let shown = Cell::number(line.and_then(|line| score.test(&line)), |value| score.shown(value));
            let nats = Cell::number(line.map(|line| line.test_loss), |nats| format!("{nats:.4}"));
            [Some(shown), loss.then_some(nats)].into_iter().flatten()
        };
        let mut cells = vec![
            Cell::text(&run.name),
            whole(Some(run.lines.len() as u64)),
            whole(found.map(|found| found.best.epoch)),
        ];
        cells.extend(of(found.map(|found| found.best)));
        cells.extend(of(found.map(|found| found.last)));
        cells.push(Cell::number(found.map(|found| found.last.train_loss), |nats| format!("{nats:.4}")));
        table.row(cells, false);
    }
    table
}
