//! `wgrad lab`: compares shader variants, built-in ones and a user's files; translates them; prints a template.
//! `wgrad_lab` does the work; this file has the options and their order.

mod apart;
mod emit;
mod history;
pub(super) mod print;
mod stats;
mod sweep;
mod train;

use super::{fields::spelled, output, page::PageArgs};
use anyhow::{Result, bail};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    thread::sleep,
    time::{Duration, SystemTime},
};
use wgrad::{
    gpu::{AdapterChoice, Options},
    kernels::{self, OPERATIONS},
    op::{Call, Op, Variant, activations, user_file},
};
use wgrad_lab::{
    self, backends, folder,
    measure::{Lab as Device, measure},
    measurement::peaks::{self, Peaks},
    request::{Refusal, Request, patience},
    row::{self, Row, Status},
    stats::Compiler,
    workload,
};
use wgrad_report::lab as report;

/// Interval at which `--watch` looks at its files.
const LOOK: Duration = Duration::from_millis(200);

#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  wgrad lab                                        every operation and variant, and what runs here
  wgrad lab matmul                                 prove, then time its variants at a typical size
  wgrad lab matmul --size M=512,N=512,K=512        at another size
  wgrad lab matmul --template > my.wgsl            a file to start from
  wgrad lab matmul --file my.wgsl --watch          with the built-in ones, again at every save
  wgrad lab matmul --html lab.html                 a page with charts, also of `all`, --watch, --backends
  wgrad lab matmul --variant tiled:TILE_M=64       a setting of the constants that a variant offers
  wgrad lab matmul --sweep                         all settings of all variants, and heat maps
  wgrad lab matmul --save last.jsonl               keep the results
  wgrad lab matmul --baseline last.jsonl --fail-if-slower 10%
                                                   next to earlier ones; exit code 1 if one is slower
  wgrad lab conv2d_forward --adapter 0 --adapter 1 several adapters in one table
  wgrad lab examples/shaders/histogram             an operation of your own: a folder with interface.wgsl, naive.wgsl
                                                   and other variants; docs/own-operations.md
  wgrad lab train --b matmul=naive                 two whole trainings: speed, losses, weights, accuracy
  wgrad lab --stats                                registers, spills, occupancy: what this driver makes of all
  wgrad lab matmul --stats --isa code              of one operation, with the machine code, a file a variant
  wgrad lab --backends                             SPIR-V, MSL, HLSL and GLSL of everything, without an adapter
  wgrad lab matmul --variant tiled --emit msl      one of them
  wgrad lab matmul --variant tiled --emit wgsl     the composed text, as a browser takes it
  wgrad lab all --emit wgsl --json                 all of them, an object for each setting and activation
  wgrad lab all --emit hlsl --json                 all of them in another language, an object for each setting

Every variant is proven before it is timed: at all sizes of the operation's page and at the given one, on random
inputs, against a plain loop in f64, with outputs poisoned by NaN and guard bands around every buffer. A wrong variant
is not timed. Rows of equal rank (=) differ by no more than chance explains. `× default` is the speed relative to
the default variant, with its 95 % confidence interval, from rounds in which both took a turn. Shares are of this
adapter's measured peaks: arithmetic alone (fma) and a copy alone (mem); caches can exceed the latter.

Exit codes: 0 done, 1 a variant is wrong (or slower than --fail-if-slower allows), 2 an error."
)]
pub struct Lab {
    #[command(subcommand)]
    whole: Option<Whole>,
    /// Operation, `all`, or a folder with interface.wgsl, naive.wgsl and other variants [default: list all variants]
    #[arg(value_name = "OP")]
    op: Option<String>,
    /// Sizes to change: `M=512,N=512` [default: the largest use in the built-in networks at batch 128]
    #[arg(long, value_name = "NAME=N,..", requires = "op")]
    size: Option<String>,
    /// Only these variants
    #[arg(long, value_name = "A,B", value_delimiter = ',', requires = "op")]
    variant: Vec<String>,
    /// Activation composed in, where the operation has one: linear, relu, sigmoid, tanh
    #[arg(long, value_name = "NAME", requires = "op")]
    activation: Option<String>,
    /// Your own variant, a WGSL file (repeatable)
    #[arg(long, value_name = "FILE", requires = "op")]
    file: Vec<PathBuf>,
    /// Measure every setting of the variants that offer constants, of `--variant` and `--file` if given: a table
    /// sorted by time, and a heat map for every two constants
    #[arg(long, requires = "op", conflicts_with_all = ["template", "backends", "emit", "apart"])]
    sweep: bool,
    /// Prove at no more than N cases of the operation's page, besides the size [default: all; 3 in a sweep]
    #[arg(long, value_name = "N", requires = "op")]
    cases: Option<usize>,
    /// Prove the files and the named variants only, in this process
    #[arg(long, requires = "op", hide = true, conflicts_with = "html")]
    apart: bool,
    /// Measure again at every save of a `--file`, or of a file in the folder, until Ctrl-C
    #[arg(long, requires = "op", conflicts_with_all = ["template", "backends", "emit"])]
    watch: bool,
    /// What the driver makes of each variant: registers, spills, workgroup memory, occupancy, instructions. Only makes
    /// pipelines: nothing runs, nothing is proven, and there are no times; with --seconds it proves and times too, and
    /// the share of the arithmetic peak that the instructions allow stands beside the measured one
    #[arg(long, conflicts_with_all = ["template", "backends", "emit", "apart", "watch"])]
    stats: bool,
    /// Write the machine code of each variant into a folder, a file each
    #[arg(long, value_name = "FOLDER", requires = "stats")]
    isa: Option<PathBuf>,
    /// Print a commented WGSL file to start from
    #[arg(long, requires = "op", conflicts_with_all = ["file", "backends", "emit", "json", "csv", "html"])]
    template: bool,
    /// Translate to the languages of the back ends; needs no adapter
    #[arg(long, conflicts_with = "emit")]
    backends: bool,
    /// Print a variant in the language of a back end, as wgpu would give it to the driver; needs no adapter
    #[arg(long, value_name = "LANGUAGE", value_enum, requires = "op", conflicts_with_all = ["html", "csv"])]
    emit: Option<emit::Emit>,
    /// Seconds of timing for each variant; 0 proves only [default: 1]
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<f64>,
    /// Seconds after which a kernel counts as hung [default: 20, and more for much work]
    #[arg(long, value_name = "S", value_parser = seconds)]
    timeout: Option<f64>,
    /// Seed of the inputs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print JSON lines, one object per row
    #[arg(long)]
    json: bool,
    /// Print comma-separated values with a header
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    history: history::HistoryArgs,
    #[command(flatten)]
    page: PageArgs,
    /// Adapter, as in `wgrad adapters` (repeatable: side by side)
    #[arg(long, value_name = "ADAPTER", default_value = "best")]
    adapter: Vec<AdapterChoice>,
    /// Keep all of wgpu's checks in the built-in variants too; your own files always have them
    #[arg(long)]
    checked: bool,
}

#[derive(clap::Subcommand)]
enum Whole {
    /// Compare two whole trainings: speed, losses, weights, accuracy
    Train(Box<train::Trainings>),
}

/// The indices of `variants`, that of the reference first: if it is wrong, nothing can be compared.
fn reference_first(op: &Op, variants: &[Variant]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..variants.len()).collect();
    order.sort_by_key(|n| !(op.has_reference() && variants[*n].name() == "naive"));
    order
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds from 0 to 3600".to_string()),
    }
}

impl Lab {
    pub async fn run(self) -> Result<ExitCode> {
        if let Some(Whole::Train(trainings)) = self.whole {
            return trainings.run().await;
        }
        self.page.can_be_written()?;
        if self.watch {
            return self.watch().await;
        }
        let ops = self.operations()?;
        if let Some(name) = &self.activation {
            activations::activation(name)?;
        }
        if self.template {
            for op in &ops {
                output::bytes(spelled(&wgrad_lab::template(op)?).as_bytes())?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        if self.backends {
            return self.translate(if ops.is_empty() { OPERATIONS } else { &ops });
        }
        if let Some(language) = self.emit {
            return self.emit(&ops, language);
        }
        if ops.is_empty() && !self.stats {
            return self.list().await;
        }
        self.alone(&ops)?;
        if self.stats && self.seconds.is_none() {
            self.proves_nothing()?;
            return self.statistics(&ops).await;
        }
        self.measure(&ops).await
    }

    /// The operations that are named: none, one, or all.
    fn operations(&self) -> Result<Vec<&'static Op>> {
        Ok(match self.op.as_deref() {
            None => Vec::new(),
            Some("all") => OPERATIONS.to_vec(),
            Some(name) => match kernels::op(name) {
                Ok(op) => vec![op],
                Err(_) if folder::is_folder(name) => vec![folder::read(Path::new(name))?],
                Err(unknown) => return Err(unknown.into()),
            },
        })
    }

    /// Refuses options that belong to one operation, with several of them.
    fn alone(&self, ops: &[&'static Op]) -> Result<()> {
        if ops.len() > 1 && !(self.file.is_empty() && self.variant.is_empty() && self.size.is_none()) {
            bail!("`all` takes no --size, --variant or --file: they belong to one operation; name it");
        }
        Ok(())
    }

    /// The call to measure: the typical one, with the given activation and sizes.
    fn call(&self, op: &'static Op) -> Result<Call> {
        Ok(workload::wanted(op, self.activation.as_deref(), self.size.as_deref())?)
    }

    /// Variants to measure: all, or the named ones; then the user's files.
    fn variants(&self, op: &'static Op) -> Result<Vec<Variant>> {
        if self.sweep {
            return sweep::variants(op, &self.variant, &self.file);
        }
        let mut variants = Vec::new();
        for name in &self.variant {
            variants.push(op.find(name)?);
        }
        if self.variant.is_empty() && !self.apart {
            variants.extend(op.variants().iter().cloned());
        }
        for path in &self.file {
            variants.push(user_file::read(op, path)?);
        }
        Ok(variants)
    }

    async fn list(&self) -> Result<ExitCode> {
        let mut all = Vec::new();
        for (n, adapter) in self.adapter.iter().enumerate() {
            let device = self.open(adapter).await?;
            let rows = wgrad_lab::list(&device.context, None)?;
            match (self.json, self.csv) {
                (true, _) => rows.iter().try_for_each(output::json)?,
                (_, true) => print::csv(&rows, n == 0)?,
                _ => output::line(print::listing(&rows))?,
            }
            all.extend(rows);
        }
        self.page.write(|about| report::listed(about, &all))?;
        tell!(
            "→ marks what runs by default at these sizes; `wgrad lab OP` proves and times the variants of OP"
        );
        Ok(ExitCode::SUCCESS)
    }

    async fn open(&self, adapter: &AdapterChoice) -> Result<Device> {
        let device =
            Device::open(Options { adapter: adapter.clone(), checked: self.checked, ..Options::default() })
                .await?;
        if self.apart {
            apart::say_when_compiling(&device.context);
        }
        tell!("adapter: {}", device.context.describe());
        Ok(device)
    }

    async fn measure(&self, ops: &[&'static Op]) -> Result<ExitCode> {
        // A variant that does not compose is refused before anything is measured.
        let mut work = Vec::new();
        for op in ops {
            if ops.len() == 1 || !self.sweep || sweep::offers(op) {
                work.push((self.call(op)?, self.variants(op)?));
            }
        }
        let mut history = self.history.open(self.timing())?;
        let compilers = self.compilers().await?;
        if let Some(variables) = compilers.iter().flatten().find_map(Compiler::unset) {
            return stats::talkative(variables);
        }
        let mut all: Vec<Row> = Vec::new();
        for (n, adapter) in self.adapter.iter().enumerate() {
            let mut device = self.open(adapter).await?;
            let peaks = self.peaks(&device).await?;
            for (call, variants) in &work {
                let hung = self.timeout.unwrap_or_else(|| patience(call));
                let mut refused = BTreeMap::new();
                let mut wrong_reference = false;
                for n in reference_first(call.op, variants) {
                    let variant = &variants[n];
                    let foreign = call.op.has_reference() || user_file::is_file(variant.name());
                    if wrong_reference {
                        let reason = "not compared: the reference `naive` is wrong".to_string();
                        refused.insert(n, Refusal { reason, worst: None });
                        continue;
                    }
                    if !self.apart && foreign && matches!(call.obstacle(&device.context, variant), Ok(None)) {
                        let count = match variants.len() {
                            of if self.sweep => format!(" ({} of {of})", n + 1),
                            _ => String::new(),
                        };
                        tell!("{}: proving {} in a separate process{count}", call.op.name, variant.name());
                        let trial = apart::Trial { lab: self, call, adapter, timeout: hung };
                        if let Some(refusal) = trial.run(variant)? {
                            wrong_reference = call.op.has_reference() && variant.name() == "naive";
                            refused.insert(n, refusal);
                        }
                    }
                }
                let request = Request {
                    call: call.clone(),
                    variants: variants.clone(),
                    refused,
                    seconds: self.timing(),
                    timeout: hung,
                    seed: self.seed,
                    cases: self.cases(),
                };
                let mut rows =
                    measure(&mut device, &request, peaks.as_ref(), &mut |said| tell!("{said}")).await?;
                if let Some(compiler) = &compilers[n] {
                    self.count(compiler, n, (call, variants), &mut rows)?;
                }
                history.compare(&mut rows);
                row::sort(&mut rows);
                match (self.json, self.csv) {
                    (true, _) => rows.iter().try_for_each(output::json)?,
                    (_, true) => print::csv(&rows, all.is_empty())?,
                    _ => {}
                }
                all.extend(rows);
            }
        }
        if !self.json && !self.csv {
            for (n, (call, _)) in work.iter().enumerate() {
                let rows: Vec<&Row> = all.iter().filter(|row| row.op == call.op.name).collect();
                let gap = if n > 0 { "\n" } else { "" };
                output::line(format!("{gap}{}", print::rows(call, &rows, self.adapter.len() > 1)))?;
            }
            let maps = if self.sweep { sweep::heat_maps(&all) } else { String::new() };
            if !maps.is_empty() {
                output::line(maps)?;
            }
        }
        let page = if self.sweep { report::swept } else { report::measured };
        self.page.write(|about| Ok(page(about, &all)))?;
        let slower = history.end(&all)?;
        let wrong = all.iter().any(|row| row.status == Status::Wrong);
        Ok(if wrong || slower { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    /// Number of the operation's cases at which each variant is proven; `None` for all.
    fn cases(&self) -> Option<usize> {
        self.cases.or(self.sweep.then_some(sweep::CASES))
    }

    /// Seconds of timing for each variant.
    fn timing(&self) -> f64 {
        self.seconds.unwrap_or(1.0)
    }

    async fn peaks(&self, device: &Device) -> Result<Option<Peaks>> {
        if self.timing() == 0.0 {
            return Ok(None);
        }
        let peaks = peaks::measure(&device.context, self.timing().min(2.0)).await?;
        tell!(
            "peaks: {:.1} GFLOP/s of multiplications and additions, {:.1} GB/s of copying ({})",
            peaks.gflops,
            peaks.gbps,
            peaks.clock
        );
        Ok(Some(peaks))
    }

    /// The files whose saves `--watch` waits for.
    fn watched(&self) -> Vec<PathBuf> {
        let mut files = self.file.clone();
        let folder = self.op.as_deref().filter(|name| kernels::op(name).is_err()).map(Path::new);
        let entries = folder.and_then(|folder| folder.read_dir().ok()).into_iter().flatten().flatten();
        files.extend(
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "wgsl")),
        );
        files.sort();
        files
    }

    /// Measures at every save of a file, until Ctrl-C.
    async fn watch(&self) -> Result<ExitCode> {
        if self.watched().is_empty() {
            bail!(
                "--watch waits for saves, and there is no file: give --file FILE, or a folder with interface.wgsl as OP"
            );
        }
        let stamp = |path: &Path| -> Option<(SystemTime, u64)> {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        let stamps = || {
            let files = self.watched();
            files.into_iter().map(|path| (stamp(&path), path)).collect::<Vec<_>>()
        };
        loop {
            let seen = stamps();
            // The next save may correct a mistake.
            let measured = match self.operations().and_then(|ops| self.alone(&ops).map(|()| ops)) {
                Ok(ops) => self.measure(&ops).await,
                Err(error) => Err(error),
            };
            if let Err(error) = measured {
                tell!("error: {error:#}");
                self.page.write(|about| Ok(report::failed(about, &format!("{error:#}"))))?;
            }
            if output::is_unread() {
                return Ok(ExitCode::SUCCESS);
            }
            tell!("watching for the next save; Ctrl-C ends");
            // Some editors remove the file for a moment.
            while stamps() == seen || stamps().iter().any(|(stamp, _)| stamp.is_none()) {
                sleep(LOOK);
            }
        }
    }

    fn translate(&self, ops: &[&'static Op]) -> Result<ExitCode> {
        let mut rows = Vec::new();
        for op in ops {
            let call = self.call(op)?;
            for variant in self.variants(op)? {
                rows.extend(backends::translate(&call, &variant, self.checked)?);
            }
        }
        match (self.json, self.csv) {
            (true, _) => rows.iter().try_for_each(output::json)?,
            (_, true) => print::csv(&rows, true)?,
            _ => output::line(print::translations(&rows))?,
        }
        self.page.write(|about| Ok(report::translated(about, &rows)))?;
        let wrong = rows.iter().filter(|row| row.status == Status::Wrong);
        for row in wrong.clone() {
            tell!("{}/{}: {}", row.op, row.variant, row.reason.as_deref().unwrap_or_default());
        }
        Ok(if wrong.count() > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}
