//! The record of proven kernels: a file in the user's cache folder for each adapter, driver, version of wgpu and
//! set of shader texts. A file that is damaged or belongs to another place is reported and ignored.

use crate::kept;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, ffi::OsString, path::PathBuf};
use wgrad::{
    Result,
    gpu::{Place, Proofs},
};

/// The environment variable that names the folder.
pub const FOLDER_VARIABLE: &str = "WGRAD_PROVEN";
/// Name of the folder in the cache.
const NAME: &str = "proven";

/// A file of the folder.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    place: Place,
    /// Kernels with their activation and the digest of their text.
    proven: BTreeSet<String>,
    /// Date of the proof: year, month, day.
    date: String,
    /// Version of wgrad.
    version: String,
}

/// The folder with the record of proven kernels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProofFiles {
    /// The folder; `None` without a home folder, so that nothing is found or kept.
    pub folder: Option<PathBuf>,
}

impl ProofFiles {
    /// The folder that [`FOLDER_VARIABLE`] names, else `wgrad/proven` in the platform's cache folder of the user
    /// (`$XDG_CACHE_HOME` or `~/.cache` on Linux).
    pub fn from_env() -> Self {
        Self { folder: kept::folder_from_env(FOLDER_VARIABLE, NAME) }
    }

    /// The folder from given values: the variable's content, where empty counts as unset, and the user's cache
    /// folder.
    pub fn new(named: Option<OsString>, cache: Option<PathBuf>) -> Self {
        Self { folder: kept::folder(named, cache, NAME) }
    }
}

impl Proofs for ProofFiles {
    fn read(&self, place: &Place) -> std::result::Result<BTreeSet<String>, String> {
        let Some(folder) = &self.folder else { return Ok(BTreeSet::new()) };
        let path = folder.join(place.file(None));
        let next = "it does not count, and every kernel is proven again";
        let kept = kept::read::<Kept>(&path, "list of proofs").map_err(|why| format!("{why}; {next}"))?;
        let Some(kept) = kept else { return Ok(BTreeSet::new()) };
        match kept.place == *place {
            true => Ok(kept.proven),
            false => {
                Err(format!("{} was made for another adapter, driver or version; {next}", path.display()))
            }
        }
    }

    fn store(&self, place: &Place, proven: &BTreeSet<String>) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let version = env!("CARGO_PKG_VERSION").to_string();
        let kept =
            Kept { place: place.clone(), proven: proven.clone(), date: crate::calendar::today(), version };
        kept::store(folder, &place.file(None), &kept, "WGRAD_PROVEN names another folder")
    }
}
