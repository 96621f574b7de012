//! The program wgrad: parse, run, exit code. 0: done; 1: a check or a target was missed; 2: an error; 130: interrupted;
//! 101: a panic, which is a mistake of wgrad. One of wgpu is an error of the device.
//!
//! The commands stand in a file each; here is what they share: options, the adapter, the data set. Data goes to stdout, talk and
//! progress to stderr.

#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

#[macro_use]
mod talk;

mod adapters;
mod advice;
mod bench;
mod check;
mod completions;
mod data;
#[cfg(test)]
mod documents;
mod eval;
mod export;
mod fields;
mod fit;
mod growth;
mod import;
mod interrupt;
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
#[cfg(feature = "serve")]
mod serve;
mod train;
mod tune;
#[cfg(feature = "serve")]
mod web;

use anyhow::Result;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use reading::{ReadingArgs, Wanted};
use std::{borrow::Cow, ffi::OsString, panic, path::Path, process::ExitCode};
use wgrad::{
    data::Dataset,
    gpu::{AdapterChoice, Context, Options, guarded},
    model::Model,
    networks,
    op::AdapterClass,
};
use wgrad_data::{DataSpec, Reading, table::Table};
use wgrad_files::proofs::ProofFiles;
use wgrad_formats::keras;

/// Trains neural networks on any GPU, and compares shader variants.
#[derive(Parser)]
#[command(name = "wgrad", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// The command line, with what a recipe on it adds.
    fn read(line: impl Iterator<Item = OsString>) -> Result<Self, clap::Error> {
        let line: Vec<OsString> = line.collect();
        let matches = Self::command().try_get_matches_from(&line);
        let matches = matches.map_err(|error| advice::advised(error, Self::command(), &line))?;
        match train::recipe::completed(&matches, line) {
            None => Self::from_arg_matches(&matches),
            Some(line) => Self::from_arg_matches(&Self::command().try_get_matches_from(line)?),
        }
    }
}

const EXAMPLES: &str = "Examples:
  wgrad train                            train `mlp` on Fashion-MNIST, on the best adapter here
  wgrad train --model cnn --epochs 3     a convolutional network
  wgrad train --recipe cnn               the same, with all the settings that are known to do it good
  wgrad train --data synthetic           garments drawn from a seed: no files, no network
  wgrad train --live                     with a page that follows it and steers it
  wgrad eval runs/mlp-1                  test accuracy and confusion matrix of a run
  wgrad report runs/mlp-1                the same and much more, as a page with pictures
  wgrad lab matmul                       prove and time its shader variants
  wgrad tune cnn                         choose its variants by measurement, for later trainings
  wgrad adapters                         what is here, and which would be used

Exit codes: 0 done, 1 a check or a target was missed, 2 an error, 130 interrupted; 101 a mistake in wgrad.";

#[derive(Subcommand)]
enum Command {
    /// Train a network; the run folder keeps weights, metrics and how to repeat it
    Train(Box<train::Train>),
    /// Test accuracy and confusion matrix of a run
    Eval(eval::Eval),
    /// One page about a run or several: curves, classes, mistakes, what the network sees
    Report(report::Report),
    /// Classify pictures with the network of a run
    Predict(predict::Predict),
    /// Serve the network of a run: a page that takes pictures, and JSON over HTTP
    #[cfg(feature = "serve")]
    Serve(serve::Serve),
    /// Write the network of a run as an ONNX file, or its weights alone
    Export(export::Export),
    /// Read an ONNX file: a run for `eval`, `predict` and further training
    Import(import::Import),
    /// Replay the plan beside the CPU twins, name the first step that differs; check gradients
    Check(check::Check),
    /// Compare shader variants: proof, then time; your own files beside the built-in ones
    Lab(Box<lab::Lab>),
    /// Let the learning rate rise in a short training, and suggest one
    LrFind(Box<lr_find::LrFind>),
    /// Choose the fastest right variants for a network on this adapter, and keep the choice
    Tune(tune::Tune),
    /// List the adapters of this machine, and which one would be used
    Adapters(adapters::Adapters),
    /// Fetch, describe or show a data set
    Data(data::Data),
    /// List built-in networks, or describe one: layers, shapes, parameters, FLOPs, memory
    Models(models::Models),
    /// Measure training images per second of the built-in networks on this adapter
    Bench(bench::Bench),
    /// Where a training step spends its time: each dispatch, the host, a trace for a viewer
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

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    without_talk_of_wayland();
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        told(info);
        tell!("this is a mistake in wgrad: please report it, with the lines above and the command");
    }));
    let cli = match Cli::read(std::env::args_os()) {
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

/// Says what is wrong with the command line, or what was asked for: help, the version.
fn refused(error: &clap::Error) -> ExitCode {
    let said = error.render().to_string();
    // A value that the library does not take is told in its words; only then clap's colours are lost.
    match fields::spelled(&said) {
        Cow::Borrowed(_) => error.exit(),
        Cow::Owned(told) if told == said => error.exit(),
        Cow::Owned(told) => {
            tell!("{}", told.trim_end());
            ExitCode::from(2)
        }
    }
}

/// Without a runtime folder in the environment, as in a container or under `sudo`, libwayland prints an error for every
/// list of adapters that Mesa's Vulkan layer makes, whatever that is for. With one that is not there it is silent; but a
/// program cannot safely change its environment once it runs, so it begins anew with it.
#[cfg(target_os = "linux")]
fn without_talk_of_wayland() {
    use std::{env, os::unix::process::CommandExt, process::Command};
    const FOLDER: &str = "XDG_RUNTIME_DIR";
    if env::var_os(FOLDER).is_none() {
        let mut line = env::args_os();
        let mut again = Command::new("/proc/self/exe");
        again.arg0(line.next().unwrap_or_else(|| "wgrad".into())).args(line).env(FOLDER, "/nonexistent");
        // It comes back only where that cannot be: then the error is printed, and all else is as it should be.
        let _talk = again.exec();
    }
}

/// An error with its causes, without those that the text before them has told already.
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

/// Which adapter, and how its kernels are compiled.
#[derive(Args, Clone)]
pub struct AdapterArgs {
    /// Adapter: an index of `wgrad adapters`, a part of a name, `gpu`, `cpu`, or a back end (`vulkan`, `gl`, `metal`, `dx12`)
    #[arg(long, value_name = "ADAPTER", default_value = "best")]
    pub adapter: AdapterChoice,
    /// Keep all of wgpu's bounds and loop checks in the kernels (slower)
    #[arg(long)]
    pub checked: bool,
}

impl AdapterArgs {
    /// How to open a device.
    pub fn options(&self) -> Options {
        Options { adapter: self.adapter.clone(), checked: self.checked, ..Options::default() }
    }

    /// Opens the adapter. What runs on it is proven first, unless it was before.
    pub async fn connect(&self) -> Result<Context> {
        let context = Context::open(&self.options()).await?;
        context.prove_first(Some(std::sync::Arc::new(ProofFiles::from_env())));
        preparing::tell(&context);
        Ok(context)
    }

    /// Opens the adapter and says which one it is. What runs on it is proven first, unless it was before.
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

/// Which data set.
#[derive(Args, Clone)]
pub struct DataArgs {
    /// Data set: `fashion-mnist`, `synthetic`, or a path to data of your own (see docs/data.md)
    #[arg(long, value_name = "NAME|PATH", default_value = "fashion-mnist")]
    pub data: DataSpec,
    /// Use only the first N training images
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Move this share of the training images into a validation set
    #[arg(long, value_name = "SHARE")]
    pub validation: Option<f64>,
    /// Take out the mean and deviation of each channel of the training images; the run keeps them
    #[arg(long)]
    pub normalize: bool,
    // How it is read. No comment for clap: it would take it for the text of the command.
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: ReadingArgs,
}

impl DataArgs {
    /// Loads the data set, fetching it first where it is not here, and says where it came from.
    pub fn load(&self, seed: u64) -> Result<Dataset> {
        self.load_as(&self.reading.reading(), seed, None)
    }

    /// The same, read as `reading` says, the columns of a table as `table` does.
    pub fn load_as(&self, reading: &Reading, seed: u64, table: Option<&Table>) -> Result<Dataset> {
        let Self { limit, validation, normalize, .. } = *self;
        let numbers = self.reading.numbers();
        let wanted = Wanted { limit, validation, seed, numbers, normalize, table };
        reading::load(&self.data, reading, &wanted)
    }
}

/// A model from one of Keras's files, with what is to be said about it; of its initialisers, too, where that is asked for.
pub fn keras_model(path: &Path, input_shape: [usize; 3], initial: bool) -> Result<keras::Loaded> {
    let loaded = keras::load(path, input_shape)?;
    let initializers = loaded.initializers.iter().filter(|_| initial);
    loaded.notes.iter().chain(initializers).for_each(|note| tell!("note: {}: {note}", path.display()));
    Ok(loaded)
}

/// The model that `--model` names: a built-in network, a TOML file or one of Keras's.
pub fn model(name: &str, input_shape: [usize; 3], classes: usize) -> Result<Model> {
    let path = Path::new(name);
    if keras::is_keras(path) {
        return Ok(keras_model(path, input_shape, true)?.model);
    }
    let built_in = networks::NETWORKS.iter().any(|(known, _)| *known == name);
    if name.ends_with(".toml") || path.components().count() > 1 || (!built_in && path.exists()) {
        return Ok(wgrad_formats::model_file::load(path)?);
    }
    Ok(networks::network(name, input_shape, classes)?)
}
