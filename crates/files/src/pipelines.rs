//! Compiled pipelines in the user's cache folder, a file for each adapter. wgrad checks what it reads there: see
//! [`wgrad::gpu::Context::keep_pipelines`].

use crate::{kept, regular, replace_whole};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read},
    path::PathBuf,
};
use wgrad::{Result, error::io_error, gpu::Pipelines, words};

/// The environment variable that names the folder.
pub const FOLDER_VARIABLE: &str = "WGRAD_PIPELINES";
/// Name of the folder in the cache.
const NAME: &str = "pipelines";
const NEXT: &str = "WGRAD_PIPELINES names another folder";

/// The folder with compiled pipelines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipelineFiles {
    /// The folder; `None` without a home folder, so that nothing is found or kept.
    pub folder: Option<PathBuf>,
}

impl PipelineFiles {
    /// The folder that [`FOLDER_VARIABLE`] names, else `wgrad/pipelines` in the platform's cache folder of the user
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

impl Pipelines for PipelineFiles {
    fn read(&self, name: &str, most: usize) -> std::result::Result<Option<Vec<u8>>, String> {
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(name)) else { return Ok(None) };
        let next = "it does not count and is written anew";
        let cannot = |e: io::Error| format!("cannot read {}: {e}; {next}", path.display());
        match regular(&path) {
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            other => other.map_err(cannot)?,
        }
        let mut bytes = Vec::new();
        File::open(&path).map_err(cannot)?.take(most as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
        if bytes.len() > most {
            let most = words::bytes(most as u64);
            return Err(format!("{} is larger than {most}, the most that is kept; {next}", path.display()));
        }
        Ok(Some(bytes))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        fs::create_dir_all(folder).map_err(io_error("cannot create", folder, NEXT))?;
        replace_whole(&folder.join(name), |file| file.write_all(bytes))
    }
}
