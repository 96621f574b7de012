//! Locks of files that processes hold until they end.

use std::{
    fs::{File, TryLockError},
    thread::sleep,
    time::{Duration, Instant},
};

/// Time between two tries.
const MOMENT: Duration = Duration::from_millis(50);
/// Time for which a lock is tried: a process that was killed keeps it until the system has taken back its memory, which
/// takes a second on a busy machine.
const PATIENCE: Duration = Duration::from_secs(3);

/// Locks a file for this process alone, until the file is closed. Waits up to three seconds for a process that is ending.
///
/// # Errors
/// [`TryLockError::WouldBlock`] if another process goes on holding it; [`TryLockError::Error`] where the file system has
/// no locks.
pub fn lock(file: &File) -> Result<(), TryLockError> {
    let end = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < end => sleep(MOMENT),
            locked => return locked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::lock;
    use std::{
        fs::{File, TryLockError},
        thread::{sleep, spawn},
        time::Duration,
    };

    #[test]
    fn a_holder_that_is_ending_is_waited_for_and_another_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || File::create(folder.path().join("lock")).expect("a file");
        let (held, wanted) = (open(), open());
        held.try_lock().expect("free");
        assert!(matches!(lock(&wanted), Err(TryLockError::WouldBlock)));
        let ending = spawn(move || {
            sleep(Duration::from_millis(300));
            drop(held);
        });
        lock(&wanted).expect("freed meanwhile");
        ending.join().expect("ends");
    }
}
