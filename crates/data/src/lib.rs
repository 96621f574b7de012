//! Data sets for wgrad, in memory or as files that are decoded when they are visited, and where they come from. One entry,
//! [`load`], takes the name that a user gives. Bytes stay bytes here, and are decoded on the device.
// What a program prints is its own affair; and `eprintln!` panics where stderr is gone.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// What can go wrong with data.
pub mod error;
/// The labels of a data set as the numbers of a network's classes.
mod classes;
/// The IDX file format, plain or in gzip.
pub mod idx;
/// Files over HTTP: mirrors, resume, time-outs, verified content.
pub mod download;
/// Fashion-MNIST: where it is looked for, what its files must contain, where it can be fetched.
pub mod fashion_mnist;
/// A folder with four IDX files under the usual names.
pub mod folder;
/// CIFAR-10 and CIFAR-100 in their binary versions.
pub mod cifar;
/// EMNIST: letters and digits, under names of its own.
mod emnist;
/// Where Fashion-MNIST is looked for.
pub mod places;
/// Whether a JPEG holds its whole picture.
mod jpeg;
/// One PNG, JPEG or WebP file of any size as the input of a network.
pub mod picture;
/// What a user may say about data of their own.
pub mod reading;
mod number;
/// Arrays of numpy, alone and in `.npz` archives.
pub mod npz;
/// Folders of pictures, decoded as they are visited.
pub mod pictures;
mod picture_folder;
/// What is worth knowing about a data set before it is trained on.
pub mod summary;
/// Garments drawn from a seed: no files, no network.
pub mod synthetic;
/// Comma-separated values as the inputs of a network.
pub mod table;
/// What a path holds, by its content.
mod found;

pub use error::{Error, Result};
pub use places::Places;
pub use reading::Reading;
use std::{
    path::{Path, PathBuf},
    str::FromStr,
};
use wgrad::data::Dataset;

/// Which data set, as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSpec {
    /// Fashion-MNIST, from the first of the usual places that has it.
    FashionMnist,
    /// Drawn from a seed.
    Synthetic {
        /// The seed: same seed, same bytes.
        seed: u64,
        /// How many training images.
        train: usize,
        /// How many test images.
        test: usize,
    },
    /// A folder or file given by hand; its content tells what it is.
    Folder(PathBuf),
}

impl FromStr for DataSpec {
    type Err = Error;

    /// `fashion-mnist`, `synthetic`, else a path. A path need not exist yet; a bare word that is no
    /// folder is refused as a misspelt name.
    ///
    /// # Errors
    /// [`Error::DataSpec`] where it is neither a known name nor looks like a folder.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "fashion-mnist" => Ok(Self::FashionMnist),
            "synthetic" => Ok(Self::Synthetic { seed: 0, train: synthetic::TRAIN, test: synthetic::TEST }),
            _ => {
                let path = Path::new(text);
                let looks_like_a_path = path.exists() || text.contains(['/', '\\']);
                if text.is_empty() || !looks_like_a_path {
                    return Err(Error::DataSpec { got: text.to_owned() });
                }
                Ok(Self::Folder(path.to_owned()))
            }
        }
    }
}

impl std::fmt::Display for DataSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::FashionMnist => f.write_str("fashion-mnist"),
            Self::Synthetic { .. } => f.write_str("synthetic"),
            Self::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Loads a data set that is on this machine or can be drawn here. It never uses the network: where
/// Fashion-MNIST is in none of the `places`, [`Error::DataNotFound`] lists them, and
/// [`places::fetch`] downloads it.
///
/// # Errors
/// Everything that can be wrong with the files, each with the file's path.
pub fn load(spec: &DataSpec, places: &Places) -> Result<Dataset> {
    load_with(spec, places, &Reading::default(), None)
}

/// The same, where a path is read as `reading` says, and a table as `table` says, which came of other rows.
///
/// # Errors
/// As [`load`]; [`Error::Data`] where content or options do not fit.
pub fn load_with(
    spec: &DataSpec,
    places: &Places,
    reading: &Reading,
    table: Option<&table::Table>,
) -> Result<Dataset> {
    if !matches!(spec, DataSpec::Folder(_)) {
        reading.suits(reading::Kind::Fixed)?;
    }
    let data = match spec {
        DataSpec::FashionMnist => places::load(places)?,
        DataSpec::Synthetic { seed, train, test } => synthetic::synthetic(*seed, *train, *test),
        DataSpec::Folder(path) => found::load(path, reading, table)?,
    };
    Ok(told(data, reading, table.is_none()))
}

/// Tells where a share was to be held out and there is a test part.
fn told(mut data: Dataset, reading: &Reading, new: bool) -> Dataset {
    let share = reading.test_share.is_some() || reading.split_seed != 0;
    if share && new && reading.again.is_none() && !data.holds_out() {
        data.warnings.push(
            "`.test_share` and `.split_seed` change nothing: there is a test part, and nothing is held out"
                .to_owned(),
        );
    }
    data
}

/// As [`load`], and where Fashion-MNIST is not on this machine, downloads it into the cache first, telling
/// `progress`.
///
/// # Errors
/// As [`load`], without [`Error::DataNotFound`] where there is a cache folder; [`Error::Download`].
pub fn load_or_fetch(
    spec: &DataSpec,
    places: &Places,
    options: &download::Options,
    progress: &mut dyn FnMut(download::Event<'_>),
) -> Result<Dataset> {
    load_or_fetch_with(spec, places, &Reading::default(), None, options, progress)
}

/// As [`load_with`], and where Fashion-MNIST is not on this machine, downloads it into the cache first, telling
/// `progress`.
///
/// # Errors
/// As [`load_with`] and [`load_or_fetch`].
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
            Ok(told(places::load_or_fetch(places, options, progress)?, reading, true))
        }
        _ => load_with(spec, places, reading, table),
    }
}

/// Bytes that `length` bytes of a file may unpack to: 64 times as many, and 256 MiB in any case. Real data do not shrink as
/// much; a few bytes of zeros unpack to any number.
pub(crate) fn unpacked_limit(length: u64) -> u64 {
    length.saturating_mul(64).saturating_add(256 << 20)
}
