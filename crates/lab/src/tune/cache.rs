//! Cache of tuned choices: one JSON file per call in the user's cache folder. A file is valid only for the adapter,
//! driver, wgpu, shader texts and call that it was made for; unrelated files are reported and left untouched.

use super::{Gain, Outcome, State, Use, is_contested};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs, io,
    path::PathBuf,
};
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

/// Key of a cache file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Place (adapter, driver, versions) where it was measured.
    #[serde(flatten)]
    pub place: Place,
    /// [`Call::key`]: operation, sizes, activation.
    pub call: String,
}

impl Key {
    /// Returns the name of its file.
    pub fn file(&self) -> String {
        self.place.file(Some(&self.call))
    }
}

/// Content of a cache file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Key: place and call.
    #[serde(flatten)]
    pub key: Key,
    /// Default variant at the time.
    pub default: String,
    /// The variant to run.
    pub chosen: String,
    /// Gain over the default; `None` if the default was chosen or has no time to compare.
    pub gain: Option<Gain>,
    /// Date of the choice: year, month, day.
    pub date: String,
    /// wgrad's version.
    pub version: String,
    /// True if a short tuning made it, which measures few variants; a longer one replaces it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quick: bool,
}

impl Entry {
    /// Creates the entry that chooses `chosen` for `call`, made today at `place`.
    pub fn new(place: &Place, call: &Call, default: &str, chosen: &str, gain: Option<Gain>) -> Self {
        Self {
            key: Key { place: place.clone(), call: call.key() },
            default: default.to_string(),
            chosen: chosen.to_string(),
            gain,
            date: calendar::today(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            quick: false,
        }
    }
}

/// Cached choices for the calls of a network.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Chosen variants by [`Call::key`].
    pub tuned: BTreeMap<String, String>,
    /// Those of them that a short tuning chose.
    pub quick: BTreeSet<String>,
    /// Number of calls that have several variants that can run here.
    pub of: usize,
    /// Date of the latest choice.
    pub date: Option<String>,
    /// Invalid files, and the reasons.
    pub notes: Vec<String>,
}

/// The cache of tuned choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Its folder; `None` without a home folder: then nothing is found or stored.
    pub folder: Option<PathBuf>,
}

impl Cache {
    /// Uses the folder that [`FOLDER_VARIABLE`] names, or else `wgrad/tuned` in the user's cache folder of the platform
    /// (`$XDG_CACHE_HOME` or `~/.cache` on Linux).
    pub fn from_env() -> Self {
        Self { folder: kept::folder_from_env(FOLDER_VARIABLE, NAME) }
    }

    /// Like [`Cache::from_env`], from given values: the content of the variable (empty counts as unset) and the user's
    /// cache folder.
    pub fn new(named: Option<OsString>, cache: Option<PathBuf>) -> Self {
        Self { folder: kept::folder(named, cache, NAME) }
    }

    /// Looks up the cached choices for `uses` on `context`.
    ///
    /// # Errors
    /// [`wgrad::Error::Shader`] if a variant does not compose. A problem with a file is a note, not an error.
    pub fn find(&self, context: &Context, uses: &[Use]) -> Result<Found> {
        let place = Place::of(context);
        let mut found = Found::default();
        for Use { call, .. } in uses {
            if !is_contested(context, call)? {
                continue;
            }
            found.of += 1;
            match self.entry(&place, call) {
                Ok(Some(entry)) => {
                    if entry.quick {
                        found.quick.insert(call.key());
                    }
                    found.date = found.date.max(Some(entry.date));
                    found.tuned.insert(call.key(), entry.chosen);
                }
                Ok(None) => {}
                Err(note) => found.notes.push(note),
            }
        }
        Ok(found)
    }

    /// Returns the entry of `call`, or the problem with its file.
    ///
    /// # Errors
    /// A message about a file that cannot be read, is damaged, or was made for something else.
    pub fn entry(&self, place: &Place, call: &Call) -> std::result::Result<Option<Entry>, String> {
        let key = Key { place: place.clone(), call: call.key() };
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(key.file())) else { return Ok(None) };
        let next = "it does not count; `wgrad_lab::tune` writes it again";
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

    /// Stores the outcomes of a short tuning of `place`. A call that it left out keeps its default from now on, so that
    /// the next training runs the same variants.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] if the folder cannot be written.
    pub fn store_quick(&self, place: &Place, outcomes: &[Outcome]) -> Result<()> {
        for outcome in outcomes {
            let gain = match &outcome.state {
                State::Decided(decision) => decision.gain,
                State::Known(_) => continue,
                State::LeftOut(_) => None,
            };
            let chosen = outcome.chosen().unwrap_or(&outcome.default);
            let entry = Entry::new(place, &outcome.call, &outcome.default, chosen, gain);
            self.store(&Entry { quick: true, ..entry })?;
        }
        Ok(())
    }

    /// Checks that choices can be stored, before any time is spent on tuning.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] if the folder cannot be written, [`wgrad::Error::Option`] if no folder is known.
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

    /// Stores `entry`; its file is written atomically.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] if the folder cannot be written.
    pub fn store(&self, entry: &Entry) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        kept::store(folder, &entry.key.file(), entry, NEXT)
    }

    /// Lists all entries for the adapter of `place`, sorted by call, including those for other drivers, versions and
    /// texts. A file that cannot be read as an entry yields a note.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] if the folder cannot be listed.
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

    /// Removes all entries for the adapter of `place`, and the files that cannot be read as an entry. Returns their
    /// number.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] if a file cannot be removed.
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

    /// Returns the files whose names are those of entries.
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
/// Description of a cache file for messages; `NAME` is the name of the folder.
const WHAT: &str = "choice of a variant";
const NAME: &str = "tuned";
