//! The results of a sweep: a table, JSON, and a page with the score against each varied option.

use super::{Plan, command, trainings::Trainings, within};
use crate::{
    compare::{Member, comparison},
    output,
    page::{PageArgs, quoted_path},
    progress::time,
};
use anyhow::Result;
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};
use wgrad_report::{
    runs::{Recorded, Trial, swept},
    table::{
        Align::{Left, Right, Wrap},
        Table,
    },
};
use wgrad_run::{Outcome, comparison::Score, listing::is_run};

/// Most verdicts that are printed.
const VERDICTS: usize = 5;

/// A training with its results, if it has any.
struct Row {
    trial: usize,
    member: Option<Member>,
    outcome: Option<Outcome>,
    failure: Option<String>,
}

/// A training as JSON. Accuracies are shares in [0, 1], losses nats, times seconds.
#[derive(Serialize)]
struct Line<'a> {
    rank: usize,
    run: String,
    settings: BTreeMap<&'a str, &'a str>,
    finished: bool,
    epochs: u64,
    best_epoch: Option<u64>,
    score: &'a str,
    value: Option<f64>,
    test_value: Option<f64>,
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl Row {
    fn epochs(&self) -> u64 {
        self.outcome.map_or(0, |outcome| outcome.last.epoch)
    }

    fn judged(&self, score: Score) -> Option<f64> {
        self.outcome.and_then(|outcome| score.judged(&outcome.best)).filter(|value| value.is_finite())
    }

    fn tested(&self, score: Score) -> Option<f64> {
        self.outcome.and_then(|outcome| score.test(&outcome.best)).filter(|value| value.is_finite())
    }
}

/// Prints the results, and writes the page.
pub fn tell(
    folder: &Path,
    plan: &Plan,
    trainings: &Trainings<'_>,
    page: &PageArgs,
    json: bool,
) -> Result<()> {
    let mut rows = Vec::new();
    for trial in 0..plan.trials.len() {
        let run = within(&trainings.run_folder(trial));
        let member = if is_run(&run) { Some(Member::read(&run)?) } else { None };
        let outcome = member.as_ref().and_then(|member| {
            let Recorded { lines, config, .. } = &member.recorded;
            Outcome::of(lines, config, None)
        });
        rows.push(Row { trial, member, outcome, failure: trainings.failure(trial).map(String::from) });
    }
    let lines =
        |row: &Row| row.member.as_ref().map(|member| member.recorded.lines.clone()).unwrap_or_default();
    let all: Vec<_> = rows.iter().map(lines).collect();
    let score = Score::of(all.iter().map(Vec::as_slice));
    let validation =
        rows.iter().any(|row| row.outcome.is_some_and(|found| found.best.validation_loss.is_some()));
    let name = score.judged_name(validation);
    rank(&mut rows, plan, score);
    if json {
        for (n, row) in rows.iter().enumerate() {
            output::json(&line(n, row, plan, (score, name), trainings))?;
        }
    } else {
        output::line(table(&rows, plan, (score, name), validation))?;
    }
    let members: Vec<Member> = rows.iter_mut().filter_map(|row| row.member.take()).collect();
    let found = comparison(&members);
    let verdicts = match found.groups.iter().any(|group| group.deviation.is_some()) {
        true => found.verdicts(VERDICTS),
        false => Vec::new(),
    };
    if !json {
        for words in &verdicts {
            output::line(words)?;
        }
    }
    if let (Some(best), false) = (rows.first().filter(|row| row.outcome.is_some()), json) {
        output::say(best_words(best, plan, trainings, validation)?);
    }
    page.write(|about| {
        let trials: Vec<Trial<'_>> = rows
            .iter()
            .map(|row| Trial {
                name: name_of(row.trial),
                values: &plan.trials[row.trial],
                score: row.judged(score),
                epochs: row.epochs(),
            })
            .collect();
        let runs: Vec<Recorded> = members.iter().map(|member| member.recorded.clone()).collect();
        let folder = within(folder).display().to_string();
        Ok(swept(about, &folder, &plan.varied, &trials, &runs, (score, name), &verdicts))
    })
}

fn name_of(trial: usize) -> String {
    format!("trial-{}", trial + 1)
}

/// Orders the trainings: the longer ones of a halving first, then by their scores, those that failed last.
fn rank(rows: &mut [Row], plan: &Plan, score: Score) {
    let rung = |row: &Row| match plan.rungs.is_empty() {
        true => 0,
        false => plan.rungs.iter().filter(|until| row.epochs() >= **until).count(),
    };
    rows.sort_by(|a, b| {
        let (x, y) = (a.judged(score).unwrap_or(f64::NAN), b.judged(score).unwrap_or(f64::NAN));
        let better = match (score.is_better(x, y), score.is_better(y, x)) {
            (true, false) => std::cmp::Ordering::Less,
            (false, true) => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        };
        a.failure.is_some().cmp(&b.failure.is_some()).then(rung(b).cmp(&rung(a))).then(better)
    });
}

fn line<'a>(
    n: usize,
    row: &'a Row,
    plan: &'a Plan,
    (score, name): (Score, &'a str),
    trainings: &Trainings<'_>,
) -> Line<'a> {
    Line {
        rank: n + 1,
        run: within(&trainings.run_folder(row.trial)).display().to_string(),
        settings: plan
            .varied
            .iter()
            .zip(&plan.trials[row.trial])
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect(),
        finished: row.member.as_ref().is_some_and(|member| member.is_finished),
        epochs: row.epochs(),
        best_epoch: row.outcome.map(|outcome| outcome.best.epoch),
        score: name,
        value: row.judged(score),
        test_value: row.tested(score),
        seconds: row.member.as_ref().and_then(Member::seconds),
        error: row.failure.as_deref(),
    }
}

fn table(rows: &[Row], plan: &Plan, (score, name): (Score, &str), validation: bool) -> Table {
    let mut columns = vec![("rank", Right), ("run", Left)];
    columns.extend(plan.varied.iter().map(|name| (name.as_str(), Left)));
    columns.extend([("epochs", Right), ("best epoch", Right), (name, Right)]);
    columns.extend(validation.then_some((score.name(), Right)));
    columns.push(("time", Right));
    let failed = rows.iter().any(|row| row.failure.is_some());
    columns.extend(failed.then_some(("failed", Wrap)));
    let mut table = Table::new(&columns);
    for (n, row) in rows.iter().enumerate() {
        let shown = |value: Option<f64>| value.map(|value| score.shown(value)).unwrap_or_default();
        let mut cells = vec![(n + 1).to_string(), name_of(row.trial)];
        cells.extend(plan.trials[row.trial].iter().cloned());
        cells.push(row.epochs().to_string());
        cells.push(row.outcome.map(|outcome| outcome.best.epoch.to_string()).unwrap_or_default());
        cells.push(shown(row.judged(score)));
        cells.extend(validation.then(|| shown(row.tested(score))));
        cells.push(row.member.as_ref().and_then(Member::seconds).map(time).unwrap_or_default());
        cells.extend(failed.then(|| row.failure.clone().unwrap_or_default()));
        table.row(cells);
    }
    table
}

/// The best training, and how to use it.
fn best_words(best: &Row, plan: &Plan, trainings: &Trainings<'_>, validation: bool) -> Result<String> {
    let folder = quoted_path(&within(&trainings.run_folder(best.trial)));
    let note = match validation {
        true => "",
        false => {
            "\nnote: it was chosen on the test part, so its number looks better than it is; `--validation 0.1` chooses \
                  on a part of the training part"
        }
    };
    Ok(format!(
        "best: {folder} ({}){note}\nthe same alone: {}",
        plan.shown(best.trial),
        command(&plan.line(best.trial)?)
    ))
}
