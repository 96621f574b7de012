//! Results about a place (an adapter, its driver, wgpu and the shader texts), kept in the user's cache folder. Each
//! place has a JSON file, whose name follows from it. Other files in the folder are ignored.

use crate::{read_regular, replace_whole};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};
use wgrad::{Result, error::io_error};

/// The folder that the environment's `variable` names, else `wgrad/NAME` in the platform's cache folder of the user
/// (`$XDG_CACHE_HOME` or `~/.cache` on Linux).
pub fn folder_from_env(variable: &str, name: &str) -> Option<PathBuf> {
    let cache = etcetera::choose_base_strategy().ok();
    folder(std::env::var_os(variable), cache.map(|base| etcetera::BaseStrategy::cache_dir(&base)), name)
}

/// The folder from given values: the variable's content, where empty counts as unset, and the user's cache folder.
pub fn folder(named: Option<OsString>, cache: Option<PathBuf>, name: &str) -> Option<PathBuf> {
    let named = named.filter(|name| !name.is_empty()).map(PathBuf::from);
    named.or_else(|| cache.map(|cache| cache.join("wgrad").join(name)))
}

/// Reads the content of a file; `None` where there is no file. The error says in words that it cannot be read, or
/// is not a `what`.
pub fn read<T: DeserializeOwned>(path: &Path, what: &str) -> std::result::Result<Option<T>, String> {
    let shown = path.display();
    match read_regular(path) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(format!("cannot read {shown}: {e}")),
        Ok(text) => {
            let read = serde_json::from_slice(&text).map(Some);
            read.map_err(|e| format!("{shown} is damaged, or not a {what}: {e}"))
        }
    }
}

/// Stores `value` in the file `name` of `folder`, replacing any previous file. The write is atomic.
///
/// # Errors
/// [`wgrad::Error::Io`] where the folder cannot be written, with the advice `next`.
pub fn store(folder: &Path, name: &str, value: &impl Serialize, next: &'static str) -> Result<()> {
    fs::create_dir_all(folder).map_err(io_error("cannot create", folder, next))?;
    replace_whole(&folder.join(name), |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}
