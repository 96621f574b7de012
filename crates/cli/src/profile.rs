//! `wgrad profile`: shows where a training step spends its time. `wgrad_lab::profile` does the work; this file has the
//! options and the tables.

use super::{
    AdapterArgs, bench, fit,
    lab::print,
    network::NetworkArg,
    output,
    page::PageArgs,
    reading::{Initial, ReadingArgs, model_for},
    train::{
        ranks::{Orders, Ranks, RanksArgs, Task},
        recorded::absolute,
    },
};
use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode, sync::Arc};
use wgrad::{
    gpu::Clock,
    observe::Activity,
    selection::Choices,
    train::{Options, Trainer},
    words::{bar, bytes, commas},
};
use wgrad_data::DataSpec;
use wgrad_files::write_file;
use wgrad_lab::{
    measurement::Conditions,
    profile::{
        self, Profile, Request,
        dispatches::{Bound, LayerRow},
        sums::SumRow,
        trace::Trace,
    },
};
use wgrad_report::{
    page::can_write,
    profile::profiled,
    table::{
        Align::{Left, Right},
        Table,
    },
};
use wgrad_run::DataRecord;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad profile                              where a step of `mlp` spends its time
  wgrad profile cnn --batch 256 --seconds 20 another network and batch, longer
  wgrad profile cnn --trace cnn.json         for ui.perfetto.dev or chrome://tracing
  wgrad profile cnn --html cnn.html          the tables and charts as a page
  wgrad profile my.toml --json               one JSON object per dispatch and per layer, then one for the step, one for the host
  wgrad profile cnn --variant conv2d_forward=naive
  wgrad profile cnn --adapters all           every GPU, each with a part of the batch: what their exchange costs

The first table times each dispatch in its own compute pass, over real training steps; every other step runs in one
pass as usual, which shows the cost of the instrument. Shares are of this adapter's measured peaks: arithmetic alone
(fma) and a copy alone (mem). The last column names the one of the two that bounds a dispatch.
The second half observes ordinary training: does the device ever wait for the host or the data?")]
pub struct Profiler {
    #[command(flatten)]
    network: NetworkArg,
    /// Images per step
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Seconds to measure: half for the dispatches, half for the host
    #[arg(long, value_name = "S", default_value_t = 6.0, value_parser = bench::seconds)]
    seconds: f64,
    /// Data set: `fashion-mnist`, `synthetic`, or a path to your own data [default: drawn garments or noise]
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<DataSpec>,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Run an operation as this variant (repeatable): `conv2d_forward=naive`
    #[arg(long, value_name = "OP=VARIANT")]
    variant: Vec<String>,
    /// Use the host's clock even where the device's timestamps are reliable
    #[arg(long)]
    wall_clock: bool,
    /// Write a trace for ui.perfetto.dev or chrome://tracing
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print JSON lines: each dispatch, each layer, the step, the host (distinguished by `kind`)
    #[arg(long)]
    json: bool,
    /// Print comma-separated values with a header, one row per dispatch
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    adapter: AdapterArgs,
    #[command(flatten)]
    ranks: RanksArgs,
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a, T> {
    kind: &'static str,
    #[serde(flatten)]
    what: &'a T,
    #[serde(flatten)]
    conditions: &'a Conditions,
}

impl Profiler {
    pub async fn run(mut self) -> Result<ExitCode> {
        let ranks = self.ranks.joined(&mut self.adapter).await?;
        let ended = match ranks.rank() {
            0 => self.lead(&ranks).await,
            _ => ranks.follow(&self.adapter).await,
        };
        ranks.end(ended)
    }

    /// Measures, as rank 0.
    async fn lead(&self, ranks: &Ranks) -> Result<ExitCode> {
        self.page.can_be_written()?;
        let variants = Choices::parse(&self.variant)?;
        let mut options = Options { batch: self.batch as usize, variants, ..Options::default() };
        let (model, data, record) = match &self.data {
            Some(spec) => {
                let data = self.reading.load(spec)?;
                let record =
                    DataRecord::of(&data, absolute(spec)?, None, None, self.reading.reading_for(None));
                (model_for(self.network.name_for(&data), &data, None, Initial::Reported)?, data, Some(record))
            }
            None => {
                let model = super::model(self.network.name(), [28, 28, 1], 10)?;
                let data = bench::images(&model)?;
                (model, data, None)
            }
        };
        let context = self.adapter.open().await?;
        if options.batch == Options::default().batch {
            ranks.each(&mut options, |options| fit::lower(&context, &model, &data, options))?;
        }
        let batch = options.batch;
        let data = Arc::new(data);
        let together = match ranks.size() {
            1 => None,
            size => {
                let (seconds, team) = (self.seconds / 2.0, self.ranks.team());
                let (task, model) = (Task::Observe(seconds), model.clone());
                let orders = Orders { task, options: options.clone(), model, data: record, team };
                let Some(crew) = ranks.begin((&context, self.adapter.checked), &data, &orders)? else {
                    bail!("there is one rank");
                };
                let Orders { options: whole, model, .. } = orders;
                let mut trainer =
                    Trainer::in_team(&context, &model, data.clone(), whole, crew.team.clone()).await?;
                tell!("{}: training of {size} ranks for {seconds:.1} s", model.name);
                options.batch = batch.div_ceil(size);
                Some(profile::together(&mut trainer, seconds).await?)
            }
        };
        let mut trainer = Trainer::new(&context, &model, data.clone(), options).await?;
        for note in &trainer.train_plan().notes {
            tell!("note: {note}");
        }
        let conditions = Conditions::of(&context, &model.name, &data.name, batch);
        let mut say = |said: &str| tell!("{}: {said}", model.name);
        // Refuses a path that cannot be written before anything is measured.
        self.trace.as_deref().map_or(Ok(()), can_write)?;
        let request = Request { seconds: self.seconds, wall: self.wall_clock };
        let profile =
            profile::measure(&context, &mut trainer, conditions, request, together, &mut say).await?;
        if let Some(path) = &self.trace {
            write_file(path, &serde_json::to_vec(&Trace::of(&profile)).context("cannot write as JSON")?)?;
            tell!("trace: {}; open it in https://ui.perfetto.dev or chrome://tracing", path.display());
        }
        self.print(&profile)?;
        self.page.write(|about| profiled(about, &profile))?;
        Ok(ExitCode::SUCCESS)
    }

    fn print(&self, profile: &Profile) -> Result<()> {
        let conditions = &profile.conditions;
        if self.csv {
            return print::csv(&profile.dispatches, true);
        }
        if self.json {
            for what in &profile.dispatches {
                output::json(&Line { kind: "dispatch", what, conditions })?;
            }
            for what in &LayerRow::of(&profile.dispatches) {
                output::json(&Line { kind: "layer", what, conditions })?;
            }
            let step = json!({ "step": profile.step, "peaks": profile.peaks });
            output::json(&Line { kind: "step", what: &step, conditions })?;
            output::json(&Line { kind: "host", what: &profile.host, conditions })?;
            for what in &profile.sums {
                output::json(&Line { kind: "sum", what, conditions })?;
            }
            return Ok(());
        }
        output::line(table(profile))?;
        output::line(format!("\n{}", layers(&LayerRow::of(&profile.dispatches))))?;
        output::line(format!("\n{}\n\n{}", step(profile), host(profile)))?;
        if !profile.sums.is_empty() {
            output::line(format!("\n{}", sums(&profile.sums)))?;
        }
        Ok(())
    }
}

fn table(profile: &Profile) -> Table {
    let mut table = Table::new(&[
        ("", Right),
        ("layer", Left),
        ("kernel", Left),
        ("grid", Right),
        ("median", Right),
        ("q1", Right),
        ("q3", Right),
        ("share", Right),
        ("", Left),
        ("gap", Right),
        ("GFLOP/s", Right),
        ("GB/s", Right),
        ("of fma", Right),
        ("of mem", Right),
        ("bound by", Left),
    ]);
    let share = |share: f64| format!("{:.0} %", 100.0 * share);
    for row in &profile.dispatches {
        let [x, y, z] = row.grid;
        table.row([
            row.number.to_string(),
            row.label.clone(),
            row.kernel.clone(),
            format!("{x}×{y}×{z}"),
            print::time(row.seconds),
            print::time(row.seconds_q1),
            print::time(row.seconds_q3),
            format!("{:.1} %", 100.0 * row.share),
            bar(row.share, 12),
            row.gap_seconds.map(signed).unwrap_or_default(),
            row.gflops.map(|rate| format!("{rate:.2}")).unwrap_or_default(),
            format!("{:.2}", row.gbps),
            row.share_of_fma.map(share).unwrap_or_default(),
            share(row.share_of_copy),
            match row.bound {
                Bound::Arithmetic => "arithmetic",
                Bound::Memory => "memory",
            }
            .to_string(),
        ]);
    }
    table
}

/// Forward and backward times of each layer.
fn layers(rows: &[LayerRow]) -> Table {
    let columns = [("layer", Left), ("forward", Right), ("backward", Right), ("backward / forward", Right)];
    let mut table = Table::new(&columns);
    let time = |seconds: f64| if seconds > 0.0 { print::time(seconds) } else { String::new() };
    for row in rows {
        table.row([
            row.layer.clone(),
            time(row.forward_seconds),
            time(row.backward_seconds),
            row.ratio.map(|ratio| format!("{ratio:.1}")).unwrap_or_default(),
        ]);
    }
    table
}

/// Times of sums over all ranks.
fn sums(rows: &[SumRow]) -> Table {
    let ranks = rows.first().map_or(0, |row| row.ranks);
    let title = format!("sum over {ranks} ranks");
    let mut table = Table::new(&[
        (title.as_str(), Left),
        ("median", Right),
        ("q1", Right),
        ("q3", Right),
        ("GB/s", Right),
    ]);
    for row in rows {
        table.row([
            bytes(row.bytes as u64),
            print::time(row.seconds),
            print::time(row.seconds_q1),
            print::time(row.seconds_q3),
            format!("{:.2}", row.bytes as f64 * 1e-9 / row.seconds.max(f64::MIN_POSITIVE)),
        ]);
    }
    table
}

/// Formats seconds, which may be below zero.
fn signed(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "−" } else { "" };
    format!("{sign}{}", print::time(seconds.abs()))
}

/// Summary of a step, with the cost of the instrument.
fn step(profile: &Profile) -> String {
    let step = &profile.step;
    let way = match step.clock {
        Clock::Gpu => "one compute pass each, timed by the device",
        Clock::Wall => "one submission each, by the WALL CLOCK: every time includes the cost of a submission",
    };
    let gaps = step.gap_seconds.map(|gap| format!(" + gaps {}", signed(gap))).unwrap_or_default();
    let doubt = step.doubt.as_ref().map(|doubt| format!("\n  timestamps are not used: {doubt}"));
    format!(
        "A step of {network}, batch {batch}, median of {steps} ({way}):\n  \
         dispatches {sum}{gaps}; from first to last {apart}\n  \
         recorded as usual, in one pass: {normal} ({min} to {max}); the instrument costs {cost}\n  \
         peaks: {gflops:.1} GFLOP/s, {gbps:.1} GB/s ({clock}){doubt}",
        network = profile.conditions.network,
        batch = profile.conditions.batch,
        steps = step.steps,
        sum = print::time(step.dispatch_seconds),
        apart = print::time(step.apart.median),
        normal = print::time(step.normal.median),
        min = print::time(step.normal.min),
        max = print::time(step.normal.max),
        cost = signed(step.instrument_seconds),
        gflops = profile.peaks.gflops,
        gbps = profile.peaks.gbps,
        clock = profile.peaks.clock,
        doubt = doubt.unwrap_or_default(),
    )
}

/// Summary of ordinary training: the host's costs and the device's idle time.
fn host(profile: &Profile) -> String {
    let host = &profile.host;
    let each = |activity| host.cost(activity).map_or(0.0, |cost| cost.seconds_per_step);
    let clock = match host.alignment_seconds {
        Some(doubt) => {
            format!("device timestamps, aligned to the host's clock within {}", print::time(doubt))
        }
        None => "host's clock: waits inside a submission are not seen".to_string(),
    };
    let mut text = format!(
        "Training for {:.1} s: {} images/s; device busy {:.1} % of the time; encode {} per step; upload {}; submit {}; \
         gather {} (in a thread); steps per submission {:.1}\n  ({clock})",
        host.seconds,
        commas(host.images_per_second.round() as u64),
        100.0 * host.device_busy,
        print::time(each(Activity::Encode)),
        print::time(each(Activity::Upload)),
        print::time(each(Activity::Submit)),
        print::time(each(Activity::Gather)),
        host.steps_per_submission,
    );
    if let (Some(sent), Some(exchange)) = (host.sent_bytes_per_step, host.cost(Activity::Exchange)) {
        text.push_str(&format!(
            "\n  exchange with other ranks, and waiting for the slowest: {} per step, {:.1} % of the time; each rank sends \
             {} per step",
            print::time(exchange.seconds_per_step),
            100.0 * exchange.share,
            bytes(sent.round() as u64)
        ));
    }
    for idle in &host.idle {
        let what = match idle.activity {
            Some(Activity::Wait) => "before the host had noticed that it was done".to_string(),
            Some(activity) => format!("while the host was busy with: {activity}"),
            None => "while the host did something else".to_string(),
        };
        text.push_str(&format!("\n  device idle {:.2} % of the time {what}", 100.0 * idle.share));
    }
    text
}
