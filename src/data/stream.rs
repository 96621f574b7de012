//! The stream: visits a split once, in file order or shuffled, cut into batches, and these into chunks that
//! fit a budget. A thread gathers the next chunk while the device works on the last; a source reads files with several
//! more. The chunks and the number of threads do not affect the batches. The stream uploads nothing.

use super::{Split, random::Random};
use crate::{
    feed::Batch,
    observe::{Activity, Recorder, note},
};
use std::{
    collections::VecDeque,
    ops::Range,
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
};

/// The default budget of a chunk, in bytes of images.
pub const BUDGET: usize = 16 << 20;

/// Maximum number of batches per chunk, however small they are: each has an entry in the table of steps.
const MOST_STEPS: usize = 4096;

/// Order in which images are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The order of the file.
    File,
    /// Shuffled by Fisher and Yates's method; a different order for each seed and epoch.
    Shuffled {
        /// The seed of the training.
        seed: u64,
        /// The epoch, from 0.
        epoch: u64,
    },
}

/// The batch of one step, as a range of the chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Index in the chunk of the first image.
    pub first: u32,
    /// Number of images.
    pub rows: u32,
    /// Index in the whole batch of the first image: the number of images that the ranks before this one visit.
    pub before: u32,
}

/// The images of each batch that one rank of a team visits: consecutive ones, about as many as every other rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The rank, from 0.
    pub rank: usize,
    /// Number of ranks.
    pub ranks: usize,
}

impl Share {
    /// All images of each batch.
    pub const WHOLE: Self = Self { rank: 0, ranks: 1 };

    /// The positions of its images in a batch of `images`. If the division has a remainder, the first ranks have one
    /// image more; if there are more ranks than images, the last ranks have none.
    pub fn of(self, images: usize) -> Range<usize> {
        let (each, more) = (images / self.ranks, images % self.ranks);
        let first = self.rank * each + self.rank.min(more);
        first..first + each + usize::from(self.rank < more)
    }

    /// The most images that any rank visits of a batch of `images`.
    pub fn most(self, images: usize) -> usize {
        images.div_ceil(self.ranks)
    }
}

/// A chunk: as many batches as fit the budget, or one rank's images of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// Images and labels, one batch after the other.
    pub batch: Batch,
    /// The index in the split of each image.
    pub which: Vec<u32>,
    /// The range of each batch.
    pub steps: Vec<Rows>,
}

/// Division of a split into batches and chunks.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Images per batch; the last may have fewer.
    pub batch: usize,
    /// Bytes per image.
    pub pixels: usize,
    /// Bytes of images per chunk; a chunk has at least one batch.
    pub budget: usize,
}

impl Cut {
    /// Batches per full chunk of a split of `images` images.
    pub fn steps_per_chunk(&self, images: usize) -> usize {
        let fit = self.budget / self.batch.saturating_mul(self.pixels).max(1);
        fit.clamp(1, self.steps(images).clamp(1, MOST_STEPS))
    }

    /// Number of batches in a split of `images` images.
    pub fn steps(&self, images: usize) -> usize {
        images.div_ceil(self.batch.max(1))
    }
}

/// Iterator over the chunks of one epoch, first to last.
pub struct Stream(Gathered);

/// Place where chunks are gathered.
enum Gathered {
    /// A thread, one chunk ahead.
    Thread(Receiver<Chunk>),
    /// This thread, on demand: a browser has no threads.
    Here(Chunks),
}

impl Stream {
    /// Starts gathering `split`, beginning with batch `skip`.
    pub fn start(split: &Split, order: Order, cut: Cut, skip: usize) -> Self {
        Self::shared(split, order, cut, skip, Share::WHOLE, None)
    }

    /// As [`Stream::start`], for the `share` of a rank; also records the time of gathering in `listener`.
    pub fn shared(
        split: &Split,
        order: Order,
        cut: Cut,
        skip: usize,
        share: Share,
        listener: Option<Arc<Recorder>>,
    ) -> Self {
        let chunks = Chunks { split: split.clone(), order, cut, skip, share, listener, visit: None };
        if cfg!(target_family = "wasm") {
            return Self(Gathered::Here(chunks));
        }
        let (send, receive) = sync_channel(1);
        std::thread::spawn(move || {
            for chunk in chunks {
                // The receiver is gone if training stops early; nothing is left to do then.
                if send.send(chunk).is_err() {
                    return;
                }
            }
        });
        Self(Gathered::Thread(receive))
    }
}

impl Iterator for Stream {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        match &mut self.0 {
            Gathered::Thread(chunks) => chunks.recv().ok(),
            Gathered::Here(chunks) => chunks.next(),
        }
    }
}

/// Iterator that gathers the chunks of one epoch.
struct Chunks {
    split: Split,
    order: Order,
    cut: Cut,
    skip: usize,
    share: Share,
    listener: Option<Arc<Recorder>>,
    /// Images still to be visited, and number of steps in the next chunk; `None` before the first.
    visit: Option<(VecDeque<u32>, usize)>,
}

impl Iterator for Chunks {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let Self { split, order, cut, skip, share, listener, visit } = self;
        let full = cut.steps_per_chunk(split.len());
        let (rest, steps) = visit.get_or_insert_with(|| {
            let mut indices: Vec<u32> = (0..split.len() as u32).collect();
            if let Order::Shuffled { seed, epoch } = *order {
                Random::new(seed, epoch).shuffle(&mut indices);
            }
            let skipped = skip.saturating_mul(cut.batch).min(indices.len());
            // If images take long to read, the device begins with the first batch, and chunks grow from there.
            let steps = if split.images.source().is_slow() { 1 } else { full };
            (indices.split_off(skipped).into(), steps)
        });
        if rest.is_empty() {
            return None;
        }
        let part: Vec<u32> = rest.drain(..cut.batch.saturating_mul(*steps).clamp(1, rest.len())).collect();
        *steps = (2 * *steps).min(full);
        // Without free memory the stream ends early, which training reports as an error.
        let chunk = note(listener.as_deref(), Activity::Gather, || gather(split, &part, *cut, *share));
        if chunk.is_none() {
            rest.clear();
        }
        chunk
    }
}

/// The chunk of the `share` of these images; `None` if there is no memory for it. Unreadable images are left out of
/// their batch. If none of a batch is readable, the next readable one takes their place, because no step may be empty.
fn gather(split: &Split, indices: &[u32], cut: Cut, share: Share) -> Option<Chunk> {
    let batches = indices.chunks(cut.batch.max(1)).map(|batch| (batch, share.of(batch.len())));
    let own: Vec<u32> = batches.clone().flat_map(|(batch, own)| &batch[own]).copied().collect();
    let mut images = Vec::new();
    images.try_reserve_exact(own.len().checked_mul(cut.pixels)?).ok()?;
    let fine = split.images.gather(&own, cut.pixels, &mut images);
    if fine.iter().all(|fine| *fine) {
        let labels = own.iter().flat_map(|index| split.labels_of(*index as usize)).copied().collect();
        let mut first = 0;
        let rows = |(_, own): (_, Range<usize>)| {
            let rows = Rows { first, rows: own.len() as u32, before: own.start as u32 };
            first += rows.rows;
            rows
        };
        let steps = batches.map(rows).collect();
        return Some(Chunk { batch: Batch { images, labels }, which: own, steps });
    }
    let mut chunk = Chunk { batch: Batch::default(), which: Vec::new(), steps: Vec::new() };
    let mut read = images.chunks_exact(cut.pixels.max(1)).zip(&fine).zip(&own);
    for (whole, own) in batches {
        let first = chunk.which.len() as u32;
        for ((image, _), index) in read.by_ref().take(own.len()).filter(|((_, fine), _)| **fine) {
            chunk.batch.images.extend_from_slice(image);
            chunk.batch.labels.extend_from_slice(split.labels_of(*index as usize));
            chunk.which.push(*index);
        }
        if chunk.which.len() as u32 == first && !own.is_empty() {
            let (image, index) = stand_in(split, whole[own.start] as usize, cut.pixels);
            chunk.batch.images.extend_from_slice(&image);
            chunk.batch.labels.extend_from_slice(split.labels_of(index));
            chunk.which.push(index as u32);
        }
        let rows = chunk.which.len() as u32 - first;
        chunk.steps.push(Rows { first, rows, before: own.start as u32 });
    }
    Some(chunk)
}

/// The first readable image from `start` on, wrapping around to the beginning; black if there is none at all.
fn stand_in(split: &Split, start: usize, pixels: usize) -> (Vec<u8>, usize) {
    let mut order = (start..split.len()).chain(0..start);
    let found = order.find_map(|index| Some((split.image(index, pixels)?.into_owned(), index)));
    found.unwrap_or_else(|| (vec![0; pixels], start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::source::Images;
    use std::borrow::Cow;

    fn split(n: usize) -> Split {
        Split {
            images: (0..2 * n).map(|i| (i / 2) as u8).collect::<Vec<_>>().into(),
            labels: (0..n as u32).collect(),
            each: 1,
        }
    }

    /// The batches, independent of the chunks.
    fn batches(order: Order, budget: usize, skip: usize) -> Vec<Vec<u32>> {
        let cut = Cut { batch: 3, pixels: 2, budget };
        Stream::start(&split(20), order, cut, skip)
            .flat_map(|chunk| {
                let images = &chunk.batch.images;
                assert!(images.len() <= budget.max(6), "a chunk exceeds its budget");
                assert!(chunk.batch.labels.iter().enumerate().all(|(i, l)| images[2 * i] as u32 == *l));
                let labels = chunk.batch.labels.clone();
                chunk
                    .steps
                    .into_iter()
                    .map(move |s| labels[s.first as usize..(s.first + s.rows) as usize].to_vec())
            })
            .collect()
    }

    #[test]
    fn chunks_of_any_size_hold_the_same_batches() {
        let order = Order::Shuffled { seed: 5, epoch: 1 };
        let whole = batches(order, 1 << 20, 0);
        assert_eq!(whole.len(), 7);
        assert_eq!(whole[6].len(), 2, "the last batch is partial");
        for budget in [0, 6, 7, 13, 20] {
            assert_eq!(batches(order, budget, 0), whole, "budget {budget}");
        }
    }

    #[test]
    fn the_shares_of_ranks_are_the_batches_in_their_order() {
        let order = Order::Shuffled { seed: 5, epoch: 1 };
        let whole = batches(order, 1 << 20, 0);
        for ranks in 1..6 {
            let mut steps = vec![Vec::new(); whole.len()];
            for rank in 0..ranks {
                // Chunks of two batches.
                let (cut, share) = (Cut { batch: 3, pixels: 2, budget: 12 }, Share { rank, ranks });
                let chunks = Stream::shared(&split(20), order, cut, 0, share, None);
                let rows = chunks.flat_map(|Chunk { batch, which, steps }| {
                    assert_eq!(batch.labels, which);
                    steps.into_iter().map(move |rows| (rows, which.clone()))
                });
                for (step, (rows, which)) in steps.iter_mut().zip(rows) {
                    assert_eq!(rows.before as usize, step.len(), "rank {rank} of {ranks}");
                    assert!(rows.rows as usize <= share.most(3));
                    step.extend_from_slice(&which[rows.first as usize..(rows.first + rows.rows) as usize]);
                }
            }
            assert_eq!(steps, whole, "{ranks} ranks");
        }
    }

    #[test]
    fn every_image_is_visited_once_and_epochs_differ() {
        let first = batches(Order::Shuffled { seed: 5, epoch: 0 }, 12, 0);
        let mut seen = first.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
        assert_ne!(first, batches(Order::Shuffled { seed: 5, epoch: 1 }, 12, 0));
        assert_ne!(first, batches(Order::Shuffled { seed: 6, epoch: 0 }, 12, 0));
    }

    #[test]
    fn memory_is_a_source_as_any_other() {
        let whole = split(20);
        let backwards: Vec<u32> = (0..20).rev().collect();
        let images = Images::new(whole.images.source().clone(), backwards);
        let asked = Split { images, labels: whole.labels.iter().rev().copied().collect(), each: 1 };
        let chunks = |split| Stream::start(split, Order::File, Cut { batch: 3, pixels: 2, budget: 12 }, 0);
        let bytes = |split| chunks(split).flat_map(|chunk| chunk.batch.images).collect::<Vec<u8>>();
        let mut expected = bytes(&whole);
        expected.reverse();
        assert_eq!(bytes(&asked), expected);
        assert!(chunks(&asked).flat_map(|chunk| chunk.batch.labels).eq((0..20).rev()));
        // Images in memory are borrowed.
        assert!(matches!(whole.image(3, 2), Some(Cow::Borrowed([3, 3]))));
        assert!(matches!(asked.image(3, 2), Some(Cow::Borrowed([16, 16]))));
        assert_eq!((whole.image(20, 2), asked.image(20, 2)), (None, None));
        assert!(whole.images.in_memory() && !asked.images.in_memory() && asked.images.memory().is_empty());
    }

    #[test]
    fn file_order_and_a_start_in_the_middle() {
        assert_eq!(batches(Order::File, 12, 0)[1], [3, 4, 5]);
        let order = Order::Shuffled { seed: 5, epoch: 3 };
        assert_eq!(batches(order, 12, 4), batches(order, 1 << 20, 0)[4..]);
        assert!(batches(order, 12, 9).is_empty());
    }
}
