//! Which kernels were proven before: a file in the user's cache folder for each adapter, driver, version of wgpu and
//! text of the shaders. Anything else that lies there is told and does not count.

use crate::kept;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, ffi::OsString, path::PathBuf};
use wgrad::{
    Result,
    gpu::{Place, Proofs},
};

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

/// The folder of what was proven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProofFiles {
    /// `None` without a home folder: nothing is found or kept.
    pub folder: Option<PathBuf>,
}

impl ProofFiles {
    /// The folder that [`FOLDER_VARIABLE`] names, else `wgrad/proven` in the user's cache folder as the platform has it
    /// (`$XDG_CACHE_HOME` or `~/.cache` on Linux).
    pub fn from_env() -> Self {
        Self { folder: kept::folder_from_env(FOLDER_VARIABLE, NAME) }
    }

    /// As [`ProofFiles::from_env`], from values: the variable's content, empty counting as unset, and the user's cache
    /// folder.
    pub fn new(named: Option<OsString>, cache: Option<PathBuf>) -> Self {
        Self { folder: kept::folder(named, cache, NAME) }
    }
}

impl Proofs for ProofFiles {
    fn read(&self, place: &Place) -> std::result::Result<BTreeSet<String>, String> {
        let Some(folder) = &self.folder else { return Ok(BTreeSet::new()) };
        let path = folder.join(place.file(None));
        let next = "it does not count, and every kernel is proven anew";
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
