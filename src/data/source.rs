//! Images that are not in memory: in files, or wherever a caller has them.

use std::{
    any::Any,
    fmt::Debug,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread,
};

/// Gives images by number. They are asked for anew at every visit, by several threads.
pub trait Source: Debug + Send + Sync {
    /// Puts image number `n` into `image`, (H, W, C): bytes from 0 to 255, or f32 with the lowest byte first. Where it cannot be
    /// had, the answer is `false`, and the image is left out.
    fn read(&self, n: u32, image: &mut [u8]) -> bool;

    /// The files that could not be read so far, each with the reason, in the order of their paths.
    fn broken(&self) -> Vec<(PathBuf, String)> {
        Vec::new()
    }

    /// Itself, for who knows what it is.
    fn as_any(&self) -> &dyn Any;
}

/// Reads the images of these numbers, one behind the other, into `images`, each of `pixels` bytes. `threads` threads take
/// whichever is next; where an image lies depends on its place alone. Tells which could be read.
pub fn read_all(
    source: &dyn Source,
    which: &[u32],
    images: &mut [u8],
    pixels: usize,
    threads: usize,
) -> Vec<bool> {
    let mut fine = vec![false; which.len()];
    let jobs = which.iter().zip(images.chunks_exact_mut(pixels.max(1))).zip(&mut fine);
    let jobs = Mutex::new(jobs);
    let work = || {
        loop {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(((n, image), fine)) = job else { return };
            *fine = source.read(*n, image);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(which.len()) {
            scope.spawn(work);
        }
        work();
    });
    fine
}

/// How many threads read: one core is left to the thread that feeds the device.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1)
}
