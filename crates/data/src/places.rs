//! The places that are searched for Fashion-MNIST, and its download into the user's cache.

use crate::download::{self, Event, Options};
use crate::fashion_mnist::{FILES, Identity, class_names, identify};
use crate::folder;
use crate::{Error, Result};
use etcetera::BaseStrategy;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use wgrad::data::dataset::Dataset;

/// The environment variable that names a folder with the four files.
pub const FOLDER_VARIABLE: &str = "WGRAD_DATA";

/// The folder of Debian's package `dataset-fashion-mnist`.
pub const DEBIAN_FOLDER: &str = "/usr/share/datasets/fashion-mnist";

/// The places that are searched for Fashion-MNIST, in this order. The program builds them once, so that the
/// functions below never read the environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// The folder that [`FOLDER_VARIABLE`] names. The user set it, so a fault in it is an error, and no other place
    /// is tried.
    pub named: Option<PathBuf>,
    /// Folders that a package may have filled; skipped where they do not exist.
    pub system: Vec<PathBuf>,
    /// The user's cache, into which [`fetch`] downloads the files. `None` without a home folder.
    pub cache: Option<PathBuf>,
}

impl Places {
    /// The usual places in the process's environment: [`FOLDER_VARIABLE`], [`DEBIAN_FOLDER`], and the platform's
    /// cache folder of the user (`$XDG_CACHE_HOME` or `~/.cache` on Linux).
    pub fn from_env() -> Self {
        let cache = etcetera::choose_base_strategy().ok().map(|base| base.cache_dir());
        Self::new(std::env::var_os(FOLDER_VARIABLE), cache)
    }

    /// The places from given values: the variable's content, where empty counts as unset, and the user's cache
    /// folder, of which `wgrad/fashion-mnist` is used.
    pub fn new(named: Option<OsString>, cache: Option<PathBuf>) -> Self {
        Self {
            named: named.filter(|name| !name.is_empty()).map(PathBuf::from),
            system: vec![PathBuf::from(DEBIAN_FOLDER)],
            cache: cache.map(|cache| cache.join("wgrad").join("fashion-mnist")),
        }
    }
}

/// Loads Fashion-MNIST from the first of the `places` that has it. The folder that the user named may hold
/// something else, which [`Dataset::warnings`] reports; elsewhere the content must be the published one.
///
/// # Errors
/// [`Error::DataNotFound`] with every place searched; [`Error::DigestMismatch`] where a system or cache folder
/// holds other content; else the errors of [`folder::load`].
pub fn load(places: &Places) -> Result<Dataset> {
    if let Some(named) = &places.named {
        return folder::load(named);
    }
    let mut looked_at = vec![format!("{FOLDER_VARIABLE}: not set")];
    let system = places.system.iter().map(|path| (path, "reinstall the package"));
    let cache = places.cache.iter().map(|path| (path, "remove the file and run `wgrad_data::places::fetch`"));
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

/// True if one of the `places` has Fashion-MNIST's four files; their content is not read.
pub fn is_here(places: &Places) -> bool {
    let all = |folder: &PathBuf| folder::find(folder).iter().all(Option::is_some);
    match &places.named {
        Some(named) => all(named),
        None => places.system.iter().chain(&places.cache).any(all),
    }
}

/// Loads as [`load`] does. Where the files are not found, or the cache is damaged, downloads them into the cache
/// first.
///
/// # Errors
/// The errors of [`load`] and [`fetch`].
pub fn load_or_fetch(
    places: &Places,
    options: &Options,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    match load(places) {
        Err(Error::DataNotFound { .. }) if places.cache.is_some() => {}
        // A download repairs any damaged file of the cache.
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

/// Downloads the missing or damaged files of the cache, and returns that folder. Files with the right content are
/// kept.
///
/// # Errors
/// [`Error::Download`] where no mirror delivered a file, [`wgrad::Error::Io`] where it cannot be written,
/// [`Error::DataNotFound`] where there is no cache folder.
pub fn fetch(places: &Places, options: &Options, progress: &mut dyn FnMut(Event<'_>)) -> Result<PathBuf> {
    let cache = places.cache.as_ref().ok_or_else(no_cache)?;
    download::fetch(&FILES, cache, options, progress)?;
    Ok(cache.clone())
}

/// The error where there is no cache folder.
pub(crate) fn no_cache() -> Error {
    Error::DataNotFound {
        name: "the user's cache folder".to_owned(),
        places: vec!["the home folder: not known; set HOME or XDG_CACHE_HOME".to_owned()],
    }
}

fn load_published(path: &Path, next: &'static str) -> Result<Dataset> {
    let files = folder::read(folder::find(path), path)?;
    let verdict = match identify(&files.contents) {
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
