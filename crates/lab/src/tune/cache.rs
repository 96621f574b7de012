//! What was tuned before: a JSON file a call in the user's cache folder. A file counts only for the adapter, driver,
//! wgpu, shader texts and call that it was made for; anything else that lies there is told and left alone.

use super::{Gain, Use, candidates, eligible};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ffi::OsString, fs, io, path::PathBuf};
pub use wgrad::gpu::Place;
use wgrad::{
    Result,
    error::io_error,
    gpu::Context,
    op::{Call, user_file},
};
use wgrad_files::{calendar, kept};

/// The environment variable that names the folder.
pub const FOLDER_VARIABLE: &str = "WGRAD_TUNED";

/// What tells one file from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Where it was measured.
    #[serde(flatten)]
    pub place: Place,
    /// [`Call::key`]: operation, sizes, activation.
    pub call: String,
}

impl Key {
    /// The name of its file.
    pub fn file(&self) -> String {
        self.place.file(Some(&self.call))
    }
}

/// A file of the cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is for.
    #[serde(flatten)]
    pub key: Key,
    /// What the page preferred.
    pub default: String,
    /// The variant to run.
    pub chosen: String,
    /// Over the default, where that is another.
    pub gain: Option<Gain>,
    /// When: year, month, day.
    pub date: String,
    /// wgrad's version.
    pub version: String,
}

impl Entry {
    /// The choice of `chosen` for `call`, made today at `place`.
    pub fn new(place: &Place, call: &Call, default: &str, chosen: &str, gain: Option<Gain>) -> Self {
        Self {
            key: Key { place: place.clone(), call: call.key() },
            default: default.to_string(),
            chosen: chosen.to_string(),
            gain,
            date: calendar::today(),
            version: env!("CARGO_PKG_VERSION").to_string(),
        }
    }
}

/// What the cache knows of a network's calls.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// By [`Call::key`].
    pub tuned: BTreeMap<String, String>,
    /// How many calls have several variants that can run here.
    pub of: usize,
    /// The day of the latest choice.
    pub date: Option<String>,
    /// Files that do not count, and why.
    pub notes: Vec<String>,
}

/// The folder of what was tuned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// `None` without a home folder: nothing is found or kept.
    pub folder: Option<PathBuf>,
}

impl Cache {
    /// The folder that [`FOLDER_VARIABLE`] names, else `wgrad/tuned` in the user's cache folder as the platform has it
    /// (`$XDG_CACHE_HOME` or `~/.cache` on Linux).
    pub fn from_env() -> Self {
        Self { folder: kept::folder_from_env(FOLDER_VARIABLE, NAME) }
    }

    /// As [`Cache::from_env`], from values: the variable's content, empty counting as unset, and the user's cache
    /// folder.
    pub fn new(named: Option<OsString>, cache: Option<PathBuf>) -> Self {
        Self { folder: kept::folder(named, cache, NAME) }
    }

    /// What is known of `uses` on `context`.
    ///
    /// # Errors
    /// [`wgrad::Error::Shader`] where a variant does not compose. Whatever is wrong with a file is a note.
    pub fn find(&self, context: &Context, uses: &[Use]) -> Result<Found> {
        let place = Place::of(context);
        let mut found = Found::default();
        for Use { call, .. } in uses {
            if eligible(context, call, candidates(context, call))?.len() < 2 {
                continue;
            }
            found.of += 1;
            match self.entry(&place, call) {
                Ok(Some(entry)) => {
                    found.date = found.date.max(Some(entry.date));
                    found.tuned.insert(call.key(), entry.chosen);
                }
                Ok(None) => {}
                Err(note) => found.notes.push(note),
            }
        }
        Ok(found)
    }

    /// The entry of `call`, or what is wrong with its file.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, or was made for something else: in words.
    pub fn entry(&self, place: &Place, call: &Call) -> std::result::Result<Option<Entry>, String> {
        let key = Key { place: place.clone(), call: call.key() };
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(key.file())) else { return Ok(None) };
        let next = "it does not count; `wgrad_lab::tune` writes it anew";
        let kept = kept::read::<Entry>(&path, WHAT).map_err(|why| format!("{why}; {next}"))?;
        let Some(entry) = kept else { return Ok(None) };
        if entry.key != key {
            return Err(format!(
                "{} was made for something else ({}); {next}",
                path.display(),
                entry.key.call
            ));
        }
        if user_file::is_file(&entry.chosen) || call.op.find(&entry.chosen).is_err() {
            let known = call.op.variant_names();
            let path = path.display();
            return Err(format!("{path} chooses `{}`, expected one of {known}; {next}", entry.chosen));
        }
        Ok(Some(entry))
    }

    /// Whether anything can be kept: told before the time is spent.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] where the folder cannot be written, [`wgrad::Error::Option`] where none is known.
    pub fn try_storing(&self) -> Result<()> {
        let Some(folder) = &self.folder else {
            return Err(wgrad::Error::Option {
                name: FOLDER_VARIABLE,
                got: "not set, and no home folder is known".into(),
                expected: "a folder in which the choices can be kept",
            });
        };
        fs::create_dir_all(folder).map_err(io_error("cannot create", folder, NEXT))?;
        tempfile::tempfile_in(folder).map(drop).map_err(io_error("cannot write into", folder, NEXT))
    }

    /// Keeps `entry`: its file is there whole, or not at all.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] where the folder cannot be written.
    pub fn store(&self, entry: &Entry) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        kept::store(folder, &entry.key.file(), entry, NEXT)
    }

    /// Everything that is kept for the adapter of `place`, by call, also for other drivers, versions and texts. A file
    /// that cannot be read as an entry belongs to nobody: it is a note.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] where the folder cannot be listed.
    pub fn list(&self, place: &Place) -> Result<(Vec<Entry>, Vec<String>)> {
        let (mut entries, mut notes) = (Vec::new(), Vec::new());
        for path in self.files()? {
            match kept::read::<Entry>(&path, WHAT) {
                Ok(Some(entry)) if entry.key.place.same_adapter(place) => entries.push(entry),
                Ok(_) => {}
                Err(why) => notes.push(why),
            }
        }
        entries.sort_by(|a, b| (&a.key.call, &a.date).cmp(&(&b.key.call, &b.date)));
        Ok((entries, notes))
    }

    /// Removes everything that is kept for the adapter of `place`, and files that cannot be read as an entry; how many
    /// there were.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] where one cannot be removed.
    pub fn clear(&self, place: &Place) -> Result<usize> {
        let mut removed = 0;
        for path in self.files()? {
            let kept = kept::read::<Entry>(&path, WHAT);
            if kept.is_ok_and(|entry| entry.is_none_or(|entry| !entry.key.place.same_adapter(place))) {
                continue;
            }
            fs::remove_file(&path).map_err(io_error("cannot remove", &path, NEXT))?;
            removed += 1;
        }
        Ok(removed)
    }

    /// The files that have the name of an entry.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        let listed = match fs::read_dir(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(io_error("cannot list", folder, NEXT))?,
        };
        let mut files = Vec::new();
        for file in listed {
            let path = file.map_err(io_error("cannot list", folder, NEXT))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|n| n.strip_suffix(".json"));
            if name.is_some_and(|n| n.len() == 64 && n.bytes().all(|b| b.is_ascii_hexdigit())) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

const NEXT: &str = "WGRAD_TUNED names another folder";
/// What its files are, in words, and how their folder is called.
const WHAT: &str = "choice of a variant";
const NAME: &str = "tuned";
