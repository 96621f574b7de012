//! What was found out at a place (an adapter, its driver, wgpu and the texts of the shaders) and is kept in the user's
//! cache folder: a JSON file each, under a name that follows from the place. What else lies there does not count.

use crate::{
    Result,
    error::io_error,
    files::{read_regular, replace_whole},
    gpu::{AdapterRecord, Context},
    kernels::OPERATIONS,
    op::{activations::ACTIVATIONS, user_file::digest},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Everything on which a choice or a proof depends, besides what it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The adapter's name.
    pub adapter: String,
    /// Vulkan, Metal, ...
    pub backend: String,
    /// The driver, with its version.
    pub driver: String,
    /// The version of wgpu.
    pub wgpu: String,
    /// SHA-256 of all shader texts of the page.
    pub shaders: String,
    /// Whether wgpu's checks are in the kernels.
    pub checked: bool,
}

impl Place {
    /// The place where `context` works.
    pub fn of(context: &Context) -> Self {
        let AdapterRecord { name, backend, driver, class: _ } = AdapterRecord::of(context);
        Self {
            adapter: name,
            backend,
            driver,
            wgpu: wgpu_version().to_string(),
            shaders: shaders().to_string(),
            checked: context.checked,
        }
    }

    /// The name of the file that keeps what was found out here, of a `call` alone if that is named.
    pub fn file(&self, call: Option<&str>) -> String {
        let Self { adapter, backend, driver, wgpu, shaders, checked } = self;
        let checked = checked.to_string();
        let all = [adapter, backend, driver, wgpu, shaders, &checked].map(String::as_str);
        format!("{}.json", digest(&all.into_iter().chain(call).collect::<Vec<_>>().join("\0")))
    }

    /// Whether both are on one adapter, whatever else changed.
    pub fn same_adapter(&self, other: &Self) -> bool {
        (&self.adapter, &self.backend) == (&other.adapter, &other.backend)
    }
}

/// wgpu's version, from the list of what wgrad is built with.
fn wgpu_version() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let after = lock.split("name = \"wgpu\"\nversion = \"").nth(1).or_else(|| {
        // As a checkout on Windows may have it.
        lock.split("name = \"wgpu\"\r\nversion = \"").nth(1)
    });
    after.and_then(|text| text.split('"').next()).unwrap_or("unknown")
}

/// The digest of all shader texts of the page.
fn shaders() -> &'static str {
    static DIGEST: OnceLock<String> = OnceLock::new();
    DIGEST.get_or_init(|| {
        let mut texts = Vec::new();
        for op in OPERATIONS {
            texts.extend([op.name, op.interface]);
            texts.extend(op.parts);
            texts.extend(op.variants.iter().flat_map(|variant| [variant.name, variant.source]));
        }
        texts.extend(ACTIVATIONS.iter().flat_map(|activation| [activation.name, activation.source]));
        digest(&texts.join("\0"))
    })
}

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
/// [`crate::Error::Io`] where the folder cannot be written, with what to do `next`.
pub fn store(folder: &Path, name: &str, value: &impl Serialize, next: &'static str) -> Result<()> {
    fs::create_dir_all(folder).map_err(io_error("cannot create", folder, next))?;
    replace_whole(&folder.join(name), |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}
