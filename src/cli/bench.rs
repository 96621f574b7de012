//! Measures training: images per second of networks on this adapter, through the same loop as `wgrad train`
//! (shuffle, gather, upload, step, results). Compiling and the first step are told apart, a warm-up is not
//! counted, several rounds tell the spread.

use super::{AdapterArgs, output};
use anyhow::Result;
use serde::Serialize;
use std::{ops::ControlFlow, process::ExitCode};
use wgrad::{
    clock,
    data::{Dataset, Split, synthetic::synthetic},
    feed::split_mix,
    gpu::{AdapterClass, Context},
    model::Model,
    networks::NETWORKS,
    op::Choices,
    report::{
        table::{Align::Left, Align::Right, Table},
        words::commas,
    },
    run::AdapterRecord,
    train::{Options, Trainer},
};

/// Rounds that are counted, after one that is not.
const ROUNDS: usize = 5;

/// Training images of an epoch, as Fashion-MNIST has; drawn once and repeated.
const IMAGES: usize = 60_000;
const DRAWN: usize = 6_000;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad bench                                linear, mlp and cnn
  wgrad bench cnn --batch 256 --seconds 20   another batch, longer
  wgrad bench my.toml --json                 a model file, as JSON
  wgrad bench --plan                         what a training step dispatches
  wgrad bench cnn --variant conv2d_forward=naive

The number is what `wgrad train` reaches: training steps with everything around them, evaluation and start \
not counted. Close other programs, and trust a difference only if it exceeds the spread from min to max.")]
pub struct Bench {
    /// Built-in networks or TOML files; all built-in networks without one
    #[arg(value_name = "NETWORK")]
    networks: Vec<String>,
    /// Images a step
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// How long to measure each network, in five rounds; a sixth of the same length warms up
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// One JSON object a line, one a network
    #[arg(long)]
    json: bool,
    /// Print the plan of a training step of each network, and measure nothing
    #[arg(long, conflicts_with = "json")]
    plan: bool,
    /// Run an operation as this variant, may be repeated: `conv2d_forward=naive`
    #[arg(long, value_name = "OP=VARIANT")]
    variant: Vec<String>,
    /// Leave out what `wgrad tune` chose
    #[arg(long)]
    no_tuned: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.01..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds from 0.01 to 3600".to_string()),
    }
}

#[derive(Serialize)]
struct Report {
    network: String,
    images_per_second: f64,
    images_per_second_min: f64,
    images_per_second_max: f64,
    rounds: usize,
    seconds: f64,
    batch: usize,
    gflops_per_second: f64,
    dispatches_per_step: usize,
    compile_seconds: f64,
    first_step_seconds: f64,
    adapter: String,
    backend: String,
    driver: String,
    class: AdapterClass,
    checked: bool,
    version: &'static str,
    kernels: Vec<String>,
}

impl Bench {
    pub async fn run(self) -> Result<ExitCode> {
        let mut names = self.networks.clone();
        if names.is_empty() {
            names = NETWORKS.iter().map(|(name, _)| (*name).to_string()).collect();
        }
        let variants = Choices::parse(&self.variant)?;
        let models = names.iter().map(|name| super::model(name, [28, 28, 1], 10));
        let models = models.collect::<Result<Vec<_>>>()?;
        let context = self.adapter.open().await?;
        let options = Options { batch: self.batch as usize, variants, ..Options::default() };

        let mut reports = Vec::new();
        for (n, model) in models.iter().enumerate() {
            let data = images(model)?;
            let mut options = options.clone();
            if !self.no_tuned {
                let found = super::tune::known(&context, model, options.batch, &options.optimizer)?;
                options.variants.tuned = found.tuned;
            }
            if self.plan {
                let trainer = Trainer::new(&context, model, &data, options.clone()).await?;
                for note in &trainer.train_plan.notes {
                    eprintln!("note: {note}");
                }
                let gap = if n > 0 { "\n" } else { "" };
                output::line(format!("{gap}{}\n{}", model.name, trainer.train_plan))?;
                continue;
            }
            eprintln!("{}: {} s of training in {ROUNDS} rounds, after a warm-up", model.name, self.seconds);
            let report = measure(&context, model, &data, &options, self.seconds).await?;
            if self.json {
                output::json(&report)?;
            }
            reports.push(report);
        }
        if !self.plan && !self.json {
            output::line(table(&reports))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn measure(
    context: &Context,
    model: &Model,
    data: &Dataset,
    options: &Options,
    seconds: f64,
) -> Result<Report> {
    let start = clock::seconds();
    let mut trainer = Trainer::new(context, model, data, options.clone()).await?;
    let compile_seconds = clock::seconds() - start;
    for note in &trainer.train_plan.notes {
        eprintln!("note: {note}");
    }
    let mut first_step_seconds = f64::NAN;
    let _broken = trainer
        .epoch(|_, _| {
            if first_step_seconds.is_nan() {
                first_step_seconds = clock::seconds() - start;
            }
            ControlFlow::Break(())
        })
        .await?;
    let mut rates = Vec::new();
    for _ in 0..=ROUNDS {
        rates.push(round(&mut trainer, seconds / ROUNDS as f64).await?);
    }
    // The first warms up: drivers compile lazily, and the loop still learns how much to submit at once.
    let mut rates = rates.split_off(1);
    rates.sort_by(f64::total_cmp);
    let images_per_second = rates[rates.len() / 2];
    let program = &trainer.train_plan.program;
    let AdapterRecord { name, backend, driver, class } = AdapterRecord::of(context);
    Ok(Report {
        network: model.name.clone(),
        images_per_second,
        images_per_second_min: rates[0],
        images_per_second_max: rates[rates.len() - 1],
        rounds: rates.len(),
        seconds,
        batch: options.batch,
        gflops_per_second: images_per_second * program.flops() / program.batch as f64 / 1e9,
        dispatches_per_step: program.nodes.len(),
        compile_seconds,
        first_step_seconds,
        adapter: name,
        backend,
        driver,
        class,
        checked: context.checked,
        version: env!("CARGO_PKG_VERSION"),
        kernels: trainer.train_plan.variants(),
    })
}

/// Trains for `seconds`, over as many epochs as that takes, and returns images per second. The steps that
/// are on their way when time is up are waited for and counted.
async fn round(trainer: &mut Trainer<'_>, seconds: f64) -> Result<f64> {
    let start = clock::seconds();
    let mut images = 0u64;
    loop {
        let each = |_: &_, step: &wgrad::train::StepResult| {
            images += u64::from(step.rows);
            if clock::seconds() - start < seconds {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let _either_way = trainer.epoch(each).await?;
        let took = clock::seconds() - start;
        if took >= seconds {
            return Ok(images as f64 / took);
        }
    }
}

/// Garments where the model takes such, else noise.
fn images(model: &Model) -> Result<Dataset> {
    let classes = if model.loss()?.is_regression() { 10 } else { model.classes()? };
    let mut data = synthetic(0, DRAWN, 100);
    [data.height, data.width, data.channels] = model.input_shape;
    if model.input_shape != [28, 28, 1] || classes != data.classes.len() {
        let bytes = |n: usize| (0..n as u64).map(|i| split_mix(i) as u8).collect::<Vec<_>>();
        let labels = |n: usize| (0..n).map(|i| (i % classes.min(256)) as u8).collect::<Vec<_>>();
        let split = |n| Split { images: bytes(n * model.pixels()).into(), labels: labels(n).into() };
        data.classes = (0..classes).map(|class| format!("class {class}")).collect();
        data.train = split(DRAWN);
        data.test = split(100);
        return Ok(data);
    }
    let times = IMAGES / DRAWN;
    data.train = Split {
        images: data.train.images.repeat(times).into(),
        labels: data.train.labels.repeat(times).into(),
    };
    Ok(data)
}

fn table(reports: &[Report]) -> Table {
    let mut table = Table::new(&[
        ("network", Left),
        ("images/s", Right),
        ("min", Right),
        ("max", Right),
        ("GFLOP/s", Right),
        ("dispatches", Right),
        ("compile", Right),
        ("first step", Right),
    ]);
    let whole = |rate: f64| commas(rate.round() as u64);
    for report in reports {
        table.row([
            report.network.clone(),
            whole(report.images_per_second),
            whole(report.images_per_second_min),
            whole(report.images_per_second_max),
            format!("{:.1}", report.gflops_per_second),
            report.dispatches_per_step.to_string(),
            format!("{:.2} s", report.compile_seconds),
            format!("{:.2} s", report.first_step_seconds),
        ]);
    }
    table
}
