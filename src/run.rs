//! A run is a folder: `run.json` (everything that decided it), `metrics.jsonl` and `layers.jsonl` (a line an epoch),
//! `last.safetensors` (the whole state) and `best.safetensors` (the weights of the best epoch).
//! Files are written aside, flushed and renamed: whatever happens, what is there can be loaded.

mod errors;
mod lines;
mod trend;

use crate::{
    Error, Result,
    checkpoint::Checkpoint,
    data::{Dataset, Reading, dataset::Images, io_error, pictures::Preparation, table::Table, write_whole},
    gpu::{AdapterClass, Context},
    input::Input,
    keras,
    model::Model,
    op::Choices,
    program::Parameter,
    setting,
    train::{Metrics, Options},
    user_file,
};
pub use errors::Errors;
use errors::{is_no_accuracy, no_accuracy};
pub use lines::LayersLine;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};
pub use trend::{Chance, FEWEST_STEPS, Outcome, Trend};

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
    /// What `--data` said.
    pub spec: String,
    /// The set's name.
    pub name: String,
    /// SHA-256 of its decompressed content.
    pub digest: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// `--limit`.
    pub limit: Option<usize>,
    /// `--validation`.
    pub validation: Option<f64>,
    /// What else was said about how they are read.
    #[serde(default, skip_serializing_if = "Reading::is_default")]
    pub reading: Reading,
    /// How images and labels come; `normalization`, where there is one, has `mean` and `deviation` of each channel.
    #[serde(flatten)]
    pub input: Input,
    /// How the columns of a table became numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// What is made of every picture of a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<Preparation>,
}

impl DataRecord {
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
            preparation: match &data.train.images {
                Images::Files(pictures, _) => Some(pictures.preparation),
                Images::Memory(_) => None,
            },
        }
    }

    /// What its examples are called: rows of a table, or images.
    pub fn things(&self) -> &'static str {
        if self.table.is_some() { "rows" } else { "images" }
    }
}

/// Which adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterRecord {
    /// Its name.
    pub name: String,
    /// Vulkan, Metal, ...
    pub backend: String,
    /// The driver, with its version.
    pub driver: String,
    /// Software or hardware.
    pub class: AdapterClass,
}

impl AdapterRecord {
    /// The adapter of `context`.
    pub fn of(context: &Context) -> Self {
        let info = &context.info;
        Self {
            name: info.name.clone(),
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
            class: context.class,
        }
    }
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
    /// Makes the folder of a new run: `folder` if given, else the first free `runs/MODEL-N`.
    ///
    /// # Errors
    /// [`Error::Run`] where `folder` holds a run already, [`Error::Io`] where it cannot be written.
    pub fn create(folder: Option<&Path>, config: Config) -> Result<Self> {
        let parameters = config.model.parameters()?;
        let folder = match folder {
            Some(folder) => {
                if folder.join(CONFIG).exists() {
                    return Err(Error::Run {
                        folder: folder.to_owned(),
                        message:
                            "holds a run already; choose another `--out`, or go on with it by `--resume`"
                                .into(),
                    });
                }
                fs::create_dir_all(folder).map_err(io_error("cannot create", folder, SPACE))?;
                folder.to_owned()
            }
            None => Self::next_folder(&config.model.name)?,
        };
        let mut run = Self { folder, config, parameters };
        run.keep_files()?;
        run.save_config()?;
        Ok(run)
    }

    /// Copies the user's own shaders into the folder, so that the run can go on whatever becomes of them.
    fn keep_files(&mut self) -> Result<()> {
        for (op, variant) in user_file::chosen(&self.config.options.variants)? {
            let path = self.folder.join(format!("{}.wgsl", op.name));
            write_whole(&path, |file| file.write_all(variant.source.as_bytes()))?;
            self.config.files.insert(op.name.to_string(), user_file::digest(variant.source));
        }
        Ok(())
    }

    /// The variants chosen by hand, with the folder's copies in place of the user's own shaders, and the tuned ones.
    ///
    /// # Errors
    /// [`Error::Run`] where a copy is gone or is no longer what the run began with.
    pub fn variants(&self) -> Result<Choices> {
        let mut choices = self.config.options.variants.clone();
        for (op, name) in choices.by_hand.iter_mut().filter(|(_, name)| user_file::is_file(name)) {
            let path = self.folder.join(format!("{op}.wgsl"));
            let fail = |message: String| Error::Run { folder: self.folder.clone(), message };
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

    fn next_folder(model: &str) -> Result<PathBuf> {
        let runs = Path::new("runs");
        fs::create_dir_all(runs).map_err(io_error("cannot create", runs, SPACE))?;
        let mut n = 1u32;
        loop {
            let folder = runs.join(format!("{model}-{n}"));
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(folder),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => n += 1,
                Err(e) => return Err(io_error("cannot create", &folder, SPACE)(e)),
            }
        }
    }

    /// Opens the folder of a run.
    ///
    /// # Errors
    /// [`Error::Run`] where it is not one.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        let fail = |message: String| Error::Run { folder: folder.to_owned(), message };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(fail(format!(
                    "is not a run: it has no {CONFIG}; `wgrad train` makes one, under `runs/` by default"
                )));
            }
            Err(e) => return Err(io_error("cannot read", &path, "")(e)),
        };
        let mut config: Config = serde_json::from_str(&text)
            .map_err(|e| fail(format!("has a {CONFIG} that is damaged, or of another version: {e}")))?;
        config.model.input = config.data.input.clone();
        let parameters = config.model.parameters()?;
        Ok(Self { folder: folder.to_owned(), config, parameters })
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save_config(&self) -> Result<()> {
        write_whole(&self.folder.join(CONFIG), |file| {
            serde_json::to_writer_pretty(&mut *file, &self.config)?;
            file.write_all(b"\n")
        })
    }

    /// Saves the whole state, and the weights as the best ones if `best`.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] for a state that is not finite: the last good one stays.
    pub fn save(&self, checkpoint: &Checkpoint, best: bool) -> Result<()> {
        if !checkpoint.is_finite() {
            return Err(Error::Checkpoint {
                what: "not saved".into(),
                message: format!("the weights are no longer finite; {LAST} keeps the last good ones"),
            });
        }
        self.write(LAST, checkpoint)?;
        if best {
            self.write(BEST, &checkpoint.clone().for_use())?;
        }
        Ok(())
    }

    fn write(&self, name: &str, checkpoint: &Checkpoint) -> Result<()> {
        let bytes = checkpoint.to_bytes(&self.parameters)?;
        write_whole(&self.folder.join(name), |file| file.write_all(&bytes))
    }

    /// The whole state as it was saved last.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Checkpoint`].
    pub fn last(&self) -> Result<Checkpoint> {
        self.read(LAST)
    }

    /// The weights of the best epoch, or the last ones where no epoch has ended yet.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Checkpoint`].
    pub fn best(&self) -> Result<Checkpoint> {
        Ok(self.read(if self.folder.join(BEST).exists() { BEST } else { LAST })?.for_use())
    }

    fn read(&self, name: &str) -> Result<Checkpoint> {
        read_weights(&self.folder.join(name), &self.parameters)
    }

    /// Writes the list of the files of the data that could not be read, a line each; without one, nothing.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep_broken(&self, broken: &[(PathBuf, String)]) -> Result<()> {
        if broken.is_empty() {
            return Ok(());
        }
        write_whole(&self.folder.join(BROKEN), |file| {
            broken.iter().try_for_each(|(path, reason)| writeln!(file, "{}\t{reason}", path.display()))
        })
    }
}

/// Reads weights for `parameters` from a safetensors file, or from one of Keras's: `.keras` or `.weights.h5`.
///
/// # Errors
/// [`Error::Io`], [`Error::Checkpoint`]; [`Error::ModelFile`] for an archive whose network cannot be read.
pub fn read_weights(path: &Path, parameters: &[Parameter]) -> Result<Checkpoint> {
    if keras::has_weights(path) {
        return keras::checkpoint(path, parameters);
    }
    let bytes = fs::read(path).map_err(io_error("cannot read the weights", path, "is the path right?"))?;
    Checkpoint::from_bytes(&path.display().to_string(), &bytes, parameters)
}
