//! Which kernels were proven before: a file in the user's cache folder for each adapter, driver, version of wgpu and
//! text of the shaders. Anything else that lies there is told and does not count.

use crate::{
    Result, clock,
    gpu::Proofs,
    place::{self, Place},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, ffi::OsString, path::PathBuf};

/// The environment variable that names the folder.
pub const FOLDER_VARIABLE: &str = "WGRAD_PROVEN";
/// How its folder is called.
const NAME: &str = "proven";

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
        Self { folder: place::folder_from_env(FOLDER_VARIABLE, NAME) }
    }

    /// As [`Proofs::from_env`], from values: the variable's content, empty counting as unset, and the user's cache
    /// folder.
    pub fn new(named: Option<OsString>, cache: Option<PathBuf>) -> Self {
        Self { folder: place::folder(named, cache, NAME) }
    }

    /// What was proven at `place`.
    ///
    /// # Errors
    /// In words, a file that cannot be read, is damaged, or was made for something else: it does not count.
    pub fn read(&self, place: &Place) -> std::result::Result<BTreeSet<String>, String> {
        let Some(folder) = &self.folder else { return Ok(BTreeSet::new()) };
        let path = folder.join(place.file(None));
        let next = "it does not count, and every kernel is proven anew";
        let kept = place::read::<Kept>(&path, "list of proofs").map_err(|why| format!("{why}; {next}"))?;
        let Some(kept) = kept else { return Ok(BTreeSet::new()) };
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
        let Some(folder) = &self.folder else { return Ok(()) };
        let version = env!("CARGO_PKG_VERSION").to_string();
        let kept = Kept { place: place.clone(), proven: proven.clone(), date: clock::today(), version };
        place::store(folder, &place.file(None), &kept, "WGRAD_PROVEN names another folder")
    }
}
