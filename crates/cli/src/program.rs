//! The program wgrad: parses the command line, runs the command and sets the exit code. 0: done; 1: a check or a target
//! was missed; 2: an error; 130: interrupted; 101: a panic, which is a bug in wgrad. A panic in wgpu counts as an error
//! of the device.
//!
//! Each command has its own file. This file holds what they share: options, the adapter, the data set. Data goes to
//! stdout, messages and progress to stderr.

#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

#[macro_use]
mod talk;

mod adapters;
mod advice;
mod bench;
mod check;
mod compare;
mod completions;
mod config;
mod data;
mod defaults;
#[cfg(test)]
mod documents;
mod drawn;
mod elsewhere;
mod eval;
mod export;
mod fields;
mod fit;
mod growth;
mod help;
mod import;
mod interrupt;
mod invoked;
mod lab;
#[cfg(feature = "serve")]
mod live;
#[cfg(not(feature = "serve"))]
#[path = "live/none.rs"]
mod live;
mod loading;
mod lr_find;
mod memory;
mod models;
mod network;
mod numbers;
mod onnx_node;
mod objective;
mod output;
mod page;
mod predict;
mod preparing;
mod profile;
mod progress;
mod reading;
mod recover;
mod report;
mod rm;
mod runs;
#[cfg(feature = "serve")]
mod serve;
mod sweep;
mod train;
mod tune;
#[cfg(feature = "serve")]
mod web;

use anyhow::Result;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
pub use invoked::Interpreter;
use reading::{ReadingArgs, Wanted};
use std::{ffi::OsString, panic, path::Path, process::ExitCode, sync::Arc};
use wgrad::{
    data::Dataset,
    gpu::{AdapterChoice, Context, Options, guarded},
    model::Model,
    networks,
    op::AdapterClass,
};
use wgrad_data::{DataSpec, Reading, table::Table};
use wgrad_files::{pipelines::PipelineFiles, proofs::ProofFiles};
use wgrad_formats::keras;
use wgrad_run::Run;

/// Trains neural networks on any GPU, and compares shader variants.
#[derive(Parser)]
#[command(name = "wgrad", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// The definition of all commands and options.
    fn grammar() -> clap::Command {
        help::in_two_lengths(Self::command())
    }

    /// Parses the command line, with the options that its `--config` and its recipe add.
    fn read(line: impl Iterator<Item = OsString>) -> Result<Self, clap::Error> {
        let line: Vec<OsString> = line.collect();
        let line = config::completed(&line)?.unwrap_or(line);
        let matches = Self::grammar().try_get_matches_from(&line);
        let matches = matches.map_err(|error| advice::advised(error, Self::grammar(), &line))?;
        match train::recipe::completed(&matches, line) {
            None => Self::from_arg_matches(&matches),
            Some(line) => Self::from_arg_matches(&Self::grammar().try_get_matches_from(line)?),
        }
    }
}

const EXAMPLES: &str = "Examples:
  wgrad train                            train `mlp` on Fashion-MNIST, on the best adapter here
  wgrad train --model cnn --epochs 3     a convolutional network
  wgrad train --recipe cnn               the same, with tuned settings
  wgrad train --data synthetic           garments drawn from a seed: no files, no network
  wgrad train --live                     with a live page to watch and steer it
  wgrad runs                             the runs so far, with their results
  wgrad compare mlp-1 mlp-2              what differs between runs, and whether it exceeds the spread of seeds
  wgrad sweep --grid lr=0.1,0.01         train with each of these settings, and rank them
  wgrad eval runs/mlp-1                  test accuracy and confusion matrix of a run
  wgrad report runs/mlp-1                the same and much more, as a page with pictures
  wgrad lab matmul                       prove and time its shader variants
  wgrad tune cnn                         choose its variants by measurement, for later trainings
  wgrad adapters                         the adapters here, and which one would be used

Exit codes: 0 done, 1 a check or a target was missed, 2 an error, 130 interrupted; 101 a bug in wgrad.";

#[derive(Subcommand)]
enum Command {
    /// Train a network; the run folder keeps weights, metrics and all settings
    Train(Box<train::Train>),
    /// Evaluate a run: test accuracy and confusion matrix
    Eval(eval::Eval),
    /// Write one page about one or more runs: curves, classes, mistakes, what the network sees
    Report(report::Report),
    /// Classify pictures with the network of a run
    Predict(predict::Predict),
    /// List runs: results, settings that differ, which are being trained
    Runs(runs::Runs),
    /// Compare runs: settings that differ, results, curves, and what exceeds the spread of seeds
    Compare(compare::Compare),
    /// Train with many settings, and rank them: grid, random, successive halving
    Sweep(Box<sweep::Sweep>),
    /// Remove runs, after a question
    Rm(rm::Rm),
    /// Print the settings of a run as a file for `wgrad train --config`
    Config(config::Config),
    /// Serve the network of a run: a page that takes pictures, and JSON over HTTP
    #[cfg(feature = "serve")]
    Serve(serve::Serve),
    /// Write the network of a run as an ONNX file, or its weights alone
    Export(export::Export),
    /// Turn an ONNX file into a run for `eval`, `predict` and further training
    Import(import::Import),
    /// Compare each step with the CPU twins, name the first that differs, and check gradients
    Check(check::Check),
    /// Compare shader variants, your own files included: proof first, then time
    Lab(Box<lab::Lab>),
    /// Suggest a learning rate from a short training in which it rises
    LrFind(Box<lr_find::LrFind>),
    /// Choose the fastest correct variants for a network on this adapter, and keep the choice
    Tune(tune::Tune),
    /// List the adapters of this machine, and which one would be used
    Adapters(adapters::Adapters),
    /// Fetch, describe or show a data set
    Data(data::Data),
    /// List built-in networks, or describe one: layers, shapes, parameters, FLOPs, memory
    Models(models::Models),
    /// Measure training images per second of the built-in networks on this adapter
    Bench(bench::Bench),
    /// Show where a training step spends its time: each dispatch, the host, a trace for a viewer
    Profile(profile::Profiler),
    /// Run ONNX's own test cases on the kernels
    #[command(hide = true)]
    OnnxNode(onnx_node::OnnxNode),
    /// Print a completion script for a shell
    Completions(completions::Completions),
}

/// Runs the command that was given.
async fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Train(command) => command.run().await,
        Command::Eval(command) => command.run().await,
        Command::Report(command) => command.run().await,
        Command::Predict(command) => command.run().await,
        Command::Runs(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Sweep(command) => command.run().await,
        Command::Rm(command) => command.run(),
        #[cfg(feature = "serve")]
        Command::Serve(command) => command.run().await,
        Command::Export(command) => command.run().await,
        Command::Import(command) => command.run(),
        Command::Check(command) => command.run().await,
        Command::Lab(command) => command.run().await,
        Command::LrFind(command) => command.run().await,
        Command::Tune(command) => command.run().await,
        Command::Adapters(command) => command.run().await,
        Command::Data(command) => command.run().await,
        Command::Models(command) => command.run(),
        Command::Bench(command) => command.run().await,
        Command::Profile(command) => command.run().await,
        Command::OnnxNode(command) => command.run().await,
        Command::Completions(command) => command.run(),
    }
}

/// Runs the program with the arguments of this process, where `interpreter`, such as Python, runs it.
pub fn main_in(interpreter: Interpreter) -> ExitCode {
    invoked::set_interpreter(interpreter);
    main()
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    without_talk_of_wayland();
    let reported = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        reported(info);
        tell!("this is a bug in wgrad: please report it, with the lines above and the command");
    }));
    let cli = match Cli::read(std::iter::once(invoked::name()).chain(invoked::arguments())) {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    match pollster::block_on(guarded(run(cli))) {
        Ok(code) => code,
        Err(error) => {
            tell!("error: {}", in_words(&error));
            ExitCode::from(2)
        }
    }
}

/// Options of [`report`]; `seconds` is the time of the profile.
pub struct Reported {
    /// Folders of the runs.
    pub runs: Vec<std::path::PathBuf>,
    /// Number of the test image that is explained, from 0.
    pub image: usize,
    /// True for the weights of the last epoch instead of the best.
    pub last: bool,
    /// True for what the runs recorded alone.
    pub curves: bool,
    /// Seconds to measure where a step spends its time.
    pub seconds: Option<f64>,
    /// The adapter, as the option `--adapter` names it.
    pub device: String,
}

/// The page of `wgrad report` as HTML.
///
/// # Errors
/// What does not fit, in words.
pub async fn report(wanted: Reported) -> std::result::Result<String, String> {
    let made = async { Ok::<_, anyhow::Error>(report::Report::of(wanted)?.page().await?.html()) };
    made.await.map_err(|error| in_words(&error))
}

/// Prints clap's answer: the error in the command line, the help or the version.
fn refused(error: &clap::Error) -> ExitCode {
    let said = error.render().to_string();
    let reported = advice::expected(fields::spelled(&said).into_owned());
    // Only where the words about a refused value change are clap's colours lost.
    if reported == said {
        error.exit();
    }
    tell!("{}", reported.trim_end());
    ExitCode::from(2)
}

/// Restarts the program with a runtime folder in its environment if there is none, which silences libwayland.
///
/// Without that folder, as in a container or under `sudo`, libwayland prints an error each time Mesa's Vulkan layer
/// lists the adapters. With a folder that does not exist it is silent. A running program cannot safely change its own
/// environment, so it starts again with the new one.
#[cfg(target_os = "linux")]
fn without_talk_of_wayland() {
    use std::{env, os::unix::process::CommandExt, process::Command};
    const FOLDER: &str = "XDG_RUNTIME_DIR";
    if env::var_os(FOLDER).is_none() {
        let mut line = env::args_os();
        let mut again = Command::new("/proc/self/exe");
        again.arg0(line.next().unwrap_or_else(|| "wgrad".into())).args(line).env(FOLDER, "/nonexistent");
        // `exec` returns only if it fails: then libwayland's error is printed, and everything else works.
        let _talk = again.exec();
    }
}

/// An error with its causes, except those that the text before them already contains.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !words.contains(&cause) {
            words.push_str(": ");
            words.push_str(&cause);
        }
    }
    words
}

/// Options for the adapter and for the compilation of its kernels.
#[derive(Args, Clone)]
pub struct AdapterArgs {
    /// Adapter: an index from `wgrad adapters`, a part of a name, `gpu`, `cpu`, or a back end (`vulkan`, `gl`, `metal`,
    /// `dx12`)
    #[arg(long, value_name = "ADAPTER", default_value = "best")]
    pub adapter: AdapterChoice,
    /// Keep all of wgpu's bounds and loop checks in the kernels (slower)
    #[arg(long)]
    pub checked: bool,
}

impl AdapterArgs {
    /// Options for opening a device.
    pub fn options(&self) -> Options {
        Options { adapter: self.adapter.clone(), checked: self.checked, ..Options::default() }
    }

    /// Opens the adapter. Its kernels are proven before they run, unless they were proven before.
    pub async fn connect(&self) -> Result<Context> {
        let context = Context::open(&self.options()).await?;
        preparing::tell(&context);
        context.prove_first(Some(Arc::new(ProofFiles::from_env())));
        context.keep_pipelines(Arc::new(PipelineFiles::from_env())).await;
        Ok(context)
    }

    /// Opens the adapter and prints its name. Its kernels are proven before they run, unless they were proven before.
    pub async fn open(&self) -> Result<Context> {
        let context = self.connect().await?;
        output::say(format!("adapter: {}", context.describe()));
        if context.class == AdapterClass::Cpu {
            tell!(
                "warning: running on the CPU, a SOFTWARE adapter (10 to 1000 times slower than a GPU). If this machine has a \
                 GPU, install its Vulkan driver; `wgrad adapters` lists what is usable"
            );
        }
        Ok(context)
    }
}

/// Options for the data set.
#[derive(Args, Clone)]
pub struct DataArgs {
    /// Data set: `fashion-mnist`, `synthetic`, or a path to your own data (see docs/data.md)
    #[arg(long, value_name = "NAME|PATH", default_value = "fashion-mnist")]
    pub data: DataSpec,
    /// Use only the first N training images
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Move this share of the training images into a validation set
    #[arg(long, value_name = "SHARE")]
    pub validation: Option<f64>,
    /// Normalize by the mean and deviation of each channel of the training images; the run keeps them
    #[arg(long)]
    pub normalize: bool,
    // Options for reading it. Not a doc comment: clap would take it for the help of the command.
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: ReadingArgs,
}

impl DataArgs {
    /// Loads the data set, fetching it first if it is not here, and prints where it came from.
    pub fn load(&self, seed: u64) -> Result<Dataset> {
        self.load_as(&self.reading.reading(), seed, None)
    }

    /// Like [`Self::load`], with these reading options, and with the columns of a table as in `table`.
    pub fn load_as(&self, reading: &Reading, seed: u64, table: Option<&Table>) -> Result<Dataset> {
        let Self { limit, validation, normalize, .. } = *self;
        let numbers = self.reading.numbers();
        let wanted = Wanted { limit, validation, seed, numbers, normalize, table };
        reading::load(&self.data, reading, &wanted)
    }
}

/// Loads a model from one of Keras's files and prints its notes; with `initial`, also those on its initialisers.
pub fn keras_model(path: &Path, input_shape: [usize; 3], initial: bool) -> Result<keras::Loaded> {
    let loaded = keras::load(path, Some(input_shape))?;
    let initializers = loaded.initializers.iter().filter(|_| initial);
    loaded.notes.iter().chain(initializers).for_each(|note| tell!("note: {}: {note}", path.display()));
    Ok(loaded)
}

/// The model that the command line names: a built-in network, a TOML file, one of Keras's, or that of a run.
pub fn model(name: &str, input_shape: [usize; 3], classes: usize) -> Result<Model> {
    let path = Path::new(name);
    if let Some(folder) = network::run_of(name) {
        return Ok(Run::open(&folder)?.config.model);
    }
    Ok(match (keras::is_keras(path), network::is_file(name)) {
        (true, _) => keras_model(path, input_shape, true)?.model,
        (false, true) => wgrad_formats::model_file::load(path)?,
        (false, false) => networks::network(name, input_shape, classes)?,
    })
}
