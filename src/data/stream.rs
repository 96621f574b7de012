//! The stream: visits a split once, in file order or shuffled, cut into batches and those into chunks that
//! fit a budget. A thread gathers the next chunk while the device works on the last. How a split is cut
//! into chunks changes nothing about the batches. It uploads nothing.

use super::{Split, random::Random};
use crate::{
    feed::Batch,
    observe::{Activity, Recorder, note},
};
use std::sync::{
    Arc,
    mpsc::{Receiver, sync_channel},
};

/// The default budget of a chunk, in bytes of images.
pub const BUDGET: usize = 16 << 20;

/// The most batches a chunk has, however small they are: each has a place in the table of steps.
const MOST_STEPS: usize = 4096;

/// In which order images are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they lie in the file.
    File,
    /// Shuffled by Fisher and Yates's method; another order for each seed and epoch.
    Shuffled {
        /// The seed of the training.
        seed: u64,
        /// The epoch, from 0.
        epoch: u64,
    },
}

/// One step's share of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Index in the chunk of the first image.
    pub first: u32,
    /// Number of images.
    pub rows: u32,
}

/// As many batches as fit the budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// Images and labels, one batch after the other.
    pub batch: Batch,
    /// Where each batch lies.
    pub steps: Vec<Rows>,
}

/// How to cut a split.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Images a batch; the last may have fewer.
    pub batch: usize,
    /// Bytes an image.
    pub pixels: usize,
    /// Bytes of images a chunk; at least one batch is taken.
    pub budget: usize,
}

impl Cut {
    /// Batches a full chunk of a split of `images` images.
    pub fn steps_per_chunk(&self, images: usize) -> usize {
        let fit = self.budget / (self.batch * self.pixels).max(1);
        fit.clamp(1, self.steps(images).clamp(1, MOST_STEPS))
    }

    /// Batches in a split of `images` images.
    pub fn steps(&self, images: usize) -> usize {
        images.div_ceil(self.batch.max(1))
    }
}

/// Chunks of one epoch, first to last.
pub struct Stream(Receiver<Chunk>);

impl Stream {
    /// Starts gathering `split`, from batch `skip` on.
    pub fn start(split: &Split, order: Order, cut: Cut, skip: usize) -> Self {
        Self::heard(split, order, cut, skip, None)
    }

    /// As [`Stream::start`], and tells `listener` when it gathers.
    pub fn heard(
        split: &Split,
        order: Order,
        cut: Cut,
        skip: usize,
        listener: Option<Arc<Recorder>>,
    ) -> Self {
        let (send, receive) = sync_channel(1);
        let split = split.clone();
        std::thread::spawn(move || {
            let mut indices: Vec<u32> = (0..split.len() as u32).collect();
            if let Order::Shuffled { seed, epoch } = order {
                Random::new(seed, epoch).shuffle(&mut indices);
            }
            let rest = indices.get(skip * cut.batch..).unwrap_or_default();
            for part in rest.chunks(cut.batch * cut.steps_per_chunk(split.len())) {
                let chunk = note(listener.as_deref(), Activity::Gather, || gather(&split, part, cut));
                // The receiver is gone when training stops early: nothing is left to do then.
                if send.send(chunk).is_err() {
                    return;
                }
            }
        });
        Self(receive)
    }
}

impl Iterator for Stream {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        self.0.recv().ok()
    }
}

fn gather(split: &Split, indices: &[u32], cut: Cut) -> Chunk {
    let mut batch = Batch {
        images: Vec::with_capacity(indices.len() * cut.pixels),
        labels: Vec::with_capacity(indices.len()),
    };
    for &index in indices {
        let at = index as usize * cut.pixels;
        batch.images.extend_from_slice(&split.images[at..at + cut.pixels]);
        batch.labels.push(u32::from(split.labels[index as usize]));
    }
    let firsts = (0..indices.len()).step_by(cut.batch);
    let steps = firsts
        .map(|first| Rows { first: first as u32, rows: cut.batch.min(indices.len() - first) as u32 })
        .collect();
    Chunk { batch, steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(n: usize) -> Split {
        Split {
            images: (0..2 * n).map(|i| (i / 2) as u8).collect::<Vec<_>>().into(),
            labels: (0..n).map(|i| i as u8).collect::<Vec<_>>().into(),
        }
    }

    /// The batches, whatever the chunks.
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
    fn every_image_is_visited_once_and_epochs_differ() {
        let first = batches(Order::Shuffled { seed: 5, epoch: 0 }, 12, 0);
        let mut seen = first.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
        assert_ne!(first, batches(Order::Shuffled { seed: 5, epoch: 1 }, 12, 0));
        assert_ne!(first, batches(Order::Shuffled { seed: 6, epoch: 0 }, 12, 0));
    }

    #[test]
    fn file_order_and_a_start_in_the_middle() {
        assert_eq!(batches(Order::File, 12, 0)[1], [3, 4, 5]);
        let order = Order::Shuffled { seed: 5, epoch: 3 };
        assert_eq!(batches(order, 12, 4), batches(order, 1 << 20, 0)[4..]);
        assert!(batches(order, 12, 9).is_empty());
    }
}
