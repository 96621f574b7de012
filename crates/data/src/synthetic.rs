//! Garments drawn from a seed, in the size, classes and file order of Fashion-MNIST: for tests, benchmarks and a
//! first try without files or a network. Drawing uses only additions, products and quotients of f32, which IEEE 754
//! rounds alike everywhere, so a seed gives the same bytes on every platform. Use the real data to benchmark
//! accuracy.

use std::thread;

use crate::fashion_mnist::class_names;
use crate::idx::sha256_of;
use canvas::{Canvas, SIDE};
use wgrad::data::dataset::{Dataset, Split, digest_of};
use wgrad::data::random::Random;

mod canvas;
mod garments;

/// Default number of training images.
pub const TRAIN: usize = 60_000;
/// Default number of test images.
pub const TEST: usize = 10_000;

const CLASSES: usize = 10;

/// Draws a data set of 28×28 grey images in ten classes. Labels come in a shuffled order with equal class counts
/// (give or take one). The first images are the same for any number of images.
pub fn synthetic(seed: u64, train: usize, test: usize) -> Dataset {
    let (train, train_files) = split(seed, 0, train);
    let (test, test_files) = split(seed, 1, test);
    let [train_images, train_labels] = train_files;
    let [test_images, test_labels] = test_files;
    Dataset {
        name: "synthetic".to_owned(),
        source: format!("drawn from seed {seed}: {} training and {} test images", train.len(), test.len()),
        height: SIDE,
        width: SIDE,
        channels: 1,
        input: Default::default(),
        classes: class_names(),
        train,
        validation: None,
        test,
        digest: digest_of(&[train_images, train_labels, test_images, test_labels]),
        warnings: Vec::new(),
        notes: Vec::new(),
        table: None,
    }
}

/// Draws one split. Also returns the digests of its IDX files of images and of labels.
fn split(seed: u64, stream: u64, count: usize) -> (Split, [String; 2]) {
    let pixels = SIDE * SIDE;
    let labels = labels(seed, stream, count);
    let mut images = vec![0; count * pixels];
    let threads = thread::available_parallelism().map_or(1, usize::from).min(16);
    let share = count.div_ceil(threads).max(1);
    thread::scope(|scope| {
        let parts = images.chunks_mut(share * pixels).zip(labels.chunks(share));
        for (part, (images, labels)) in parts.enumerate() {
            scope.spawn(move || {
                let mut canvas = Canvas::default();
                let numbered = (part * share..).zip(images.chunks_mut(pixels).zip(labels));
                for (index, (image, &label)) in numbered {
                    // Each image has its own stream of random numbers, so the images can be drawn in any order.
                    let stream = (index as u64 + 1) << 1 | stream;
                    let mut random = Random::new(seed, stream);
                    canvas.draw(label, &mut random, image);
                }
            });
        }
    });
    let digests = [sha256_of(&[count, SIDE, SIDE], &images), sha256_of(&[count], &labels)];
    let split = Split::new(images, &labels);
    (split, digests)
}

/// The labels of a split. Each run of ten holds every class once, in its own order.
fn labels(seed: u64, stream: u64, count: usize) -> Vec<u8> {
    let mut random = Random::new(!seed, stream);
    let mut labels = Vec::with_capacity(count + CLASSES);
    while labels.len() < count {
        let mut run: [u8; CLASSES] = std::array::from_fn(|class| class as u8);
        random.shuffle(&mut run);
        labels.extend_from_slice(&run);
    }
    labels.truncate(count);
    labels
}
