//! A run is a folder with `run.json` (its full configuration), `metrics.jsonl` and `layers.jsonl` (one line per epoch),
//! `last.safetensors` (the whole state) and `best.safetensors` (the weights of the best epoch). Files are written to a
//! temporary name, flushed and renamed, or grow by a line, so that a crash at any time leaves a run that can be loaded.
//! Only one process at a time writes to the folder.
// A library does not print, and `eprintln!` panics if stderr is closed.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// Named settings that train the built-in networks to a known accuracy.
pub mod recipe;
mod decided;
mod errors;
mod lines;
mod owner;
/// Runs by name, and all runs of a folder.
pub mod listing;
mod folder;
mod trend;
/// Comparison of trainings.
pub mod comparison;
mod state;
/// Removal of runs.
pub mod removal;

pub use errors::Errors;
use errors::{is_no_accuracy, no_accuracy};
pub use lines::LayersLine;
use owner::Owner;
use serde::{Deserialize, Serialize};
pub use state::{NOT_SAVED, read_fitting, read_weights};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
pub use trend::{Chance, FEWEST_STEPS, Outcome, Trend};
use wgrad::{
    Error, Result,
    data::Dataset,
    error::io_error,
    gpu::AdapterRecord,
    kernels,
    metrics::{Metrics, OfHeads},
    model::Model,
    op::{setting, user_file},
    preprocessing::Preprocessing,
    program::Parameter,
    selection::{Choices, Defaults},
    team::TeamOptions,
    train::Options,
    words::quoted_path,
};
use wgrad_data::{
    Reading,
    pictures::{Preparation, pictures_of},
    table::Table,
};
use wgrad_files::{read_regular, write_owned};

/// The full configuration of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// wgrad's version.
    pub version: String,
    /// The network.
    pub model: Model,
    /// The data that it trains on.
    pub data: DataRecord,
    /// Batch, epochs, seed, optimizer, schedule, variants chosen by hand or tuned.
    pub options: Options,
    /// The recipe that the options came from, except for options that override it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// The file of weights that it started from, if any.
    pub init: Option<PathBuf>,
    /// True if it started from those layers of that file that fit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_mismatch: bool,
    /// The adapter on which it ran.
    pub adapter: AdapterRecord,
    /// The kernels of its training step, as `operation/variant`.
    pub kernels: Vec<String>,
    /// The variant of each call of its training and evaluation, by [`wgrad::op::Call::key`]; empty for runs of older
    /// versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<String, String>,
    /// SHA-256 of each of the user's shader files, by operation; the run's folder has the text, as `OPERATION.wgsl`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// The ranks that trained it, if there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks: Option<RanksRecord>,
    /// Pauses of the training. They affect nothing but its duration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
}

/// Record of the ranks of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RanksRecord {
    /// Number of ranks.
    pub size: usize,
    /// Their settings.
    #[serde(flatten)]
    pub team: TeamOptions,
}

/// A pause of a training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// Step after which it paused, counted from the start of the training.
    pub step: u64,
    /// Duration, seconds.
    pub seconds: f64,
}

/// Record of the data of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Name of the requested data, as given by the user.
    pub spec: String,
    /// The set's name.
    pub name: String,
    /// SHA-256 of its decompressed content.
    pub digest: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Maximum number of training images.
    pub limit: Option<usize>,
    /// Share of the training images used for validation.
    pub validation: Option<f64>,
    /// Further options for reading the data.
    #[serde(default, skip_serializing_if = "Reading::is_default")]
    pub reading: Reading,
    /// Preprocessing of images and labels; `normalization`, if present, has `mean` and `deviation` of each channel.
    #[serde(flatten)]
    pub input: Preprocessing,
    /// Conversion of the columns of a table to numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// Preparation of the pictures of a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<Preparation>,
}

impl DataRecord {
    /// The `spec` of an imported network whose data is unknown.
    pub const UNKNOWN: &str = "unknown";

    /// Creates the record of `data` that were loaded from `spec`.
    pub fn of(
        data: &Dataset,
        spec: String,
        limit: Option<usize>,
        validation: Option<f64>,
        reading: Reading,
    ) -> Self {
        Self {
            spec,
            name: data.name.clone(),
            digest: data.digest.clone(),
            classes: data.classes.clone(),
            limit,
            validation,
            reading,
            input: data.input.clone(),
            table: data.table.clone(),
            preparation: match pictures_of(&data.train.images) {
                Some((pictures, _)) => Some(pictures.preparation),
                None => as_they_are(data),
            },
        }
    }

    /// Returns the name of its examples: rows of a table, or images.
    pub fn things(&self) -> &'static str {
        if self.table.is_some() { "rows" } else { "images" }
    }
}

/// Returns the preparation of pictures for a network whose training images are not light on dark: unchanged. Pictures
/// for networks trained on light-on-dark images, such as those of MNIST and its successors, are inverted if they are
/// dark on light.
fn as_they_are(data: &Dataset) -> Option<Preparation> {
    /// Number of examined images, and the mean border value from which an image counts as light.
    const LOOKED_AT: usize = 500;
    const LIGHT: u32 = 128;
    let (height, width, channels) = (data.height, data.width, data.channels);
    if channels != 1 || data.input.floats || height < 2 || width < 2 {
        return None;
    }
    let pixels = data.pixels();
    let border = |image: &[u8]| -> bool {
        let on_it = |at: &usize| {
            let (y, x) = (at / width, at % width);
            y == 0 || x == 0 || y + 1 == height || x + 1 == width
        };
        let border: Vec<u32> = (0..pixels).filter(on_it).map(|at| u32::from(image[at])).collect();
        border.iter().sum::<u32>() / border.len().max(1) as u32 >= LIGHT
    };
    let images = data.train.len().min(LOOKED_AT);
    let light =
        (0..images).filter(|n| data.train.image(*n, pixels).is_some_and(|image| border(&image))).count();
    (10 * light > images).then_some(Preparation { height, width, channels, fit: Default::default() })
}

/// One line of `metrics.jsonl`. Accuracies are shares in [0, 1], losses nats. A regression has no accuracy: NaN here,
/// absent from the file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochLine {
    /// Number of the epoch, from 1.
    pub epoch: u64,
    /// Steps done since the start of the training.
    pub step: u64,
    /// Mean training loss over the epoch, while the weights changed.
    pub train_loss: f64,
    /// Mean training accuracy over the epoch, while the weights changed.
    #[serde(default = "no_accuracy", skip_serializing_if = "is_no_accuracy")]
    pub train_accuracy: f64,
    /// Loss on the validation images, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Accuracy on the validation images, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// Loss on the test images, after the epoch.
    pub test_loss: f64,
    /// Accuracy on the test images, after the epoch.
    #[serde(default = "no_accuracy", skip_serializing_if = "is_no_accuracy")]
    pub test_accuracy: f64,
    /// Errors of a regression.
    #[serde(flatten)]
    pub errors: Errors,
    /// Loss and accuracy of each of several outputs, in their order: of the training, of the validation images, and of the
    /// test images.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub train_outputs: OfHeads,
    #[serde(default, skip_serializing_if = "is_empty")]
    #[allow(missing_docs, reason = "the field before it says it")]
    pub validation_outputs: OfHeads,
    #[serde(default, skip_serializing_if = "is_empty")]
    #[allow(missing_docs, reason = "the field before it says it")]
    pub test_outputs: OfHeads,
    /// Training speed of the epoch in images per second, without evaluation.
    pub images_per_second: f64,
    /// Seconds of training in the epoch; absent from runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_seconds: Option<f64>,
    /// Seconds of evaluation after the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_seconds: Option<f64>,
}

fn is_empty(heads: &OfHeads) -> bool {
    heads.is_empty()
}

impl Config {
    /// The settings of a run on `adapter` with `options`: it started from initial weights, and has no kernels yet.
    pub fn new(model: Model, data: DataRecord, options: Options, adapter: AdapterRecord) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            model,
            data,
            options,
            recipe: None,
            init: None,
            skip_mismatch: false,
            adapter,
            kernels: Vec::new(),
            calls: BTreeMap::new(),
            files: BTreeMap::new(),
            ranks: None,
            pauses: Vec::new(),
        }
    }
}

impl EpochLine {
    /// Seconds of training and evaluation; `None` if the training's were not recorded.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.train_seconds? + self.evaluation_seconds.unwrap_or(0.0))
    }

    /// Creates the line of an epoch from its metrics.
    pub fn new(
        epoch: u64,
        step: u64,
        [train, test]: [Metrics; 2],
        validation: Option<Metrics>,
        images_per_second: f64,
    ) -> Self {
        Self {
            epoch,
            step,
            train_loss: train.loss,
            train_accuracy: train.accuracy,
            validation_loss: validation.map(|m| m.loss),
            validation_accuracy: validation.map(|m| m.accuracy),
            test_loss: test.loss,
            test_accuracy: test.accuracy,
            errors: Errors::default(),
            train_outputs: train.heads,
            validation_outputs: validation.map(|m| m.heads).unwrap_or_default(),
            test_outputs: test.heads,
            images_per_second,
            train_seconds: Some(train.images as f64 / images_per_second)
                .filter(|seconds| seconds.is_finite()),
            evaluation_seconds: None,
        }
    }

    /// Converts the line to that of a regression, with `errors` in place of accuracies.
    pub fn of_regression(self, errors: Errors) -> Self {
        let none = no_accuracy();
        Self { train_accuracy: none, test_accuracy: none, validation_accuracy: None, errors, ..self }
    }

    /// Returns the line without its times, which no two runs share.
    pub fn without_times(self) -> Self {
        Self { images_per_second: 0.0, train_seconds: None, evaluation_seconds: None, ..self }
    }
}

/// A run's folder.
#[derive(Clone, Debug)]
pub struct Run {
    /// Path of the folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: Config,
    parameters: Vec<Parameter>,
    /// The right to write there; `None` if it was only opened.
    owner: Option<Arc<Owner>>,
}

const CONFIG: &str = "run.json";
/// File of the whole state after the last save.
pub const LAST: &str = "last.safetensors";
/// File of the weights of the best epoch.
pub const BEST: &str = "best.safetensors";
/// File that lists the data files that could not be read.
pub const BROKEN: &str = "unreadable.txt";
const SPACE: &str = "check that the folder can be written and the disk has space";

impl Run {
    /// Returns the variants chosen by hand, with the folder's copies in place of the user's own shaders, the tuned ones,
    /// and those that ran by default when the run began.
    ///
    /// # Errors
    /// [`Error::Run`] if a copy is missing or has changed since the run began.
    pub fn variants(&self) -> Result<Choices> {
        let mut choices = self.config.options.variants.clone();
        let Config { calls, kernels: all, .. } = &self.config;
        let kernels_then = if calls.is_empty() { all.clone() } else { Vec::new() };
        choices.defaults = Defaults { calls: calls.clone(), kernels: kernels_then };
        for (op, name) in choices.by_hand.iter_mut().filter(|(_, name)| user_file::is_file(name)) {
            let path = self.folder.join(format!("{op}.wgsl"));
            let fail = |message: String| Error::Run { folder: self.folder.clone(), message };
            if folder::component(op) != op {
                return Err(fail(format!("has a {CONFIG} that is damaged: {op:?} is not an operation")));
            }
            if let Some(now) = kernels::op(op).ok().filter(|now| now.name != op) {
                return Err(fail(format!(
                    "began with the shader {name} for {op}, which is a part of {} now; go on with the version that \
                     began it, or start a new run, from these weights by `.init = {}`",
                    now.name,
                    quoted_path(&self.folder.join(LAST))
                )));
            }
            let text = fs::read_to_string(&path).map_err(|e| {
                fail(format!(
                    "began with the shader {name}, and its copy {op}.wgsl cannot be read: {e}; put it back"
                ))
            })?;
            let (got, expected) = (user_file::digest(&text), self.config.files.get(op));
            if expected != Some(&got) {
                return Err(fail(format!(
                    "has a {op}.wgsl with SHA-256 {got}, expected {} as when it began; put the text back, or start a \
                     new run",
                    expected.map_or("none", String::as_str)
                )));
            }
            *name = format!("{}{}", path.display(), setting::split(name).1);
        }
        Ok(choices)
    }

    /// Opens the folder of a run.
    ///
    /// # Errors
    /// [`Error::Run`] if it is not a run.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        let fail = |message: String| Error::Run { folder: folder.to_owned(), message };
        let bytes = match read_regular(&path) {
            Ok(bytes) => bytes,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(fail(format!(
                    "is not a run: it has no {CONFIG}; `Run::create` makes one, under `runs/` by default, and \
                     `listing::all` lists them"
                )));
            }
            Err(e) => return Err(io_error("cannot read", &path, "")(e)),
        };
        let config: Config = serde_json::from_slice(&bytes)
            .map_err(|e| fail(format!("has a {CONFIG} that is damaged, or of another version: {e}")))?;
        let parameters = config.model.parameters()?;
        Ok(Self { folder: folder.to_owned(), config, parameters, owner: None })
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save_config(&self) -> Result<()> {
        write_owned(&self.folder.join(CONFIG), |file| self.write_config(file))
    }

    fn write_config(&self, file: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *file, &self.config)?;
        file.write_all(b"\n")
    }

    /// Writes the list of the data files that could not be read, one per line; no file if the list is empty.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep_broken(&self, broken: &[(PathBuf, String)]) -> Result<()> {
        if broken.is_empty() {
            return Ok(());
        }
        write_owned(&self.folder.join(BROKEN), |file| {
            broken.iter().try_for_each(|(path, reason)| writeln!(file, "{}\t{reason}", path.display()))
        })
    }
}
