//! Atomic writing of files: write a temporary file, flush it, rename it, and flush the folder.
// Printing is up to the program; also, `eprintln!` panics where stderr is closed.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// Dates of what is kept.
pub mod calendar;
/// Recognition of file formats by first bytes.
pub mod format;
/// Results kept in the user's cache folder.
pub mod kept;
mod lock;
/// Compiled pipelines.
pub mod pipelines;
/// The record of proven kernels.
pub mod proofs;

pub use lock::lock;
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};
use wgrad::{Result, error::io_error};

const NEXT: &str = "check that the folder exists, can be written and has space";
/// Prefix of a temporary file's name; six letters follow. The owner of a run uses another prefix. This way, the
/// next owner can distinguish the remains of a killed owner from the files that another program is writing now.
const ASIDE: &str = ".wgrad-";
/// Prefix of temporary files of a run's owner.
const OWNERS: &str = ".tmp";
const LETTERS: usize = 6;

/// Writes a file atomically: through a temporary file that is flushed and renamed. A device or a pipe is written
/// directly.
///
/// # Errors
/// [`wgrad::Error::Io`].
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, |file| file.write_all(bytes))
}

/// Writes a file through `fill` so that it appears complete or not at all: a temporary file in the same folder is
/// flushed to the disk, then renamed, and the folder is flushed. A device or a pipe is written directly.
///
/// # Errors
/// [`wgrad::Error::Io`] with the path. The temporary file is removed.
pub fn write_whole(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let cannot = |e| io_error("cannot write", path, NEXT)(e);
    match fs::metadata(path) {
        // Renaming onto `/dev/stdout` and the like would replace them.
        Ok(there) if !there.is_file() && !there.is_dir() => {
            let mut buffer = BufWriter::new(File::options().write(true).open(path).map_err(cannot)?);
            fill(&mut buffer).and_then(|()| buffer.flush()).map_err(cannot)
        }
        Ok(_) if path.is_symlink() => aside(&path.canonicalize().map_err(cannot)?, ASIDE, false, fill),
        _ => aside(path, ASIDE, false, fill),
    }
}

/// Writes a file that belongs to the caller alone, as [`write_whole`] does. A link or a pipe at `path` is replaced.
pub fn replace_whole(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    aside(path, ASIDE, false, fill)
}

/// Writes a file of a run as its owner, as [`replace_whole`] does.
pub fn write_owned(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    aside(path, OWNERS, false, fill)
}

/// Writes a file of a run as its owner. Fails if the file already exists.
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
        // The permissions of any new file: `tempfile` would let only the owner read it. The umask still applies.
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

/// Renames the temporary file to its final name.
#[cfg(unix)]
fn rename(file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    // This calls the C library, unlike `persist`: `scripts/faults.c` makes it fail.
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

/// Flushes a folder: only then is a new name in it on the disk.
///
/// # Errors
/// [`wgrad::Error::Io`].
pub fn flush(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some network file systems cannot flush folders.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {}
        flushed => flushed.map_err(io_error("cannot flush", folder, NEXT))?,
    }
    #[cfg(not(unix))]
    let _unused = folder;
    Ok(())
}

/// Removes the temporary files that killed writers left in the folder of a run. These are all files of its owners,
/// since the caller is now the only owner, and files of others that were last modified over an hour ago.
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
        // An entry that vanishes meanwhile needs no removal.
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

/// Reads a regular file. A folder, or a pipe that nobody writes to, is an error and does not block.
///
/// # Errors
/// The operating system's error.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    regular(path)?;
    fs::read(path)
}

/// Checks that `path` is a regular file and not a link: a link in someone else's folder could lead to any file.
///
/// # Errors
/// The operating system's error; an error of its own for a link or something other than a file.
pub fn not_linked(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_symlink() {
        true => Err(io::Error::other("it is a link to another file; remove it")),
        false => regular(path),
    }
}

/// Checks that there is a regular file at `path`.
///
/// # Errors
/// The operating system's error; an error of its own for something other than a file.
pub fn regular(path: &Path) -> io::Result<()> {
    match fs::metadata(path)? {
        there if there.is_file() => Ok(()),
        there if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::other("this is not a regular file")),
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
