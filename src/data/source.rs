//! Sources of images: memory, files, or any other that a caller provides.

use std::{
    any::Any,
    fmt::Debug,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// A source of images by number. Several threads read them, again at every visit.
pub trait Source: Debug + Send + Sync {
    /// Writes image number `n` to `image`, (H, W, C): bytes from 0 to 255, or f32 in little-endian order. Returns false
    /// if the image is not available; it is then left out.
    fn read(&self, n: u32, image: &mut [u8]) -> bool;

    /// Appends the images of these numbers to `images`, each of `pixels` bytes, and returns true for each available
    /// one; the bytes of an unavailable one are arbitrary. By default several threads read.
    fn gather(&self, which: &[u32], pixels: usize, images: &mut Vec<u8>) -> Vec<bool> {
        let start = images.len();
        images.resize(start + which.len() * pixels, 0);
        read_all(self, which, &mut images[start..], pixels, threads())
    }

    /// The `pixels` bytes of image number `n`, if they are in memory in this form; otherwise it must be read.
    fn bytes(&self, _n: u32, _pixels: usize) -> Option<&[u8]> {
        None
    }

    /// Returns true if reading an image takes long, like decoding a file: a stream then begins with one batch, so that
    /// the device does not wait for a whole chunk.
    fn is_slow(&self) -> bool {
        true
    }

    /// The files that could not be read so far, each with the reason, in the order of their paths.
    fn broken(&self) -> Vec<(PathBuf, String)> {
        Vec::new()
    }

    /// The source as [`Any`], for downcasting.
    fn as_any(&self) -> &dyn Any;
}

/// Images in memory, in the order (N, H, W, C): bytes from 0 to 255, or f32 in little-endian order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory(pub Vec<u8>);

impl Source for Memory {
    fn read(&self, n: u32, image: &mut [u8]) -> bool {
        let found = self.bytes(n, image.len());
        found.into_iter().for_each(|bytes| image.copy_from_slice(bytes));
        found.is_some()
    }

    /// Copies the images, without threads.
    fn gather(&self, which: &[u32], pixels: usize, images: &mut Vec<u8>) -> Vec<bool> {
        let mut copy = |n: &u32| {
            let found = self.bytes(*n, pixels);
            match found {
                Some(bytes) => images.extend_from_slice(bytes),
                None => images.resize(images.len() + pixels, 0),
            }
            found.is_some()
        };
        which.iter().map(&mut copy).collect()
    }

    fn bytes(&self, n: u32, pixels: usize) -> Option<&[u8]> {
        self.0.get(place(n as usize, pixels)?)
    }

    fn is_slow(&self) -> bool {
        false
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The byte range of image `n` among consecutive images of `pixels` bytes; `None` on overflow.
fn place(n: usize, pixels: usize) -> Option<Range<usize>> {
    Some(n.checked_mul(pixels)?..n.checked_add(1)?.checked_mul(pixels)?)
}

/// The images of a split. Clones share them, so that each thread can have one.
#[derive(Debug, Clone)]
pub struct Images {
    source: Arc<dyn Source>,
    /// Their numbers in the source; `None`: all of them, in order.
    which: Option<Arc<[u32]>>,
}

impl Images {
    /// The images of these numbers of `source`, in this order, read at every visit, as files are.
    pub fn new(source: Arc<dyn Source>, which: impl Into<Arc<[u32]>>) -> Self {
        Self { source, which: Some(which.into()) }
    }

    /// Their source.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Their numbers in the source, in order; `None` if they are all the images in memory.
    pub fn which(&self) -> Option<&[u32]> {
        self.which.as_deref()
    }

    /// All bytes, image by image, if the split is the whole memory; `None` otherwise.
    fn whole(&self) -> Option<&[u8]> {
        let memory: &Memory = self.source.as_any().downcast_ref()?;
        self.which.is_none().then_some(&memory.0)
    }

    /// Returns true if they are in memory, image by image; otherwise they are read at every visit.
    pub fn in_memory(&self) -> bool {
        self.whole().is_some()
    }

    /// The bytes, if they are in memory; empty otherwise.
    pub fn memory(&self) -> &[u8] {
        self.whole().unwrap_or_default()
    }

    /// The number in the source of image `index` of the split; `None` past the end, if the end is known.
    pub(super) fn number(&self, index: usize) -> Option<u32> {
        match &self.which {
            Some(which) => which.get(index).copied(),
            None => u32::try_from(index).ok(),
        }
    }

    /// Gathers the images at `indices` into `images`, which has room for them, as [`Source::gather`] does.
    pub(super) fn gather(&self, indices: &[u32], pixels: usize, images: &mut Vec<u8>) -> Vec<bool> {
        let mut fine = match &self.which {
            Some(which) => {
                let which: Vec<u32> = indices.iter().map(|index| which[*index as usize]).collect();
                self.source.gather(&which, pixels, images)
            }
            None => self.source.gather(indices, pixels, images),
        };
        // A caller's source may have returned less.
        fine.resize(indices.len(), false);
        images.resize(indices.len() * pixels, 0);
        fine
    }
}

impl PartialEq for Images {
    /// Two are equal if they have the same bytes, or the same images of the same source.
    fn eq(&self, other: &Self) -> bool {
        match (self.whole(), other.whole()) {
            (Some(a), Some(b)) => a == b,
            (None, None) => Arc::ptr_eq(&self.source, &other.source) && self.which == other.which,
            _ => false,
        }
    }
}

impl From<Vec<u8>> for Images {
    /// Images in memory, in the order (N, H, W, C): bytes from 0 to 255, or f32 in little-endian order.
    fn from(bytes: Vec<u8>) -> Self {
        Self { source: Arc::new(Memory(bytes)), which: None }
    }
}

/// Reads the images of these numbers consecutively into `images`, each of `pixels` bytes. Each of `threads` threads
/// takes the next unread one; the position of an image does not depend on them. Returns true for each readable image.
pub fn read_all<S: Source + ?Sized>(
    source: &S,
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

/// Number of reading threads: one core is left to the thread that feeds the device.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::{Memory, Source, read_all};
    use std::any::Any;

    /// A source whose image n consists of n, twice; it has none from 7 on.
    #[derive(Debug)]
    struct Drawn;

    impl Source for Drawn {
        fn read(&self, n: u32, image: &mut [u8]) -> bool {
            image.fill(n as u8);
            n < 7
        }

        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    #[test]
    fn memory_gives_what_any_source_gives() {
        let memory = Memory((0..14).map(|at| at / 2).collect());
        let which = [6, 0, 7, 3, 3];
        let gathered = |source: &dyn Source| {
            let mut images = vec![99];
            let fine = source.gather(&which, 2, &mut images);
            (images, fine)
        };
        let (mut drawn, fine) = gathered(&Drawn);
        assert_eq!(fine, [true, true, false, true, true]);
        drawn[5..7].fill(0);
        assert_eq!(drawn, [99, 6, 6, 0, 0, 0, 0, 3, 3, 3, 3]);
        assert_eq!(gathered(&memory), (drawn.clone(), fine.clone()));
        // One at a time, and by threads.
        let mut images = [0; 10];
        assert_eq!(read_all(&memory, &which, &mut images, 2, 3), fine);
        assert_eq!(images, drawn[1..]);
    }

    #[test]
    fn memory_lends_and_others_read() {
        let memory = Memory(vec![1, 2, 3, 4, 5]);
        assert_eq!(memory.bytes(1, 2), Some(&[3, 4][..]));
        assert_eq!((memory.bytes(2, 2), memory.bytes(2, usize::MAX)), (None, None), "it has no such image");
        assert_eq!(Drawn.bytes(1, 2), None);
        assert!(Drawn.is_slow() && !memory.is_slow());
    }
}
