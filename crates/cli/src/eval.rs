//! `wgrad eval`: loss, accuracy and confusion matrix of a run's network. It uses the run's own data, batch and kernels,
//! so that on the same adapter it reproduces the numbers that the run recorded.

mod judged;

use super::{AdapterArgs, output, runs::run_name};
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use judged::{Judged, judged};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};
use wgrad::{
    Error,
    checkpoint::Checkpoint,
    data::{Dataset, Split},
    evaluate::{Evaluation, Formula, Interval, evaluate_views},
    gpu::{AdapterRecord, Context},
    metrics::{Metrics, Regression},
    model::Output,
    selection::Choices,
    words::{commas, counted, drawable, measure, percent, shortened},
};
use wgrad_data::{DataSpec, reading::Decimal};
use wgrad_report::table::{
    Align::{Left, Right},
    Table,
};
use wgrad_run::{BEST, Config, EpochLine, Outcome, Run};

/// Most classes of a printed confusion matrix; a larger one is wider than any terminal.
const MOST_COLUMNS: usize = 20;
/// Most characters shown of a class name; `--json` has the whole name.
const MOST_CHARACTERS: usize = 40;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad eval runs/mlp-1                      the test images, the best weights
  wgrad eval runs/mlp-1 --last               the weights of the last epoch
  wgrad eval runs/cnn-1 --tta                mirror images too: half as fast, often a little more accurate
  wgrad eval runs/mlp-1 --split validation   the images that `--validation` held out
  wgrad eval runs/mlp-1 --data new.csv       all rows of another file, or the held-out rows of the run's own file
  wgrad eval runs/mlp-1 --json | jq .accuracy")]
pub struct Eval {
    /// The folder of a run
    #[arg(value_name = "RUN", value_parser = run_name())]
    run: PathBuf,
    /// Data set to use instead of the one that the run was trained on
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<DataSpec>,
    /// Part of the data to evaluate [default: test; all of other data that have no test part]
    #[arg(long, value_name = "SPLIT")]
    split: Option<Part>,
    /// Evaluate all images, including those that the run was trained on
    #[arg(long, conflicts_with = "split")]
    all: bool,
    /// Decimal separator of other rows, where numbers can be read in two ways: `point` (1,234.5) or `comma` (1.234,5)
    #[arg(long, value_name = "point|comma", requires = "data")]
    decimal: Option<Decimal>,
    /// Use the weights of the last epoch instead of the best
    #[arg(long)]
    last: bool,
    /// Average the predictions for each image and its mirror image (test-time augmentation)
    #[arg(long)]
    tta: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
}

/// A part of a data set.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Images held out to evaluate the network
    Test,
    /// Images that the network was trained on
    Train,
    /// Training images that `--validation` held out
    Validation,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Train => "train",
            Self::Validation => "validation",
        }
    }

    fn of(self, data: &Dataset) -> Result<&Split> {
        match (self, &data.validation) {
            (Self::Test, _) => Ok(&data.test),
            (Self::Train, _) => Ok(&data.train),
            (Self::Validation, Some(split)) => Ok(split),
            (Self::Validation, None) => bail!(
                "there are no validation {}, as the run was trained without `--validation`; use `--split test`",
                data.things()
            ),
        }
    }

    /// Loss and accuracy that the run recorded for this part with the weights of an epoch. Training images have none:
    /// their recorded metrics come from the weights of each step.
    fn recorded(self, line: &EpochLine) -> Option<(f64, f64)> {
        match self {
            Self::Test => Some((line.test_loss, line.test_accuracy)),
            Self::Train => None,
            Self::Validation => line.validation_loss.zip(line.validation_accuracy),
        }
    }
}

impl Eval {
    pub async fn run(self) -> Result<ExitCode> {
        let run = Run::open(&self.run)?;
        // The metrics are read before the weights: a training that runs meanwhile writes them first.
        let before = run.metrics()?;
        let checkpoint = if self.last { run.last()?.for_use() } else { run.best()? };
        let judged = judged(&run, self.data.as_ref(), self.decimal, self.split, self.all)?;
        if self.tta && judged.data.width == 1 {
            bail!(
                "--tta also evaluates mirror images, and {} of {} have none: leave it out",
                judged.data.things(),
                judged.data.name
            );
        }
        let context = self.adapter.open().await?;
        let found = evaluate_run(&context, &run, &checkpoint, &judged.data, &judged.split, self.tta).await?;

        let epoch = checkpoint.position.epoch;
        let lines = run.metrics()?;
        // In the middle of an epoch the weights are not those of any line.
        let line = lines.iter().find(|line| line.epoch == epoch && checkpoint.position.step == 0);
        let recorded =
            line.zip(judged.part).and_then(|(line, part)| part.recorded(line)).filter(|_| !self.tta);
        tell!("evaluated on {}", judged.words);
        if let (false, Some(some @ 1..)) = (judged.own, judged.trained_on) {
            let (some, all) = (commas(some as u64), commas(judged.split.len() as u64));
            tell!(
                "warning: {some} of these {all} {} are among those that the run was trained on: the numbers are better than \
                 they would be without them",
                judged.data.things()
            );
        } else if judged.trained_on.is_none() {
            let why = if judged.own { "it was imported" } else { "its own data are not here" };
            tell!("note: it is not known whether the network was trained on some of them: {why}");
        }
        if let Some((loss, accuracy)) = recorded {
            let numbers = found.regression.is_some() || !found.metrics.heads.is_empty();
            compare(&found.metrics, (loss, accuracy), numbers, &run, &context);
        }
        let chosen_here = self.chosen_here(&judged, &lines);
        if self.json {
            return self.print_json(&run, &judged, &context, &found, &checkpoint, recorded, chosen_here);
        }
        let weights = if self.last { "last" } else { "best" };
        tell!("{weights} weights of {}, after epoch {epoch}", run.folder.display());
        if let (false, Some(best)) = (self.last, lost_best(&run, &before, epoch)) {
            tell!(
                "note: the best epoch was {best}, whose weights were lost; {BEST} has the best of those after it"
            );
        } else if chosen_here {
            tell!(
                "note: these weights were chosen as the best of {} on these same {}, so the numbers are a little \
                 better than on others; `--last` evaluates the last weights, and training with `--validation 0.1` \
                 chooses on others",
                counted(lines.len(), "epoch"),
                judged.data.things()
            );
        }
        let what = match judged.part {
            Some(part) => format!("{} {}", part.name(), judged.data.things()),
            None => judged.data.things().to_string(),
        };
        match &found.regression {
            Some(regression) => {
                let loss = run.config.model.loss()?.to_string();
                print_regression(&judged.data, &loss, &what, &found.metrics, regression)?;
                if let Some(formula) = formula(&run, &checkpoint) {
                    output::line(formula)?;
                }
            }
            None if !found.metrics.heads.is_empty() => {
                let Metrics { loss, images, heads, .. } = found.metrics;
                output::line(format!("loss      {loss:.4} of {} {what}\n", commas(images)))?;
                let mut table = Table::new(&[("output", Left), ("loss", Right), ("accuracy", Right)]);
                for (output, [loss, share]) in run.config.model.several_outputs()?.iter().zip(heads.iter()) {
                    let accuracy = if output.classes() > 0 { percent(*share) } else { "–".to_string() };
                    table.row([output.name.clone(), format!("{loss:.4}"), accuracy]);
                }
                output::line(table)?;
            }
            None => print(&judged.data, &what, &found)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Returns true if the weights were chosen among several epochs by the images that evaluate them now.
    fn chosen_here(&self, judged: &Judged, lines: &[EpochLine]) -> bool {
        let by_test = lines.len() > 1 && lines.iter().all(|line| line.validation_loss.is_none());
        !self.last && by_test && judged.part == Some(Part::Test)
    }

    #[allow(clippy::too_many_arguments)]
    fn print_json(
        &self,
        run: &Run,
        judged: &Judged,
        context: &Context,
        found: &Evaluation,
        checkpoint: &Checkpoint,
        recorded: Option<(f64, f64)>,
        chosen_here: bool,
    ) -> Result<ExitCode> {
        let (data, formula) = (&judged.data, formula(run, checkpoint));
        let several = run.config.model.several_outputs()?;
        let classes = found.regression.is_none() && several.is_empty();
        let accuracy = |accuracy: f64| classes.then_some(accuracy);
        let of_output = |(output, [loss, share]): (&Output, &[f64; 2])| {
            let accuracy = (output.classes() > 0).then_some(share);
            json!({"name": output.name, "loss": loss, "accuracy": accuracy})
        };
        let outputs: Vec<_> = several.iter().zip(found.metrics.heads.iter()).map(of_output).collect();
        let reported = if found.regression.is_some() { &[][..] } else { &data.classes };
        let classes: Vec<_> = reported
            .iter()
            .zip(found.classes())
            .map(|(name, class)| {
                let [precision, recall, f1] = class.intervals;
                json!({"name": name, "precision": class.precision, "precision_interval": precision,
                       "recall": class.recall, "recall_interval": recall, "f1": class.f1, "f1_interval": f1,
                       "images": class.support})
            })
            .collect();
        output::json(&json!({
            "run": run.folder,
            "model": run.config.model.name,
            "weights": if self.last { "last" } else { "best" },
            "epoch": checkpoint.position.epoch,
            "data": data.name,
            "digest": data.digest,
            "split": judged.part.map_or("all", Part::name),
            "judged_on": judged.words,
            "own_data": judged.own,
            "trained_on": judged.trained_on,
            "chosen_on_these": chosen_here,
            "images": found.metrics.images,
            "loss": found.metrics.loss,
            "outputs": outputs,
            "accuracy": accuracy(found.metrics.accuracy),
            "root_mean_squared_error": found.regression.map(|r| r.root_mean_squared_error),
            "mean_absolute_error": found.regression.map(|r| r.mean_absolute_error),
            "r2": found.regression.and_then(|r| r.r2),
            "formula": formula,
            "tta": self.tta,
            "recorded": recorded.map(|(loss, share)| json!({"loss": loss, "accuracy": accuracy(share)})),
            "classes": classes,
            "confusion": found.confusion,
            "adapter": AdapterRecord::of(context),
        }))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns the best epoch if `kept`, the epoch of the best weights on disk, is another. The last recorded epoch does
/// not count: its weights may be about to be written.
fn lost_best(run: &Run, lines: &[EpochLine], kept: u64) -> Option<u64> {
    let Outcome { best, last, .. } = Outcome::of(lines, &run.config, None)?;
    (best.epoch != kept && best.epoch < last.epoch && (1..=last.epoch).contains(&kept)).then_some(best.epoch)
}

/// Evaluates with the run's batch and variants, or with the defaults on an adapter that cannot run one of these.
pub async fn evaluate_run(
    context: &Context,
    run: &Run,
    checkpoint: &Checkpoint,
    data: &Dataset,
    split: &Split,
    tta: bool,
) -> Result<Evaluation> {
    let bar = ProgressBar::new(split.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} images, {eta} left") {
        bar.set_style(style);
    }
    let (model, options) = (&run.config.model, &run.config.options);
    let batch = options.images_at_once().max(1);
    let run = async |variants: &Choices| {
        let each = |done| bar.set_position(done);
        evaluate_views(context, model, checkpoint, data, split, batch, variants, tta, each).await
    };
    let result = match run(&options.variants).await {
        Err(error @ Error::Variant { .. }) => {
            bar.suspend(|| tell!("warning: {error}; using this adapter's default variants"));
            run(&Choices::default()).await
        }
        other => other,
    };
    bar.finish_and_clear();
    Ok(result?)
}

/// Formula of a linear network for a table, in the units of the columns.
fn formula(run: &Run, checkpoint: &Checkpoint) -> Option<Formula> {
    let Config { model, data, .. } = &run.config;
    Formula::of(model, &data.input, data.table.as_ref()?, &checkpoint.weights)
}

/// Reports how the metrics compare with those that the run recorded.
fn compare(found: &Metrics, (loss, accuracy): (f64, f64), regression: bool, run: &Run, context: &Context) {
    let trained_on = &run.config.adapter;
    let words = match regression {
        true => format!("loss {loss}"),
        false => format!("loss {loss} and accuracy {accuracy}"),
    };
    if found.loss == loss && (regression || found.accuracy == accuracy) {
        tell!("identical, to the bit, to the metrics recorded during training");
    } else if *trained_on == AdapterRecord::of(context) {
        tell!(
            "warning: the run recorded {words}, on this same adapter: the weights or wgrad have changed since"
        );
    } else {
        tell!(
            "the run recorded {words}, on another adapter: {} ({}, {})",
            trained_on.name,
            trained_on.backend,
            trained_on.driver
        );
    }
}

fn print_regression(
    data: &Dataset,
    kind: &str,
    what: &str,
    metrics: &Metrics,
    found: &Regression,
) -> Result<()> {
    let r2 = found.r2.map_or("–, as all labels are the same".to_string(), |r2| format!("{r2:.4}"));
    let unit = match &data.table {
        Some(table) => format!(" (in the unit of {})", drawable(&table.label.name)),
        None => String::new(),
    };
    let standardised = if data.table.as_ref().is_some_and(|table| !table.is_as_it_is()) {
        ", of standardised labels"
    } else {
        ""
    };
    output::line(format!(
        "RMSE      {} of {} {what}{unit}\nMAE       {}\nR²        {r2}\nloss      {:.4} ({kind}{standardised})",
        measure(found.root_mean_squared_error),
        commas(metrics.images),
        measure(found.mean_absolute_error),
        metrics.loss
    ))
}

fn print(data: &Dataset, what: &str, found: &Evaluation) -> Result<()> {
    let Metrics { loss, accuracy, images, .. } = found.metrics;
    let right = (accuracy * images as f64).round() as u64;
    let half = Interval::of(right, images).map_or(0.0, |interval| interval.half());
    output::line(format!(
        "accuracy  {} ± {:.2} of {} {what}\nloss      {loss:.4}\n",
        percent(accuracy),
        100.0 * half,
        commas(images)
    ))?;
    let share = |share: Option<f64>, interval: Option<Interval>| {
        let half = interval.map_or(0.0, |interval| interval.half());
        share.map_or("–".to_string(), |share| format!("{:.1} ± {:.1} %", 100.0 * share, 100.0 * half))
    };
    let mut table = Table::new(&[
        ("", Right),
        ("class", Left),
        ("precision", Right),
        ("recall", Right),
        ("F1", Right),
        (data.things(), Right),
    ]);
    for ((number, name), class) in data.classes.iter().enumerate().zip(found.classes()) {
        table.row([
            number.to_string(),
            shortened(name, MOST_CHARACTERS).into_owned(),
            share(class.precision, class.intervals[0]),
            share(class.recall, class.intervals[1]),
            share(class.f1, class.intervals[2]),
            commas(class.support),
        ]);
    }
    output::line(table)?;
    tell!("± is half the width of Wilson's 95 % confidence interval");
    if data.classes.len() > MOST_COLUMNS {
        tell!("the confusion matrix of {} classes is only in `--json`", data.classes.len());
        return Ok(());
    }
    output::line("\nConfusion matrix (rows: true class, columns: predicted class)")?;
    let mut columns = vec![(String::new(), Right), ("class".to_string(), Left)];
    columns.extend((0..data.classes.len()).map(|class| (class.to_string(), Right)));
    let mut table = Table::new(&columns);
    for (number, (name, row)) in data.classes.iter().zip(&found.confusion).enumerate() {
        let counts = row.iter().map(|count| if *count == 0 { "·".to_string() } else { count.to_string() });
        let name = shortened(name, MOST_CHARACTERS).into_owned();
        table.row([number.to_string(), name].into_iter().chain(counts));
    }
    output::line(table)
}
