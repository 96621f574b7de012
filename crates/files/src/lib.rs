//! Files that are there whole or not at all: written aside, flushed, renamed, and their folder flushed.
// What a program prints is its own affair; and `eprintln!` panics where stderr is gone.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// Dates of what is kept.
pub mod calendar;
/// What a file is, by its first bytes.
pub mod format;
/// What was found out, in the user's cache folder.
pub mod kept;
/// Which kernels were proven.
pub mod proofs;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};
use wgrad::{Result, error::io_error};

const NEXT: &str = "check that the folder exists, can be written and has space";
/// How what is written aside is called until it is whole; six letters follow. An owner of a run calls them by a name of
/// its own, so that the next owner can tell what a killed one left from what another program is writing just now.
const ASIDE: &str = ".wgrad-";
/// The same of the owner of a run.
const OWNERS: &str = ".tmp";
const LETTERS: usize = 6;

/// Writes a file aside, flushes and renames it, so that there is never half of one. What is no file but a device or a
/// pipe is written as it is.
///
/// # Errors
/// [`wgrad::Error::Io`].
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, |file| file.write_all(bytes))
}

/// Writes a file through `fill` so that it is either there whole or not at all: a temporary file in
/// the same folder, flushed to the disk, then renamed, and the folder flushed.
///
/// # Errors
/// [`wgrad::Error::Io`] with the path, and the temporary file is gone.
pub fn write_whole(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let cannot = |e| io_error("cannot write", path, NEXT)(e);
    match fs::metadata(path) {
        // `/dev/stdout` and the like: to rename something onto them would replace them.
        Ok(there) if !there.is_file() && !there.is_dir() => {
            let mut buffer = BufWriter::new(File::options().write(true).open(path).map_err(cannot)?);
            fill(&mut buffer).and_then(|()| buffer.flush()).map_err(cannot)
        }
        Ok(_) if path.is_symlink() => aside(&path.canonicalize().map_err(cannot)?, ASIDE, false, fill),
        _ => aside(path, ASIDE, false, fill),
    }
}

/// The same for a file that is nobody else's: whatever is there, a link or a pipe, gives way to it.
pub fn replace_whole(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    aside(path, ASIDE, false, fill)
}

/// The same by the owner of a run, for a file of its own.
pub fn write_owned(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    aside(path, OWNERS, false, fill)
}

/// The same for a file that must not be there yet.
pub fn create_owned(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    aside(path, OWNERS, true, fill)
}

fn aside(
    path: &Path,
    prefix: &str,
    new: bool,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let cannot = |e| io_error("cannot write", path, NEXT)(e);
    let folder = folder_of(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).rand_bytes(LETTERS);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As for any new file: `tempfile` would let only the owner read it. The umask still counts.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(cannot)?;
    let mut buffer = BufWriter::new(file.as_file_mut());
    fill(&mut buffer).and_then(|()| buffer.flush()).map_err(cannot)?;
    drop(buffer);
    file.as_file().sync_all().map_err(cannot)?;
    if new {
        file.persist_noclobber(path).map_err(|e| cannot(e.error))?;
    } else {
        rename(file, path).map_err(cannot)?;
    }
    flush(folder)
}

/// Gives what was written its name.
#[cfg(unix)]
fn rename(file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    // By the C library, in contrast to `persist`: `scripts/faults.c` makes it fail.
    let file = file.into_temp_path();
    fs::rename(&file, path)?;
    Ok(file.keep().map(drop)?)
}

#[cfg(not(unix))]
fn rename(file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    file.persist(path).map(drop).map_err(|e| e.error)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Flushes a folder: a new name in it is only then on the disk.
///
/// # Errors
/// [`wgrad::Error::Io`].
pub fn flush(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some network file systems flush no folders.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {}
        flushed => flushed.map_err(io_error("cannot flush", folder, NEXT))?,
    }
    #[cfg(not(unix))]
    let _unused = folder;
    Ok(())
}

/// Removes from the folder of a run what killed writers left there: those of its owners, of whom the caller is the only
/// one now, and what others have not touched for an hour.
///
/// # Errors
/// [`wgrad::Error::Io`].
pub fn clean(folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(io_error("cannot list", folder, NEXT))?;
    for entry in entries {
        let entry = entry.map_err(io_error("cannot list", folder, NEXT))?;
        let name = entry.file_name();
        let is = |prefix| {
            let letters = name.to_str().and_then(|name| name.strip_prefix(prefix));
            letters.is_some_and(|l| l.len() == LETTERS && l.bytes().all(|b| b.is_ascii_alphanumeric()))
        };
        // One that goes away meanwhile needs no removing.
        let Ok(about) = entry.path().symlink_metadata() else { continue };
        let old =
            || about.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age.as_secs() > 3600);
        if about.is_file() && (is(OWNERS) || is(ASIDE) && old()) {
            let path = entry.path();
            fs::remove_file(&path).map_err(io_error("cannot remove", &path, NEXT))?;
        }
    }
    Ok(())
}

/// Reads a file; what is none (a folder, a pipe that nobody writes to) is an error and no endless waiting.
///
/// # Errors
/// The operating system's.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    regular(path)?;
    fs::read(path)
}

/// Whether what is at `path` is the file itself: a link in a folder of somebody else's may lead to any file.
///
/// # Errors
/// The operating system's; one of its own where it is a link, or no file.
pub fn not_linked(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_symlink() {
        true => Err(io::Error::other("it is a link to another file; remove it")),
        false => regular(path),
    }
}

/// Whether there is a file at `path`.
///
/// # Errors
/// The operating system's; one of its own where it is something else.
pub fn regular(path: &Path) -> io::Result<()> {
    match fs::metadata(path)? {
        there if there.is_file() => Ok(()),
        there if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::other("this is no regular file")),
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, read_regular, write_file, write_owned};
    use std::fs;

    #[test]
    fn what_killed_owners_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for name in [".tmpAb12Cd", ".tmp", ".tmpAb12Cd.txt", ".wgrad-Ab12Cd", "tmpAb12Cd", ".tmp......"] {
            fs::write(path(name), "").expect("written");
        }
        fs::create_dir(path(".tmpFolder")).expect("made");
        let old = fs::File::create(path(".wgrad-000000")).expect("made");
        old.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("aged");
        write_owned(&path("file"), |file| file.write_all(b"whole")).expect("written");
        clean(folder.path()).expect("cleaned");
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).expect("lists").map(|e| e.expect("there").file_name()).collect();
        left.sort();
        assert_eq!(
            left,
            [".tmp", ".tmp......", ".tmpAb12Cd.txt", ".tmpFolder", ".wgrad-Ab12Cd", "file", "tmpAb12Cd"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_pipes_and_folders_stay_what_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("real"), "old").expect("written");
        std::os::unix::fs::symlink(path("real"), path("link")).expect("linked");
        write_file(&path("link"), b"new").expect("written");
        assert!(path("link").is_symlink());
        assert_eq!(fs::read(path("real")).expect("reads"), b"new");
        write_file(std::path::Path::new("/dev/null"), b"gone").expect("a device takes it");
        assert!(!std::path::Path::new("/dev/null").metadata().expect("there").is_file());
        assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().expect("runs").success());
        assert!(read_regular(&path("pipe")).is_err() && read_regular(folder.path()).is_err());
        assert_eq!(read_regular(&path("link")).expect("reads"), b"new");
    }
}
