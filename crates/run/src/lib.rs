//! A run is a folder: `run.json` (everything that decided it), `metrics.jsonl` and `layers.jsonl` (a line an epoch),
//! `last.safetensors` (the whole state) and `best.safetensors` (the weights of the best epoch).
//! Files are written aside, flushed and renamed, or grow by a line: whatever happens, what is there can be loaded.
//! One process at a time writes there.
// What a program prints is its own affair; and `eprintln!` panics where stderr is gone.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// Settings that bring the built-in networks to what is known to be reachable, by name.
pub mod recipe;
mod decided;
mod errors;
mod lines;
mod owner;
mod folder;
mod trend;
mod state;

pub use errors::Errors;
use errors::{is_no_accuracy, no_accuracy};
pub use lines::LayersLine;
use owner::Owner;
use serde::{Deserialize, Serialize};
pub use state::{NOT_SAVED, read_weights};
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
    metrics::Metrics,
    model::Model,
    op::{setting, user_file},
    preprocessing::Preprocessing,
    program::Parameter,
    selection::Choices,
    train::Options,
};
use wgrad_data::{
    Reading,
    pictures::{Preparation, pictures_of},
    table::Table,
};
use wgrad_files::{read_regular, write_owned};

/// Everything that decided a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// wgrad's version.
    pub version: String,
    /// The network.
    pub model: Model,
    /// The data it trains on.
    pub data: DataRecord,
    /// Batch, epochs, seed, optimizer, schedule, variants chosen by hand or tuned.
    pub options: Options,
    /// The recipe that the options came from, but for what beat it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// The file of weights it started from, if it did.
    pub init: Option<PathBuf>,
    /// Where it ran.
    pub adapter: AdapterRecord,
    /// The kernels of its training step, as `operation/variant`.
    pub kernels: Vec<String>,
    /// The SHA-256 of each shader of the user's own, by operation; the run's folder has the text, as `OPERATION.wgsl`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// When it was made to wait. This changes nothing but how long it took.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
}

/// A time in which a training waited.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// After how many steps since the start of the training.
    pub step: u64,
    /// For how long.
    pub seconds: f64,
}

/// Which data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// What data was asked for, as a person names it.
    pub spec: String,
    /// The set's name.
    pub name: String,
    /// SHA-256 of its decompressed content.
    pub digest: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// How many training images were taken at most.
    pub limit: Option<usize>,
    /// The share of the training images that validates.
    pub validation: Option<f64>,
    /// What else was said about how they are read.
    #[serde(default, skip_serializing_if = "Reading::is_default")]
    pub reading: Reading,
    /// How images and labels come; `normalization`, where there is one, has `mean` and `deviation` of each channel.
    #[serde(flatten)]
    pub input: Preprocessing,
    /// How the columns of a table became numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// What is made of every picture of a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<Preparation>,
}

impl DataRecord {
    /// The `spec` of a network from elsewhere, of which nobody has said what data it is for.
    pub const UNKNOWN: &str = "unknown";

    /// How `data` are recorded that were loaded as `spec` says.
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

    /// What its examples are called: rows of a table, or images.
    pub fn things(&self) -> &'static str {
        if self.table.is_some() { "rows" } else { "images" }
    }
}

/// How pictures come to a network whose training images are not light on dark, as MNIST's and its successors' are: as they
/// are. Theirs are inverted where they are dark on light.
fn as_they_are(data: &Dataset) -> Option<Preparation> {
    /// Images that are looked at, and the border from which on one is light.
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

/// One line of `metrics.jsonl`. Accuracies are shares in [0, 1], losses nats. A regression has no accuracy: NaN, and
/// nothing in the file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochLine {
    /// From 1.
    pub epoch: u64,
    /// Steps done since the start of the training.
    pub step: u64,
    /// Mean over the epoch, while it trained.
    pub train_loss: f64,
    /// Mean over the epoch, while it trained.
    #[serde(default = "no_accuracy", skip_serializing_if = "is_no_accuracy")]
    pub train_accuracy: f64,
    /// On the validation images, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// On the validation images, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// On the test images, after the epoch.
    pub test_loss: f64,
    /// On the test images, after the epoch.
    #[serde(default = "no_accuracy", skip_serializing_if = "is_no_accuracy")]
    pub test_accuracy: f64,
    /// How far a regression is off.
    #[serde(flatten)]
    pub errors: Errors,
    /// Training speed of the epoch, evaluation not counted.
    pub images_per_second: f64,
    /// Seconds that the epoch trained; runs of older versions do not have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_seconds: Option<f64>,
    /// Seconds of its evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_seconds: Option<f64>,
}

impl EpochLine {
    /// Puts the metrics of an epoch together.
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
            images_per_second,
            train_seconds: Some(train.images as f64 / images_per_second)
                .filter(|seconds| seconds.is_finite()),
            evaluation_seconds: None,
        }
    }

    /// The same line of a regression: `errors` in place of accuracies.
    pub fn of_regression(self, errors: Errors) -> Self {
        let none = no_accuracy();
        Self { train_accuracy: none, test_accuracy: none, validation_accuracy: None, errors, ..self }
    }

    /// The same line without what no two runs share.
    pub fn without_times(self) -> Self {
        Self { images_per_second: 0.0, train_seconds: None, evaluation_seconds: None, ..self }
    }
}

/// A run's folder.
#[derive(Clone, Debug)]
pub struct Run {
    /// Where it lies.
    pub folder: PathBuf,
    /// What decided it.
    pub config: Config,
    parameters: Vec<Parameter>,
    /// The right to write there; none where it was only opened.
    owner: Option<Arc<Owner>>,
}

const CONFIG: &str = "run.json";
/// The whole state after the last save.
pub const LAST: &str = "last.safetensors";
/// The weights of the best epoch.
pub const BEST: &str = "best.safetensors";
/// Files of the data that could not be read.
pub const BROKEN: &str = "unreadable.txt";
const SPACE: &str = "check that the folder can be written and the disk has space";

impl Run {
    /// The variants chosen by hand, with the folder's copies in place of the user's own shaders, and the tuned ones.
    ///
    /// # Errors
    /// [`Error::Run`] where a copy is gone or is no longer what the run began with.
    pub fn variants(&self) -> Result<Choices> {
        let mut choices = self.config.options.variants.clone();
        for (op, name) in choices.by_hand.iter_mut().filter(|(_, name)| user_file::is_file(name)) {
            let path = self.folder.join(format!("{op}.wgsl"));
            let fail = |message: String| Error::Run { folder: self.folder.clone(), message };
            if folder::component(op) != op {
                return Err(fail(format!("has a {CONFIG} that is damaged: {op:?} is no operation")));
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
    /// [`Error::Run`] where it is not one.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        let fail = |message: String| Error::Run { folder: folder.to_owned(), message };
        let bytes = match read_regular(&path) {
            Ok(bytes) => bytes,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(fail(format!(
                    "is not a run: it has no {CONFIG}; `Run::create` makes one, under `runs/` by default"
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

    /// Writes the list of the files of the data that could not be read, a line each; without one, nothing.
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
