//! How good the network of a run is: loss, accuracy, who is taken for whom. It uses the run's own data, batch
//! and kernels, so that on the same adapter the numbers are those that the run recorded.

use super::{
    AdapterArgs, output,
    train::recorded::{load_as_recorded, load_recorded},
};
use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};
use wgrad::{
    Error,
    checkpoint::Checkpoint,
    data::{DataSpec, Dataset, Split},
    evaluate::{Evaluation, Interval, Regression, evaluate_views},
    gpu::Context,
    op::Choices,
    report::{
        table::{Align::Left, Align::Right, Table},
        words::{commas, percent},
    },
    run::{AdapterRecord, EpochLine, Run},
    train::Metrics,
};

/// A matrix of more classes is wider than any terminal.
const MOST_COLUMNS: usize = 20;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad eval runs/mlp-1                      the test images, the best weights
  wgrad eval runs/mlp-1 --last               the weights of the last epoch
  wgrad eval runs/cnn-1 --tta                with mirror images: half as fast, often a little better
  wgrad eval runs/mlp-1 --split validation   what `--validation` held out
  wgrad eval runs/mlp-1 --json | jq .accuracy")]
pub struct Eval {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Data set, instead of the one that the run was trained on
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<DataSpec>,
    /// Which images
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Part,
    /// The weights of the last epoch instead of the best
    #[arg(long)]
    last: bool,
    /// Judge each image by the mean of what the network says of it and of its mirror image
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
enum Part {
    /// What a network is judged on
    Test,
    /// What it was trained on
    Train,
    /// What `--validation` held out of the training images
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
                "this run has no validation images, as it was trained without `--validation`; use `--split test`"
            ),
        }
    }

    /// What the run recorded for these images with these weights; of the training images it recorded
    /// only what the weights were at each step.
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
        let checkpoint = if self.last { run.last()?.for_use() } else { run.best()? };
        let data = self.load(&run)?;
        let split = self.split.of(&data)?;
        let context = self.adapter.open().await?;
        let found = evaluate_run(&context, &run, &checkpoint, &data, split, self.tta).await?;

        let epoch = checkpoint.position.epoch;
        let own_data = data.digest == run.config.data.digest;
        let lines = run.metrics()?;
        // In the middle of an epoch the weights are not those of any line.
        let line = lines.iter().find(|line| line.epoch == epoch && checkpoint.position.step == 0);
        let recorded = line.and_then(|line| self.split.recorded(line)).filter(|_| own_data && !self.tta);
        if let Some((loss, accuracy)) = recorded {
            compare(&found.metrics, loss, accuracy, &run, &context);
        }
        if self.json {
            return self.print_json(&run, &data, &context, &found, epoch, recorded);
        }
        let weights = if self.last { "last" } else { "best" };
        tell!("{weights} weights of {}, after epoch {epoch}", run.folder.display());
        match &found.regression {
            None => print(&data, self.split.name(), &found)?,
            Some(regression) => {
                let kind = run.config.model.loss()?.to_string();
                print_regression(&kind, self.split.name(), &found.metrics, regression)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The run's data set, cut as the run cut it.
    fn load(&self, run: &Run) -> Result<Dataset> {
        let record = &run.config.data;
        let seed = run.config.options.seed;
        let data = match &self.data {
            None => load_recorded(record, seed)
                .context("cannot load the run's data; `--data` names other ones")?,
            Some(spec) => load_as_recorded(spec, record.table.as_ref(), record, seed)?,
        };
        if data.digest != record.digest {
            tell!(
                "warning: this is not the data that the run was trained on ({}): got the digest {}, the run \
                 recorded {}; the numbers are not those of the run",
                record.name,
                data.digest,
                record.digest
            );
        }
        Ok(data)
    }

    fn print_json(
        &self,
        run: &Run,
        data: &Dataset,
        context: &Context,
        found: &Evaluation,
        epoch: u64,
        recorded: Option<(f64, f64)>,
    ) -> Result<ExitCode> {
        let told = if found.regression.is_some() { &[][..] } else { &data.classes };
        let classes: Vec<_> = told
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
            "epoch": epoch,
            "data": data.name,
            "digest": data.digest,
            "split": self.split.name(),
            "images": found.metrics.images,
            "loss": found.metrics.loss,
            "accuracy": found.metrics.accuracy,
            "mean_absolute_error": found.regression.map(|r| r.mean_absolute_error),
            "r2": found.regression.and_then(|r| r.r2),
            "tta": self.tta,
            "recorded": recorded.map(|(loss, accuracy)| json!({"loss": loss, "accuracy": accuracy})),
            "classes": classes,
            "confusion": found.confusion,
            "adapter": AdapterRecord::of(context),
        }))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Evaluates with the run's batch and variants; on an adapter that cannot run one of these, with the defaults.
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
    let batch = options.batch.max(1);
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

/// Says how the numbers compare with those that the run recorded.
fn compare(found: &Metrics, loss: f64, accuracy: f64, run: &Run, context: &Context) {
    let trained_on = &run.config.adapter;
    if found.loss == loss && found.accuracy == accuracy {
        tell!("these are, to the bit, the numbers that the run recorded");
    } else if *trained_on == AdapterRecord::of(context) {
        tell!(
            "warning: the run recorded loss {loss} and accuracy {accuracy}, on this same adapter: the weights or \
             wgrad have changed since"
        );
    } else {
        tell!(
            "the run recorded loss {loss} and accuracy {accuracy}, on another adapter: {} ({}, {})",
            trained_on.name,
            trained_on.backend,
            trained_on.driver
        );
    }
}

fn print_regression(kind: &str, split: &str, metrics: &Metrics, found: &Regression) -> Result<()> {
    let r2 = found.r2.map_or("–, as all labels are the same".to_string(), |r2| format!("{r2:.4}"));
    output::line(format!(
        "MAE       {:.4}, mean distance from the label, of {} {split} images\nR²        {r2}\nrounded   {} are nearest \
         to their label\nloss      {:.4} ({kind})",
        found.mean_absolute_error,
        commas(metrics.images),
        percent(metrics.accuracy),
        metrics.loss
    ))
}

fn print(data: &Dataset, split: &str, found: &Evaluation) -> Result<()> {
    let Metrics { loss, accuracy, images } = found.metrics;
    let right = (accuracy * images as f64).round() as u64;
    let half = Interval::of(right, images).map_or(0.0, |interval| interval.half());
    output::line(format!(
        "accuracy  {} ± {:.2} of {} {split} images\nloss      {loss:.4}\n",
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
        ("images", Right),
    ]);
    for ((number, name), class) in data.classes.iter().enumerate().zip(found.classes()) {
        table.row([
            number.to_string(),
            name.clone(),
            share(class.precision, class.intervals[0]),
            share(class.recall, class.intervals[1]),
            share(class.f1, class.intervals[2]),
            commas(class.support),
        ]);
    }
    output::line(table)?;
    tell!("± is half of Wilson's interval, which holds the share with a confidence of 95 %");
    if data.classes.len() > MOST_COLUMNS {
        tell!("the confusion matrix of {} classes is only in `--json`", data.classes.len());
        return Ok(());
    }
    output::line("\nConfusion matrix: what images of a class (row) were taken for (column)")?;
    let mut columns = vec![(String::new(), Right), ("class".to_string(), Left)];
    columns.extend((0..data.classes.len()).map(|class| (class.to_string(), Right)));
    let mut table = Table::new(&columns);
    for (number, (name, row)) in data.classes.iter().zip(&found.confusion).enumerate() {
        let counts = row.iter().map(|count| if *count == 0 { "·".to_string() } else { count.to_string() });
        table.row([number.to_string(), name.clone()].into_iter().chain(counts));
    }
    output::line(table)
}
