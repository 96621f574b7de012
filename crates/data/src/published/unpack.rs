//! Fetches an archive and unpacks it: into a folder of its own first, so that an interrupted unpacking leaves nothing under
//! a final name. Entries with paths that lead elsewhere, links and devices are refused or left out.

use super::{Archive, is_unpacked, unpacked_mark};
use crate::{
    Error, Result,
    download::{self, Event, Options, RemoteFile, locked},
    error::io_error,
    unpacked_limit,
};
use flate2::read::MultiGzDecoder;
use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Component, Path, PathBuf},
};
use wgrad_files::write_whole;
use zip::ZipArchive;

/// The file that is locked while an archive is fetched and unpacked; that of the download alone is another.
const LOCK: &str = ".unpack.lock";
/// The folder for what is not unpacked completely.
const HALF: &str = ".unpacking";

/// Advice for what cannot be written.
const CANNOT_WRITE: &str = "check that the folder can be written and the disk has space";

/// Fetches and unpacks those of the `files` that were not yet.
pub(super) fn fetch(
    files: &[RemoteFile<'_>],
    archive: Archive,
    folder: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<()> {
    fs::create_dir_all(folder).map_err(io_error("cannot create", folder, CANNOT_WRITE))?;
    for file in files {
        if is_unpacked(folder, file) {
            progress(Event::Present { name: file.name });
            continue;
        }
        let lock = locked(folder, LOCK, progress)?;
        // The previous holder of the lock may have unpacked it.
        if is_unpacked(folder, file) {
            progress(Event::Present { name: file.name });
            continue;
        }
        download::fetch(std::slice::from_ref(file), folder, options, progress)?;
        progress(Event::Unpacking { name: file.name });
        let packed = folder.join(file.name);
        unpack(&packed, archive, folder)?;
        write_whole(&unpacked_mark(folder, file), |out| writeln!(out, "{}", file.sha256))?;
        fs::remove_file(&packed).map_err(io_error("cannot remove", &packed, CANNOT_WRITE))?;
        drop(lock);
    }
    Ok(())
}

/// Unpacks an archive into `folder`; what was there under the same names is replaced.
fn unpack(packed: &Path, archive: Archive, folder: &Path) -> Result<()> {
    let half = folder.join(HALF);
    let cleared = |path: &Path| match fs::remove_dir_all(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(io_error("cannot remove", path, CANNOT_WRITE)),
    };
    cleared(&half)?;
    fs::create_dir(&half).map_err(io_error("cannot create", &half, CANNOT_WRITE))?;
    let file = File::open(packed).map_err(io_error("cannot open", packed, CANNOT_WRITE))?;
    let length = file.metadata().map_err(io_error("cannot read", packed, CANNOT_WRITE))?.len();
    let mut place = Place { packed, into: &half, left: unpacked_limit(length) };
    match archive {
        Archive::TarGz => untar(file, &mut place)?,
        Archive::Zip => unzip(file, &mut place)?,
    }
    let entries = fs::read_dir(&half).map_err(io_error("cannot read", &half, CANNOT_WRITE))?;
    for entry in entries {
        let from = entry.map_err(io_error("cannot read", &half, CANNOT_WRITE))?.path();
        let to = folder.join(from.file_name().unwrap_or_default());
        if to.is_dir() {
            cleared(&to)?;
        }
        fs::rename(&from, &to).map_err(io_error("cannot rename to", &to, CANNOT_WRITE))?;
    }
    cleared(&half)?;
    Ok(wgrad_files::flush(folder)?)
}

fn damaged(packed: &Path, words: &str) -> Error {
    let message = format!("a damaged archive ({words}); remove it and fetch it again");
    Error::Data { path: packed.to_owned(), message }
}

fn untar(file: File, place: &mut Place<'_>) -> Result<()> {
    let packed = place.packed;
    let fail = |e: io::Error| damaged(packed, &e.to_string());
    let mut archive = tar::Archive::new(MultiGzDecoder::new(BufReader::new(file)));
    for entry in archive.entries().map_err(fail)? {
        let mut entry = entry.map_err(fail)?;
        if entry.header().entry_type().is_file() {
            let path = entry.path().map_err(fail)?.into_owned();
            place.write(&path, &mut entry)?;
        }
    }
    Ok(())
}

fn unzip(file: File, place: &mut Place<'_>) -> Result<()> {
    let packed = place.packed;
    let fail = |e: zip::result::ZipError| damaged(packed, &e.to_string());
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(fail)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(fail)?;
        if entry.is_file() {
            let path = PathBuf::from(entry.name().map_err(fail)?.into_owned());
            place.write(&path, &mut entry)?;
        }
    }
    Ok(())
}

/// Where an archive is unpacked, and how many bytes it may still become.
struct Place<'a> {
    packed: &'a Path,
    into: &'a Path,
    left: u64,
}

impl Place<'_> {
    fn write(&mut self, path: &Path, content: &mut impl Read) -> Result<()> {
        let inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
        if path.as_os_str().is_empty() || !path.components().all(inside) {
            return Err(damaged(self.packed, &format!("an entry leads to {}", path.display())));
        }
        let to = self.into.join(path);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(io_error("cannot create", parent, CANNOT_WRITE))?;
        }
        let mut out = File::create(&to).map_err(io_error("cannot create", &to, CANNOT_WRITE))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(damaged(self.packed, &e.to_string())),
            };
            self.left = self
                .left
                .checked_sub(count as u64)
                .ok_or_else(|| damaged(self.packed, "it unpacks to far more than its size suggests"))?;
            io::Write::write_all(&mut out, &buffer[..count]).map_err(io_error(
                "cannot write",
                &to,
                CANNOT_WRITE,
            ))?;
        }
    }
}
