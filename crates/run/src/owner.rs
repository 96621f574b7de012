//! The lock of a run: one process at a time may write to its folder. It is the system's lock on a file of the folder,
//! which is freed as soon as the process ends, for whatever reason. Readers need no lock, since every file is whole at
//! any time.

use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use wgrad::{Error, Result, error::io_error};
use wgrad_files::{lock, not_linked};

/// Name of the locked file; it holds the process id.
pub(super) const LOCK: &str = "run.lock";
const NEXT: &str = "check that the folder can be written and the disk has space";

/// The right to write into a folder, as long as this value lives.
#[derive(Debug)]
pub(super) struct Owner {
    file: File,
    path: PathBuf,
    /// Lengths of the growing files after this process last wrote to them.
    lengths: Mutex<BTreeMap<&'static str, u64>>,
}

impl Owner {
    /// Takes the lock of `folder`.
    ///
    /// # Errors
    /// [`Error::Run`] that names the process that holds it; [`Error::Io`].
    pub fn of(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let cannot = |e| io_error("cannot lock", &path, NEXT)(e);
        match not_linked(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(cannot(e)),
            _ => {}
        }
        let options = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = options.map_err(cannot)?;
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Run { folder: folder.to_owned(), message: held(&mut file) });
            }
            // A file system without locks: other processes cannot be kept out.
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(e)) => return Err(cannot(e)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(cannot)?;
        Ok(Self { file, path, lengths: Mutex::default() })
    }

    /// Checks that the folder is still the one that was locked.
    ///
    /// # Errors
    /// [`Error::Run`] if it, its lock or its configuration was removed.
    pub fn check(&self, folder: &Path, config: &str) -> Result<()> {
        let gone = |what: String| Error::Run {
            folder: folder.to_owned(),
            message: format!("{what} while it trained; nothing can be saved there"),
        };
        if !folder.is_dir() {
            return Err(gone("was removed".into()));
        }
        if !self.path.exists() || !is_linked(&self.file) {
            return Err(gone(format!("has lost its {LOCK}")));
        }
        if !folder.join(config).exists() {
            return Err(gone(format!("has lost its {config}")));
        }
        Ok(())
    }

    /// Checks that the file `name`, which has `length` bytes now, is as this process left it, if it ever wrote to it.
    ///
    /// # Errors
    /// [`Error::Run`] if it is not.
    pub fn left(&self, folder: &Path, name: &'static str, length: u64) -> Result<()> {
        match self.lengths.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            Some(left) if *left != length => Err(Error::Run {
                folder: folder.to_owned(),
                message: format!(
                    "has a {name} that was changed while it trained: {length} bytes, expected {left}; put it back"
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Records the current length of the file `name`.
    pub fn leave(&self, name: &'static str, length: u64) {
        self.lengths.lock().unwrap_or_else(PoisonError::into_inner).insert(name, length);
    }
}

/// Returns true if a process has the lock of `folder`.
pub fn is_held(folder: &Path) -> bool {
    let file = File::open(folder.join(LOCK));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Describes the process that holds the lock.
fn held(file: &mut File) -> String {
    let mut text = String::new();
    // On Windows other processes cannot read a locked file.
    let read = file.rewind().and_then(|()| file.take(20).read_to_string(&mut text));
    let who = match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(process)) => format!("process {process}"),
        _ => "another process".to_string(),
    };
    format!("is in use: {who} is training it; wait for that to end, or end it, or choose another folder")
}

#[cfg(unix)]
fn is_linked(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|about| about.nlink() > 0)
}

#[cfg(not(unix))]
fn is_linked(_: &File) -> bool {
    // An open file cannot be removed on such systems.
    true
}
