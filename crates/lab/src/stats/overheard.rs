//! What a driver prints while it works: some tell their machine code in no other way.

use rustix::{io::dup, stdio::dup2_stdout};
use std::{
    fs::File,
    io::{Read, Seek, Write, stdout},
    os::fd::{AsFd, OwnedFd},
};

/// Where stdout goes for a while.
pub(super) struct Overheard {
    before: OwnedFd,
    file: File,
}

impl Overheard {
    /// stdout goes to a file until this is dropped; `None` where that cannot be done.
    pub fn start() -> Option<Self> {
        stdout().flush().ok()?;
        let before = dup(stdout().as_fd()).ok()?;
        let file = tempfile::tempfile().ok()?;
        dup2_stdout(&file).ok()?;
        Some(Self { before, file })
    }

    /// Forgets what was written so far.
    pub fn forget(&mut self) -> Option<()> {
        self.file.rewind().ok()?;
        self.file.set_len(0).ok()
    }

    /// What was written.
    pub fn text(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        self.file.rewind().ok()?;
        self.file.read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Overheard {
    fn drop(&mut self) {
        let _is_back = dup2_stdout(&self.before);
    }
}
