//! A folder of pictures with one subfolder per class: its files, and their decoding by several threads when a batch
//! needs them. Only their paths are held in memory. `stream` decides the order in which they are visited.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::Error;
use std::any::Any;
use wgrad::data::source::{Images, Source, threads};

pub use prepare::Preparation;

mod prepare;

/// Picture files and their preparation. Every visit decodes a file again.
#[derive(Debug)]
pub struct Pictures {
    /// The folder as the user named it.
    pub folder: PathBuf,
    /// Paths within the folder, sorted.
    pub paths: Vec<PathBuf>,
    /// The conversion applied to every picture.
    pub preparation: Preparation,
    /// Unreadable files by their number, with the reason.
    broken: Mutex<BTreeMap<u32, String>>,
    /// True for files that were decoded once: they are known to be complete.
    whole: Vec<AtomicBool>,
    /// Files that were skipped when the folder was read, with the reason.
    left_out: Vec<(PathBuf, String)>,
}

impl Pictures {
    /// The pictures at `paths` in `folder`, not read yet, and the files that were `left_out`.
    pub(super) fn new(
        folder: &Path,
        paths: Vec<PathBuf>,
        preparation: Preparation,
        left_out: Vec<(PathBuf, String)>,
    ) -> Self {
        let whole = paths.iter().map(|_| AtomicBool::default()).collect();
        Self { folder: folder.to_owned(), paths, preparation, broken: Mutex::default(), whole, left_out }
    }

    /// The path of picture number `n`, ready to be opened.
    pub fn path(&self, n: u32) -> PathBuf {
        self.paths.get(n as usize).map_or_else(|| self.folder.clone(), |path| self.folder.join(path))
    }

    fn note(&self, n: u32, reason: String) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).insert(n, reason);
    }
}

impl Source for Pictures {
    /// Decodes and prepares picture number `n` into `image`, (H, W, C). Where the file cannot be read, notes the
    /// reason and returns `false`.
    fn read(&self, n: u32, image: &mut [u8]) -> bool {
        let whole = self.whole.get(n as usize);
        let found_whole = whole.is_some_and(|whole| whole.load(Relaxed));
        match self.preparation.load_again(&self.path(n), found_whole) {
            Ok(bytes) if bytes.len() == image.len() => {
                image.copy_from_slice(&bytes);
                whole.into_iter().for_each(|whole| whole.store(true, Relaxed));
                true
            }
            Ok(bytes) => {
                self.note(n, format!("{} bytes instead of {}", bytes.len(), image.len()));
                false
            }
            Err(error) => {
                self.note(n, without_path(error));
                false
            }
        }
    }

    /// The files that could not be read so far, each with the reason, in the order of their paths.
    fn broken(&self) -> Vec<(PathBuf, String)> {
        let found = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        let found = found.iter().map(|(n, reason)| (self.path(*n), reason.clone()));
        let mut all: Vec<_> = self.left_out.iter().cloned().chain(found).collect();
        all.sort();
        all
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The pictures behind the images of a split, with their numbers; `None` where the images come from another source.
pub fn pictures_of(images: &Images) -> Option<(&Pictures, &[u32])> {
    Some((images.source().as_any().downcast_ref()?, images.which()?))
}

/// The reason why a picture cannot be read, for use next to its path.
fn without_path(error: Error) -> String {
    match error {
        Error::Picture { reason, .. } => reason,
        Error::Engine(wgrad::Error::Io { action, source, next, .. }) => {
            format!("{action} it: {source}; {next}")
        }
        other => other.to_string(),
    }
}

/// Applies `f` to every item in several threads. Returns the results in the order of the items.
pub(super) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    f: impl Fn(&T) -> Option<R> + Sync,
) -> Vec<Option<R>> {
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let jobs = Mutex::new(items.iter().zip(&mut results));
    let work = || {
        loop {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((item, result)) = job else { return };
            *result = f(item);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(work);
        }
        work();
    });
    results
}

/// The content of a folder, sorted by name, without hidden entries.
pub(super) fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}
