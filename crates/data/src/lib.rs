//! Data sets for wgrad, in memory or as files that are decoded on demand, and their sources. The entry point
//! [`load`] takes a data set's name. Pixels stay bytes here; the device converts them.
// Printing is up to the program; also, `eprintln!` panics where stderr is closed.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// Errors of this crate.
pub mod error;
/// Warnings about class names, and their comparison.
mod classes;
/// The IDX file format, plain or in gzip.
pub mod idx;
/// Downloads over HTTP: mirrors, resume, time-outs, verified content.
pub mod download;
/// Fashion-MNIST: the expected content of its files, and their recognition.
pub mod fashion_mnist;
/// A folder with four IDX files under the usual names.
pub mod folder;
/// CIFAR-10 and CIFAR-100 in their binary versions.
pub mod cifar;
/// EMNIST: letters and digits, in files with other names.
mod emnist;
/// The places that are searched for Fashion-MNIST.
pub mod places;
/// Detection of incomplete JPEG files.
mod jpeg;
/// One PNG, JPEG or WebP file of any size as the input of a network.
pub mod picture;
/// Options for loading a data set.
pub mod reading;
mod number;
/// Arrays of numpy, alone and in `.npz` archives.
pub mod npz;
/// Folders of pictures, decoded on demand.
pub mod pictures;
mod picture_folder;
/// Summary of a data set, to be checked before training.
pub mod summary;
/// Garments drawn from a seed: no files, no network.
pub mod synthetic;
/// Comma-separated values as the inputs of a network.
pub mod table;
/// Detection of the kind of data at a path.
mod found;
/// Data sets that are known by name, fetched where they are not here.
pub mod published;

pub use error::{Error, Result};
pub use places::Places;
use published::Published;
pub use reading::Reading;
use std::{
    path::{Path, PathBuf},
    str::FromStr,
};
use wgrad::data::Dataset;

/// A data set, as named on the command line or in code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSpec {
    /// Fashion-MNIST, from the first of the usual places that has it.
    FashionMnist,
    /// Garments drawn from a seed.
    Synthetic {
        /// The seed: same seed, same bytes.
        seed: u64,
        /// Number of training images.
        train: usize,
        /// Number of test images.
        test: usize,
    },
    /// Another published data set, from the user's cache.
    Published(&'static Published),
    /// A folder or file; its content determines its kind.
    Folder(PathBuf),
}

/// The name of Fashion-MNIST in commands.
const FASHION_MNIST: &str = "fashion-mnist";
/// The name of the generated data set in commands.
const SYNTHETIC: &str = "synthetic";

/// The error for a name that no data set has.
fn unknown(text: &str) -> Error {
    let known = [FASHION_MNIST, SYNTHETIC].into_iter().chain(published::PUBLISHED.iter().map(|set| set.name));
    Error::DataSpec { got: text.to_owned(), known: known.collect() }
}

impl FromStr for DataSpec {
    type Err = Error;

    /// Parses `fashion-mnist`, `synthetic`, the name of a [`Published`] data set, or a path. A path need not exist yet.
    /// A bare word that does not exist as a path is refused as a misspelt name.
    ///
    /// # Errors
    /// [`Error::DataSpec`] where the text is neither a known name nor looks like a path.
    fn from_str(text: &str) -> Result<Self> {
        let path = Path::new(text);
        match text {
            FASHION_MNIST => Ok(Self::FashionMnist),
            SYNTHETIC => Ok(Self::Synthetic { seed: 0, train: synthetic::TRAIN, test: synthetic::TEST }),
            "" => Err(unknown(text)),
            // A folder of the same name is the user's own.
            _ if path.exists() => Ok(Self::Folder(path.to_owned())),
            _ => match published::find(text) {
                Some(set) => Ok(Self::Published(set)),
                None if text.contains(['/', '\\']) => Ok(Self::Folder(path.to_owned())),
                None => Err(unknown(text)),
            },
        }
    }
}

impl std::fmt::Display for DataSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::FashionMnist => f.write_str(FASHION_MNIST),
            Self::Synthetic { .. } => f.write_str(SYNTHETIC),
            Self::Published(set) => f.write_str(set.name),
            Self::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Loads a data set that is on this machine or can be generated. It never uses the network: where Fashion-MNIST is
/// in none of the `places`, [`Error::DataNotFound`] lists them, and [`places::fetch`] downloads it;
/// [`Error::NotFetched`] names any other published data set that is not here.
///
/// # Errors
/// Every error that the files can cause, each with the file's path.
pub fn load(spec: &DataSpec, places: &Places) -> Result<Dataset> {
    load_with(spec, places, &Reading::default(), None)
}

/// Loads a data set with options: reads a path as `reading` says. A given `table`, derived from other rows, determines
/// how the rows of a file are encoded.
///
/// # Errors
/// The errors of [`load`]; [`Error::Data`] where content or options do not fit.
pub fn load_with(
    spec: &DataSpec,
    places: &Places,
    reading: &Reading,
    table: Option<&table::Table>,
) -> Result<Dataset> {
    if matches!(spec, DataSpec::FashionMnist | DataSpec::Synthetic { .. }) {
        reading.suits(reading::Kind::Fixed)?;
    }
    let data = match spec {
        DataSpec::FashionMnist => places::load(places)?,
        DataSpec::Synthetic { seed, train, test } => synthetic::synthetic(*seed, *train, *test),
        DataSpec::Published(set) => set.load(&cached(set, places)?, reading)?,
        DataSpec::Folder(path) => found::load(path, reading, table)?,
    };
    Ok(reported(data, reading, table.is_none()))
}

/// The folder of a published data set in the user's cache.
fn cached(set: &Published, places: &Places) -> Result<PathBuf> {
    set.folder(places).ok_or_else(places::no_cache)
}

/// Adds a warning where the options ask for a share to be held out, but the data set has a test part.
fn reported(mut data: Dataset, reading: &Reading, new: bool) -> Dataset {
    let share = reading.test_share.is_some() || reading.split_seed != 0;
    if share && new && reading.again.is_none() && !data.holds_out() {
        data.warnings.push(
            "`.test_share` and `.split_seed` have no effect: there is a test part, and nothing is held out"
                .to_owned(),
        );
    }
    data
}

/// Loads as [`load`] does, but downloads a published data set into the cache first where it is not on this machine, and
/// reports to `progress`.
///
/// # Errors
/// The errors of [`load`], except [`Error::DataNotFound`] where there is a cache folder; [`Error::Download`].
pub fn load_or_fetch(
    spec: &DataSpec,
    places: &Places,
    options: &download::Options,
    progress: &mut dyn FnMut(download::Event<'_>),
) -> Result<Dataset> {
    load_or_fetch_with(spec, places, &Reading::default(), None, options, progress)
}

/// Loads as [`load_with`] does, but downloads a published data set into the cache first where it is not on this machine,
/// and reports to `progress`. Fashion-MNIST comes from the mirrors of `options`, any other data set from its own.
///
/// # Errors
/// The errors of [`load_with`] and [`load_or_fetch`].
pub fn load_or_fetch_with(
    spec: &DataSpec,
    places: &Places,
    reading: &Reading,
    table: Option<&table::Table>,
    options: &download::Options,
    progress: &mut dyn FnMut(download::Event<'_>),
) -> Result<Dataset> {
    match spec {
        DataSpec::FashionMnist => {
            reading.suits(reading::Kind::Fixed)?;
            Ok(reported(places::load_or_fetch(places, options, progress)?, reading, true))
        }
        DataSpec::Published(set) => {
            let folder = cached(set, places)?;
            if !set.is_in(&folder) {
                let options = download::Options { mirrors: set.options().mirrors, ..options.clone() };
                set.fetch(&folder, &options, progress)?;
            }
            load_with(spec, places, reading, table)
        }
        _ => load_with(spec, places, reading, table),
    }
}

/// Maximum number of bytes that `length` bytes of a file may unpack to: 64 times as many, plus 256 MiB. Real data
/// do not compress as much; a few bytes of zeros could unpack to any size.
pub(crate) fn unpacked_limit(length: u64) -> u64 {
    length.saturating_mul(64).saturating_add(256 << 20)
}
