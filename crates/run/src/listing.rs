//! Runs by name, and all runs of a folder.

use super::{CONFIG, LAST, Run, lines::METRICS, owner};
use std::{
    cmp::Ordering,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};
use wgrad::{Result, error::io_error};

/// Folder of the runs that were given none.
pub const RUNS: &str = "runs";
/// Name of the run in [`RUNS`] that was written to last.
pub const LATEST: &str = "latest";

/// Returns the folder of the run `name`: a path; the name of a run in [`RUNS`], such as `mlp-1`; or [`LATEST`]. A path to
/// a run precedes a name. A name that no run has is returned as it is.
pub fn named(name: &Path) -> PathBuf {
    named_in(Path::new(RUNS), name)
}

fn named_in(runs: &Path, name: &Path) -> PathBuf {
    if name.components().count() != 1 || is_run(name) {
        return name.to_owned();
    }
    let inside = runs.join(name);
    if is_run(&inside) {
        return inside;
    }
    let latest = || all(runs).ok()?.into_iter().max_by_key(|folder| changed(folder));
    if name == Path::new(LATEST) { latest().unwrap_or(inside) } else { name.to_owned() }
}

/// Returns true if `folder` is that of a run.
pub fn is_run(folder: &Path) -> bool {
    folder.join(CONFIG).is_file()
}

/// Returns the folders of the runs in `folder`, by name; numbers in names are compared as numbers.
///
/// # Errors
/// [`wgrad::Error::Io`] if the folder cannot be read. A folder that does not exist has no runs.
pub fn all(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io_error("cannot read", folder, ""))?,
    };
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut paths = paths.map_err(io_error("cannot read", folder, ""))?;
    paths.retain(|path| is_run(path));
    paths.sort_by(|a, b| by_name(&name(a), &name(b)));
    Ok(paths)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Compares names: `mlp-2` precedes `mlp-10`.
fn by_name(a: &str, b: &str) -> Ordering {
    let stem = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_string();
    let number = |name: &str, stem: &str| name[stem.len()..].parse::<u64>().ok();
    let (stem_a, stem_b) = (stem(a), stem(b));
    stem_a.cmp(&stem_b).then_with(|| number(a, &stem_a).cmp(&number(b, &stem_b))).then_with(|| a.cmp(b))
}

/// Returns when the run in `folder` was last written to; `None` if its files cannot be read.
pub fn changed(folder: &Path) -> Option<SystemTime> {
    let files = [CONFIG, METRICS, LAST].into_iter();
    files.filter_map(|file| folder.join(file).metadata().ok()?.modified().ok()).max()
}

impl Run {
    /// Returns true while a process trains the run.
    pub fn is_training(&self) -> bool {
        owner::is_held(&self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::{all, by_name, changed, named_in};
    use crate::{
        CONFIG,
        owner::{Owner, is_held},
    };
    use std::{
        fs::{self, File},
        path::Path,
        time::{Duration, SystemTime},
    };

    fn make(runs: &Path, name: &str, age: u64) {
        fs::create_dir_all(runs.join(name)).expect("made");
        let file = File::create(runs.join(name).join(CONFIG)).expect("made");
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("set");
    }

    #[test]
    fn names_are_those_of_runs_and_latest_is_the_last_written() {
        let folder = tempfile::tempdir().expect("made");
        let runs = folder.path();
        for (name, age) in [("mlp-10", 30), ("mlp-2", 10), ("cnn-1", 20)] {
            make(runs, name, age);
        }
        fs::create_dir(runs.join("no-run")).expect("made");
        let names: Vec<_> = all(runs).expect("read").iter().map(|path| super::name(path)).collect();
        assert_eq!(names, ["cnn-1", "mlp-2", "mlp-10"]);
        assert_eq!(named_in(runs, Path::new("cnn-1")), runs.join("cnn-1"));
        assert_eq!(named_in(runs, Path::new("latest")), runs.join("mlp-2"));
        assert_eq!(named_in(runs, Path::new("no-run")), Path::new("no-run"));
        let path = runs.join("cnn-1");
        assert_eq!(named_in(Path::new("elsewhere"), &path), path);
        make(runs, "latest", 1000);
        assert_eq!(named_in(runs, Path::new("latest")), runs.join("latest"), "a run of that name");
        assert!(changed(&runs.join("mlp-2")) > changed(&runs.join("mlp-10")));
        assert_eq!(changed(&runs.join("no-run")), None);
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_runs() {
        let folder = tempfile::tempdir().expect("made");
        assert_eq!(all(&folder.path().join("none")).expect("none"), [].map(|path: &Path| path.to_owned()));
        let file = folder.path().join("file");
        File::create(&file).expect("made");
        assert!(all(&file).is_err());
    }

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut names = ["b", "a-10", "a-9", "a", "a-009"];
        names.sort_by(|a, b| by_name(a, b));
        assert_eq!(names, ["a", "a-009", "a-9", "a-10", "b"]);
    }

    #[test]
    fn a_run_is_held_while_its_owner_lives() {
        let folder = tempfile::tempdir().expect("made");
        assert!(!is_held(folder.path()));
        let owner = Owner::of(folder.path()).expect("free");
        assert!(is_held(folder.path()));
        drop(owner);
        assert!(!is_held(folder.path()));
    }
}
