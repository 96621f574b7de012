//! Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, <https://github.com/zalandoresearch/fashion-mnist>): where it is
//! looked for, how its files are told from others of the same names, where it is fetched from. Leaves
//! out reading IDX and the transfer itself.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::dataset::Dataset;
use super::download::{self, Event, Options, RemoteFile};
use super::folder::{self, Files};
use crate::{Error, Result};

/// The environment variable that names a folder with the four files.
pub const FOLDER_VARIABLE: &str = "WGRAD_DATA";

/// Where Debian's package `dataset-fashion-mnist` puts the files.
pub const DEBIAN_FOLDER: &str = "/usr/share/datasets/fashion-mnist";

/// Where the files are served. All three serve the same bytes, so a download begun from one is
/// resumed from another; the content is verified, so plain HTTP does no harm.
pub const MIRRORS: [&str; 3] = [
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
];

/// The four files in the order of [`super::dataset::FILE_NAMES`], with the SHA-256 of the decompressed content: computed
/// from Debian's package, version 0.0~git20200523.55506a9-1, and equal to what others published for the
/// publisher's own .gz files (MD5 8d4fb7e6c68d591d4c3dfef9ec88bf0d, 25c81989df183df01b3e8a0aad5dffbe,
/// bef4ecab320f06d8554ea6380940ec79, bb300cfdad3c16e7a12a480ee83cd310). Digests of the .gz would
/// not do: Debian compresses the files anew.
pub const FILES: [RemoteFile<'static>; 4] = [
    RemoteFile {
        name: "train-images-idx3-ubyte.gz",
        sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        bytes: 47_040_016,
    },
    RemoteFile {
        name: "train-labels-idx1-ubyte.gz",
        sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        bytes: 60_008,
    },
    RemoteFile {
        name: "t10k-images-idx3-ubyte.gz",
        sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        bytes: 7_840_016,
    },
    RemoteFile {
        name: "t10k-labels-idx1-ubyte.gz",
        sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        bytes: 10_008,
    },
];

/// The class names, in the order of the labels.
pub const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// [`CLASSES`] as a data set holds them.
pub(crate) fn class_names() -> Vec<String> {
    CLASSES.map(str::to_owned).to_vec()
}

/// Where Fashion-MNIST is looked for, in this order. Made once at the edge of the program, so that nothing
/// below reads the environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// The folder that [`FOLDER_VARIABLE`] names. Set by hand: what is wrong with it is an error, and
    /// no other place is tried.
    pub named: Option<PathBuf>,
    /// Folders that a package may have filled; looked into where they exist.
    pub system: Vec<PathBuf>,
    /// The user's cache, which is also where [`fetch`] puts the files. `None` without a home folder.
    pub cache: Option<PathBuf>,
}

impl Places {
    /// The usual places, by the process's environment: [`FOLDER_VARIABLE`], [`DEBIAN_FOLDER`], and the
    /// user's cache folder as the platform has it (`$XDG_CACHE_HOME` or `~/.cache` on Linux).
    pub fn from_env() -> Self {
        let cache = etcetera::choose_base_strategy().ok().map(|base| base.cache_dir());
        Self::new(std::env::var_os(FOLDER_VARIABLE), cache)
    }

    /// As [`Places::from_env`], from values: the variable's content, empty counting as unset, and the
    /// user's cache folder, of which `wgrad/fashion-mnist` is used.
    pub fn new(named: Option<OsString>, cache: Option<PathBuf>) -> Self {
        Self {
            named: named.filter(|name| !name.is_empty()).map(PathBuf::from),
            system: vec![PathBuf::from(DEBIAN_FOLDER)],
            cache: cache.map(|cache| cache.join("wgrad").join("fashion-mnist")),
        }
    }
}

/// Loads Fashion-MNIST from the first of the `places` that has it. A folder named by hand may hold
/// something else, and says so in [`Dataset::warnings`]; elsewhere the content must be the published one.
///
/// # Errors
/// [`Error::DataNotFound`] with every place looked at; [`Error::DigestMismatch`] where the content of a
/// system or cache folder is another one; else as [`folder::load`].
pub fn load(places: &Places) -> Result<Dataset> {
    if let Some(named) = &places.named {
        return folder::load(named);
    }
    let mut looked_at = vec![format!("{FOLDER_VARIABLE}: not set")];
    let system = places.system.iter().map(|path| (path, "reinstall the package"));
    let cache = places.cache.iter().map(|path| (path, "remove the file and run `wgrad data fetch`"));
    for (path, next) in system.chain(cache) {
        let there = folder::find(path).iter().flatten().count();
        if there == 4 {
            return load_published(path, next);
        }
        looked_at.push(match there {
            _ if !path.is_dir() => format!("{}: no such folder", path.display()),
            0 => format!("{}: none of the four files", path.display()),
            _ => format!("{}: only {there} of the four files", path.display()),
        });
    }
    if places.cache.is_none() {
        looked_at.push("the user's cache: there is none, as no home folder is known".to_owned());
    }
    Err(Error::DataNotFound { name: "Fashion-MNIST".to_owned(), places: looked_at })
}

/// As [`load`], and where it is not found, or the cache is damaged, downloads it into the cache first.
///
/// # Errors
/// As [`load`] and [`fetch`].
pub fn load_or_fetch(
    places: &Places,
    options: &Options,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    match load(places) {
        Err(Error::DataNotFound { .. }) if places.cache.is_some() => {}
        // Whatever is wrong with a file of the cache, a download mends it.
        Err(
            Error::DigestMismatch { path, .. }
            | Error::Gzip { path, .. }
            | Error::NotIdx { path, .. }
            | Error::IdxTruncated { path, .. }
            | Error::IdxTrailing { path, .. },
        ) if is_in_cache(&path, places) => {}
        other => return other,
    }
    fetch(places, options, progress)?;
    load(places)
}

fn is_in_cache(path: &Path, places: &Places) -> bool {
    places.cache.as_deref().is_some_and(|cache| path.starts_with(cache))
}

/// Downloads what is missing or damaged in the cache, and returns that folder. Files that are there with
/// the right content are kept.
///
/// # Errors
/// [`Error::Download`] where no mirror gave a file, [`Error::Io`] where it cannot be written,
/// [`Error::DataNotFound`] where there is no cache folder.
pub fn fetch(places: &Places, options: &Options, progress: &mut dyn FnMut(Event<'_>)) -> Result<PathBuf> {
    let Some(cache) = &places.cache else {
        return Err(Error::DataNotFound {
            name: "the user's cache folder".to_owned(),
            places: vec!["the home folder: not known; set HOME or XDG_CACHE_HOME".to_owned()],
        });
    };
    download::fetch(&FILES, cache, options, progress)?;
    Ok(cache.clone())
}

fn load_published(path: &Path, next: &'static str) -> Result<Dataset> {
    let files = folder::read(folder::find(path), path)?;
    let verdict = match identify(&files) {
        Identity::FashionMnist => {
            let (name, source) = ("Fashion-MNIST".to_owned(), path.display().to_string());
            return files.into_dataset(name, source, class_names(), Vec::new());
        }
        Identity::Mnist => "this is MNIST (handwritten digits), not Fashion-MNIST",
        Identity::Altered(_) | Identity::Unknown => "not the published file of Fashion-MNIST",
    };
    let differing = (0..4).find(|&index| files.contents[index].sha256 != FILES[index].sha256);
    let index = differing.unwrap_or(0);
    Err(Error::DigestMismatch {
        path: files.paths[index].clone(),
        verdict: verdict.to_owned(),
        got: files.contents[index].sha256.clone(),
        expected: FILES[index].sha256.to_owned(),
        next,
    })
}

/// What four files turn out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// All four are the published ones.
    FashionMnist,
    /// Some are; these, by index, are not.
    Altered(Vec<usize>),
    /// The labels are those of MNIST.
    Mnist,
    /// Something else.
    Unknown,
}

/// How many of each digit MNIST has for training and for test, and how its training labels begin.
const MNIST_TRAIN_COUNTS: [usize; 10] = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
const MNIST_TEST_COUNTS: [usize; 10] = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
const MNIST_FIRST_LABELS: [u8; 10] = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4];

pub(crate) fn identify(files: &Files) -> Identity {
    let differing: Vec<usize> =
        (0..4).filter(|&index| files.contents[index].sha256 != FILES[index].sha256).collect();
    if differing.is_empty() {
        return Identity::FashionMnist;
    }
    if differing.len() < 4 {
        return Identity::Altered(differing);
    }
    let [_, train_labels, _, test_labels] = &files.contents;
    let is_mnist = train_labels.data.starts_with(&MNIST_FIRST_LABELS)
        && counts(&train_labels.data) == Some(MNIST_TRAIN_COUNTS)
        && counts(&test_labels.data) == Some(MNIST_TEST_COUNTS);
    if is_mnist { Identity::Mnist } else { Identity::Unknown }
}

/// How many of each digit; `None` where a label is no digit.
fn counts(labels: &[u8]) -> Option<[usize; 10]> {
    let mut counts = [0; 10];
    for &label in labels {
        *counts.get_mut(usize::from(label))? += 1;
    }
    Some(counts)
}
