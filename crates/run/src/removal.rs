//! Removal of runs. Only files that belong to a run are removed: a run may be in a folder with other files, which stay.
//! Links are removed as links.

use super::{
    BEST, BROKEN, CONFIG, LAST, Run,
    folder::component,
    lines::{LAYERS, METRICS},
    listing::is_run,
    owner::{LOCK, Owner},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use wgrad::{Error, Result, error::io_error};
use wgrad_files::clean;

/// Files and folders of a run, besides its shaders: also those that the program writes there.
const OWN: [&str; 8] = [METRICS, LAYERS, LAST, BEST, BROKEN, MODEL, EVENTS, CONFIG];
/// The network of an imported run.
pub const MODEL: &str = "model.toml";
/// Folder of the event files for TensorBoard.
pub const EVENTS: &str = "tensorboard";
const NEXT: &str = "check that the folder can be written";

/// A run that can be removed.
#[derive(Clone, Debug)]
pub struct Removable {
    folder: PathBuf,
    /// Its files and folders, `run.json` last.
    own: Vec<PathBuf>,
    /// Size of its files, bytes.
    pub bytes: u64,
    /// Names of what else is in the folder, and stays.
    pub others: Vec<String>,
}

/// Returns what would be removed of the run in `folder`.
///
/// # Errors
/// [`Error::Run`] if it is not a run, is a link, or is being trained; [`Error::Io`] if it cannot be read.
pub fn removable(folder: &Path) -> Result<Removable> {
    let fail = |message: &str| Error::Run { folder: folder.to_owned(), message: message.to_string() };
    if !is_run(folder) {
        // With the advice of all who look for a run.
        Run::open(folder)?;
        return Err(fail("is not a run"));
    }
    // A path that ends in `/` is that of the target.
    let plain: PathBuf = folder.components().collect();
    if plain.is_symlink() {
        return Err(fail(
            "is a link to a run; remove the link yourself, or name the folder that it leads to",
        ));
    }
    if super::owner::is_held(folder) {
        return Err(fail("is being trained; wait for that to end, or end it"));
    }
    // A damaged run has no list of its shaders; they stay.
    let files = Run::open(folder).map(|run| run.config.files).unwrap_or_default();
    let shaders = files.keys().filter(|op| component(op) == op.as_str()).map(|op| format!("{op}.wgsl"));
    let own: Vec<String> = shaders.chain(OWN.map(String::from)).collect();
    let is_there = |path: &PathBuf| path.symlink_metadata().is_ok();
    let own: Vec<PathBuf> = own.iter().map(|name| folder.join(name)).filter(is_there).collect();
    let mut bytes = 0;
    for path in &own {
        bytes += size(path).map_err(io_error("cannot read", path, ""))?;
    }
    let entries = fs::read_dir(folder).and_then(|all| all.collect::<io::Result<Vec<_>>>());
    let entries = entries.map_err(io_error("cannot read", folder, ""))?;
    let is_other = |path: &PathBuf| !own.contains(path) && *path != folder.join(LOCK);
    let others = entries.iter().map(|entry| entry.path()).filter(is_other);
    let name = |path: PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut others: Vec<String> = others.map(name).collect();
    others.sort();
    Ok(Removable { folder: folder.to_owned(), bytes, others, own })
}

/// Size of a file, or of all files of a folder, in bytes; that of a link is its own.
fn size(path: &Path) -> io::Result<u64> {
    let about = path.symlink_metadata()?;
    if !about.is_dir() {
        return Ok(about.len());
    }
    let entries = fs::read_dir(path)?;
    entries.map(|entry| size(&entry?.path())).sum()
}

impl Removable {
    /// Removes the run. An interrupted removal leaves a run that can be removed again.
    ///
    /// # Errors
    /// [`Error::Run`] if it is being trained meanwhile; [`Error::Io`].
    pub fn remove(self) -> Result<()> {
        let owner = Owner::of(&self.folder)?;
        clean(&self.folder)?;
        for path in &self.own {
            let removed = match path.symlink_metadata() {
                Ok(about) if about.is_dir() => fs::remove_dir_all(path),
                Ok(_) => fs::remove_file(path),
                Err(e) => Err(e),
            };
            done(removed).map_err(io_error("cannot remove", path, NEXT))?;
        }
        drop(owner);
        let lock = self.folder.join(LOCK);
        done(fs::remove_file(&lock)).map_err(io_error("cannot remove", &lock, NEXT))?;
        match fs::remove_dir(&self.folder) {
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed.map_err(io_error("cannot remove", &self.folder, NEXT)),
        }
    }
}

/// What is gone already is removed.
fn done(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::removable;
    use crate::{Run, listing::is_run, state::tests::old_run};
    use std::fs;

    #[test]
    fn a_run_goes_and_what_is_not_of_it_stays() {
        let folder = old_run();
        let run = folder.path();
        fs::create_dir(run.join("tensorboard")).expect("made");
        fs::write(run.join("tensorboard/events"), "12345").expect("written");
        fs::write(run.join("notes.txt"), "mine").expect("written");
        let before = fs::metadata(run.join("last.safetensors")).expect("there").len();
        let found = removable(run).expect("can be removed");
        assert_eq!(found.others, ["notes.txt"]);
        assert!(found.bytes > before + 5, "{}", found.bytes);
        found.remove().expect("removed");
        let left: Vec<_> =
            fs::read_dir(run).expect("lists").map(|entry| entry.expect("there").file_name()).collect();
        assert_eq!(left, ["notes.txt"]);
    }

    #[test]
    fn a_run_in_training_and_a_folder_of_no_run_stay() {
        let folder = old_run();
        let held = Run::take(folder.path()).expect("free");
        let error = removable(folder.path()).expect_err("held").to_string();
        assert!(error.contains("is being trained"), "{error}");
        drop(held);
        let found = removable(folder.path()).expect("free again");
        let held = Run::take(folder.path()).expect("free");
        let error = found.remove().expect_err("held since").to_string();
        assert!(error.contains("is in use") && is_run(folder.path()), "{error}");
        drop(held);
        let other = tempfile::tempdir().expect("a folder");
        fs::write(other.path().join("file"), "mine").expect("written");
        let error = removable(other.path()).expect_err("no run").to_string();
        assert!(error.contains("is not a run") && other.path().join("file").exists(), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_removed_and_what_they_lead_to_stays() {
        use std::os::unix::fs::symlink;
        let (folder, outside) = (old_run(), tempfile::tempdir().expect("a folder"));
        let run = folder.path().join("run");
        fs::create_dir(&run).expect("made");
        fs::copy(folder.path().join("run.json"), run.join("run.json")).expect("copied");
        fs::write(outside.path().join("events"), "mine").expect("written");
        fs::write(outside.path().join("last"), "mine").expect("written");
        symlink(outside.path(), run.join("tensorboard")).expect("linked");
        symlink(outside.path().join("last"), run.join("last.safetensors")).expect("linked");
        let link = folder.path().join("link");
        symlink(&run, &link).expect("linked");
        for path in [link.clone(), link.join("")] {
            let error = removable(&path).expect_err("a link").to_string();
            assert!(error.contains("is a link to a run"), "{error}");
        }
        removable(&run).expect("a run").remove().expect("removed");
        assert!(
            !run.exists() && outside.path().join("events").exists() && outside.path().join("last").exists()
        );
    }
}
