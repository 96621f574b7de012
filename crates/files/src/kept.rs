//! What was found out at a place (an adapter, its driver, wgpu and the texts of the shaders) and is kept in the user's
//! cache folder: a JSON file each, under a name that follows from the place. What else lies there does not count.

use crate::{read_regular, replace_whole};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};
use wgrad::{Result, error::io_error};

/// The folder that the environment's `variable` names, else `wgrad/NAME` in the user's cache folder as the platform has
/// it (`$XDG_CACHE_HOME` or `~/.cache` on Linux).
pub fn folder_from_env(variable: &str, name: &str) -> Option<PathBuf> {
    let cache = etcetera::choose_base_strategy().ok();
    folder(std::env::var_os(variable), cache.map(|base| etcetera::BaseStrategy::cache_dir(&base)), name)
}

/// The same, from values: the variable's content, empty counting as unset, and the user's cache folder.
pub fn folder(named: Option<OsString>, cache: Option<PathBuf>, name: &str) -> Option<PathBuf> {
    let named = named.filter(|name| !name.is_empty()).map(PathBuf::from);
    named.or_else(|| cache.map(|cache| cache.join("wgrad").join(name)))
}

/// What a file keeps, `None` where there is none; else in words that it cannot be read, or is no `what`.
pub fn read<T: DeserializeOwned>(path: &Path, what: &str) -> std::result::Result<Option<T>, String> {
    let shown = path.display();
    match read_regular(path) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(format!("cannot read {shown}: {e}")),
        Ok(text) => {
            let read = serde_json::from_slice(&text).map(Some);
            read.map_err(|e| format!("{shown} is damaged, or no {what}: {e}"))
        }
    }
}

/// Keeps `value` in the file `name` of `folder`, whole or not at all, in place of whatever is there.
///
/// # Errors
/// [`wgrad::Error::Io`] where the folder cannot be written, with what to do `next`.
pub fn store(folder: &Path, name: &str, value: &impl Serialize, next: &'static str) -> Result<()> {
    fs::create_dir_all(folder).map_err(io_error("cannot create", folder, next))?;
    replace_whole(&folder.join(name), |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}
