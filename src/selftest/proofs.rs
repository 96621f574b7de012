//! Which kernels were proven before: a file in the user's cache folder for each adapter, driver, version of wgpu and
//! text of the shaders. Anything else that lies there is told and does not count.

use crate::{
    Result, clock,
    data::{io_error, read_regular, write_whole},
    tune::cache::Place,
    user_file::digest,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, ffi::OsString, fs, io, path::PathBuf};

/// The environment variable that names the folder.
pub const FOLDER_VARIABLE: &str = "WGRAD_PROVEN";

/// The folder of what was proven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proofs {
    /// `None` without a home folder: nothing is found or kept.
    pub folder: Option<PathBuf>,
}

/// A file of the folder.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    place: Place,
    /// Kernels with their activation and the digest of their text.
    proven: BTreeSet<String>,
    /// When: year, month, day.
    date: String,
    /// wgrad's version.
    version: String,
}

impl Proofs {
    /// The folder that [`FOLDER_VARIABLE`] names, else `wgrad/proven` in the user's cache folder as the platform has it
    /// (`$XDG_CACHE_HOME` or `~/.cache` on Linux).
    pub fn from_env() -> Self {
        let cache = etcetera::choose_base_strategy().ok();
        let cache = cache.map(|base| etcetera::BaseStrategy::cache_dir(&base));
        Self::new(std::env::var_os(FOLDER_VARIABLE), cache)
    }

    /// As [`Proofs::from_env`], from values: the variable's content, empty counting as unset, and the user's cache
    /// folder.
    pub fn new(named: Option<OsString>, cache: Option<PathBuf>) -> Self {
        let named = named.filter(|name| !name.is_empty()).map(PathBuf::from);
        Self { folder: named.or_else(|| cache.map(|cache| cache.join("wgrad").join("proven"))) }
    }

    fn path(&self, place: &Place) -> Option<PathBuf> {
        let Place { adapter, backend, driver, wgpu, shaders, checked } = place;
        let checked = checked.to_string();
        let all = [adapter, backend, driver, wgpu, shaders, &checked].map(String::as_str);
        Some(self.folder.as_ref()?.join(format!("{}.json", digest(&all.join("\0")))))
    }

    /// What was proven at `place`.
    ///
    /// # Errors
    /// In words, a file that cannot be read, is damaged, or was made for something else: it does not count.
    pub fn read(&self, place: &Place) -> std::result::Result<BTreeSet<String>, String> {
        let Some(path) = self.path(place) else { return Ok(BTreeSet::new()) };
        let next = "it does not count, and every kernel is proven anew";
        let text = match read_regular(&path) {
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(BTreeSet::new());
            }
            Err(e) => return Err(format!("cannot read {}: {e}; {next}", path.display())),
            Ok(text) => text,
        };
        let kept: Kept = serde_json::from_slice(&text)
            .map_err(|e| format!("{} is damaged, or no list of proofs: {e}; {next}", path.display()))?;
        match kept.place == *place {
            true => Ok(kept.proven),
            false => {
                Err(format!("{} was made for another adapter, driver or version; {next}", path.display()))
            }
        }
    }

    /// Keeps what was proven at `place`: the file is there whole, or not at all.
    ///
    /// # Errors
    /// [`crate::Error::Io`] where the folder cannot be written.
    pub fn store(&self, place: &Place, proven: &BTreeSet<String>) -> Result<()> {
        let (Some(folder), Some(path)) = (&self.folder, self.path(place)) else { return Ok(()) };
        let next = "WGRAD_PROVEN names another folder";
        fs::create_dir_all(folder).map_err(io_error("cannot create", folder, next))?;
        let version = env!("CARGO_PKG_VERSION").to_string();
        let kept = Kept { place: place.clone(), proven: proven.clone(), date: clock::today(), version };
        write_whole(&path, |file| {
            serde_json::to_writer_pretty(&mut *file, &kept)?;
            file.write_all(b"\n")
        })
    }
}
