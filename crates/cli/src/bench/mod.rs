//! Measures training: images per second of networks on this adapter, through the same loop as `wgrad train`
//! (shuffle, gather, upload, step, results). Compiling and the first step are reported separately, a warm-up is not
//! counted, and several rounds show the spread.

mod files;

use super::{
    AdapterArgs, defaults,
    drawn::fitting,
    fit, growth,
    network::NetworkArgs,
    output,
    page::PageArgs,
    reading::{Initial, ReadingArgs, model_for},
};
use anyhow::Result;
use serde::Serialize;
use std::{collections::BTreeSet, ops::ControlFlow, path::PathBuf, process::ExitCode, time::Duration};
use wgrad::{
    clock,
    data::{Dataset, Split},
    gpu::{AdapterRecord, Context},
    model::Model,
    op::AdapterClass,
    selection::Choices,
    train::{Options, Trainer},
    words::commas,
};
use wgrad_data::DataSpec;
use wgrad_lab::{
    growth::{self as sizes, Request},
    measurement::Spread,
    product::Product,
};
use wgrad_report::{
    growth::grown,
    table::{
        Align::{Left, Right},
        Table,
    },
};

/// Counted rounds, after one warm-up round.
const ROUNDS: usize = 5;

/// Default seconds for a network: for one size, and for all sizes of `--growth`.
const SECONDS: f64 = 5.0;
const GROWTH: f64 = 180.0;
/// Training images that `--growth` draws from: a few of its largest steps.
const SOME: usize = 16_384;

/// Training images of an epoch, as in Fashion-MNIST, and those that are drawn and repeated to make them.
const IMAGES: usize = 60_000;
const DRAWN: usize = 6_000;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad bench                                linear, mlp and cnn
  wgrad bench cnn --batch 256 --seconds 20   another batch, longer
  wgrad bench my.toml --json                 a model file, as JSON
  wgrad bench mlp --data fashion-mnist       on real images
  wgrad bench cnn --data pictures/ --size 96 also measures decoding alone and the device alone
  wgrad bench --plan                         the dispatches of a training step
  wgrad bench cnn --variant conv2d_forward=naive
  wgrad bench mlp --growth                   how the time of a step grows with batch and width
  wgrad bench cnn --growth --widths 1,2 --batches 32,64,128 --seconds 300

The rate is that of `wgrad train`: training steps with everything around them, without evaluation and start. \
Close other programs, and trust a difference only if it exceeds the spread from min to max. `of product`: \
GFLOP/s as a share of what one large matrix product reaches alone, measured in turns with the training.")]
pub struct Bench {
    #[command(flatten)]
    networks: NetworkArgs,
    /// Data set: `fashion-mnist`, `synthetic`, or a path to your own data [default: 60,000 images drawn to fit]
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<DataSpec>,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Images per step
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Seconds to measure each network, in five rounds after a warm-up round of the same length [default: 5; with
    /// `--growth` 180 for all sizes, compiling included]
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<f64>,
    /// Time a step at many batches and widths, and find its fixed cost
    #[arg(long, conflicts_with_all = ["plan", "batch"])]
    growth: bool,
    /// With `--growth`: write one self-contained page with charts and tables
    #[arg(long, value_name = "FILE", requires = "growth")]
    html: Option<PathBuf>,
    /// With `--growth`: batches, in images per step
    #[arg(long, value_name = "N,..", value_delimiter = ',', requires = "growth",
          default_values_t = [32, 64, 128, 256, 512, 1024, 2048], value_parser = clap::value_parser!(u32).range(1..))]
    batches: Vec<u32>,
    /// With `--growth`: factors for the numbers of hidden units and filters
    #[arg(long, value_name = "N,..", value_delimiter = ',', requires = "growth", default_values_t = [1, 2, 4, 8],
          value_parser = clap::value_parser!(u32).range(1..=1024))]
    widths: Vec<u32>,
    /// With `--growth`: print comma-separated values with a header, one row per size
    #[arg(long, requires = "growth", conflicts_with = "json")]
    csv: bool,
    /// Print JSON lines, one object per network
    #[arg(long)]
    json: bool,
    /// Print the plan of a training step of each network, and measure nothing
    #[arg(long, conflicts_with = "json")]
    plan: bool,
    /// Run an operation as this variant (repeatable): `conv2d_forward=naive`
    #[arg(long, value_name = "OP=VARIANT")]
    variant: Vec<String>,
    /// Ignore the variants that `wgrad tune` chose
    #[arg(long)]
    no_tuned: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
}

/// Parses a duration in seconds.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
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
    /// Rates for picture files: decoding alone, and training alone on images in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    decoder_images_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_images_per_second: Option<f64>,
    rounds: usize,
    seconds: f64,
    batch: usize,
    data: String,
    gflops_per_second: f64,
    /// Rate of a large matrix product alone, in turns with the training, and its sizes.
    product_gflops_per_second: f64,
    product: String,
    share_of_product: f64,
    dispatches_per_step: usize,
    /// Seconds from the start of the command until the adapter is open and the images are read.
    ready_seconds: f64,
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
        clock::seconds(); // starts the clock
        let names = self.networks.names();
        let variants = Choices::parse(&self.variant)?;
        let given = match &self.data {
            Some(spec) => Some(self.reading.load(spec)?),
            None => None,
        };
        let models = names.iter().map(|name| match &given {
            Some(data) => model_for(name, data, None, Initial::Reported),
            None => super::model(name, [28, 28, 1], 10),
        });
        let models = models.collect::<Result<Vec<_>>>()?;
        let context = self.adapter.open().await?;
        let ready_seconds = clock::seconds();
        let options = Options { batch: self.batch as usize, variants, ..Options::default() };

        if self.growth {
            // Drivers that compile when a kernel first runs take minutes for the first step of a large size.
            context.set_timeout(Duration::from_secs(600));
            return self.grow(&context, &models, &options).await;
        }
        let seconds = self.seconds.unwrap_or(SECONDS);
        let mut reports = Vec::new();
        for (n, model) in models.iter().enumerate() {
            let data = match &given {
                Some(data) => data.clone(),
                None => images(model)?,
            };
            let mut options = options.clone();
            if options.batch == Options::default().batch {
                fit::lower(&context, model, &data, &mut options)?;
            }
            if !self.no_tuned {
                let found = super::tune::known(
                    &context,
                    model,
                    &data.input,
                    options.batch,
                    &options.optimizer,
                    &options.objective,
                )?;
                options.variants.tuned = found.tuned;
            }
            if self.plan {
                let trainer = Trainer::new(&context, model, data.clone(), options.clone()).await?;
                for note in &trainer.train_plan().notes {
                    tell!("note: {note}");
                }
                let gap = if n > 0 { "\n" } else { "" };
                let (plan, variants) = (trainer.train_plan(), &trainer.options().variants);
                let reasons = defaults::reasons(&context, plan, variants)?;
                output::line(format!("{gap}{}\n{plan}\n{reasons}", model.name))?;
                continue;
            }
            if !data.train.images.in_memory() {
                // Images that are decoded ahead are lost when a round ends.
                options.budget = files::BUDGET;
            }
            tell!("{}: {} s of training in {ROUNDS} rounds, after a warm-up", model.name, seconds);
            let mut report = measure(&context, model, &data, &options, seconds, ready_seconds).await?;
            if !data.train.images.in_memory() {
                let alone = files::alone(&data, seconds)?;
                let kept = measure(&context, model, &alone.kept, &options, seconds, ready_seconds).await?;
                tell!(
                    "{}",
                    files::brake(
                        alone.images_per_second,
                        kept.images_per_second,
                        &report.network,
                        context.class
                    )
                );
                report.decoder_images_per_second = Some(alone.images_per_second);
                report.device_images_per_second = Some(kept.images_per_second);
            }
            if self.json {
                output::json(&report)?;
            }
            reports.push(report);
            if output::is_unread() {
                break;
            }
        }
        if !self.plan && !self.json {
            output::line(table(&reports))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Runs `--growth`.
    async fn grow(&self, context: &Context, models: &[Model], options: &Options) -> Result<ExitCode> {
        let page = PageArgs { html: self.html.clone() };
        page.can_be_written()?;
        let sorted = |numbers: &[u32]| -> Vec<usize> {
            let sorted: BTreeSet<usize> = numbers.iter().map(|n| *n as usize).collect();
            sorted.into_iter().collect()
        };
        let request = Request {
            batches: sorted(&self.batches),
            widths: sorted(&self.widths),
            seconds: self.seconds.unwrap_or(GROWTH),
            rounds: ROUNDS,
            options: options.clone(),
        };
        let mut all = Vec::new();
        for (n, model) in models.iter().enumerate() {
            let data = images(model)?.limit(SOME, 100);
            let found = sizes::measure(context, model, &data, &request, &mut |said| tell!("{said}")).await?;
            growth::print(&found, self.json, self.csv, n == 0)?;
            all.push(found);
        }
        page.write(|about| grown(about, &all))?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn measure(
    context: &Context,
    model: &Model,
    data: &Dataset,
    options: &Options,
    seconds: f64,
    ready_seconds: f64,
) -> Result<Report> {
    let start = clock::seconds();
    let mut trainer = Trainer::new(context, model, data.clone(), options.clone()).await?;
    let compile_seconds = clock::seconds() - start;
    for note in &trainer.train_plan().notes {
        tell!("note: {note}");
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
    let each = seconds / ROUNDS as f64;
    let mut product = Product::new(context, each / 10.0).await?;
    let (mut rates, mut products) = (Vec::new(), Vec::new());
    for n in 0..=ROUNDS {
        let rate = round(&mut trainer, each).await?;
        let beside = product.gflops(context).await?;
        // The first warms up: drivers compile lazily, and the loop still learns how much to submit at once.
        if n > 0 {
            rates.push(rate);
            products.push(beside);
        }
    }
    let (rates, products) = (Spread::of(rates), Spread::of(products));
    let images_per_second = rates.median;
    let program = &trainer.train_plan().program;
    let gflops_per_second = images_per_second * program.flops() / program.batch as f64 / 1e9;
    let AdapterRecord { name, backend, driver, class } = AdapterRecord::of(context);
    Ok(Report {
        network: model.name.clone(),
        images_per_second,
        images_per_second_min: rates.min,
        images_per_second_max: rates.max,
        decoder_images_per_second: None,
        device_images_per_second: None,
        rounds: ROUNDS,
        seconds,
        batch: options.batch,
        data: data.name.clone(),
        gflops_per_second,
        product_gflops_per_second: products.median,
        product: product.sizes(),
        share_of_product: gflops_per_second / products.median,
        dispatches_per_step: program.nodes.len(),
        ready_seconds,
        compile_seconds,
        first_step_seconds,
        adapter: name,
        backend,
        driver,
        class,
        checked: context.checked,
        version: env!("CARGO_PKG_VERSION"),
        kernels: trainer.train_plan().variants(),
    })
}

/// Trains for `seconds`, over as many epochs as that takes, and returns images per second. Steps in flight when
/// the time is up are awaited and counted.
async fn round(trainer: &mut Trainer, seconds: f64) -> Result<f64> {
    let start = clock::seconds();
    let mut images = 0u64;
    loop {
        let each = |_: &_, step: &wgrad::metrics::StepResult| {
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

/// Drawn garments if they fit the model, repeated to an epoch's number; else noise.
pub(super) fn images(model: &Model) -> Result<Dataset> {
    let mut data = fitting(model, DRAWN, 100)?;
    if data.name == "noise" {
        return Ok(data);
    }
    let times = IMAGES / DRAWN;
    data.train = Split {
        images: data.train.images.memory().repeat(times).into(),
        labels: data.train.labels.repeat(times).into(),
        each: 1,
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
        ("of product", Right),
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
            format!("{:.0} %", 100.0 * report.share_of_product),
            report.dispatches_per_step.to_string(),
            format!("{:.2} s", report.compile_seconds),
            format!("{:.2} s", report.first_step_seconds),
        ]);
    }
    table
}
