//! The drawn garments: the same bytes from the same seed, learnable but not trivially so. Training a network of
//! this crate on them is not tested here.

use wgrad::data::{Dataset, Split};
use wgrad_data::synthetic::synthetic;

fn bytes(labels: &[u32]) -> Vec<u8> {
    labels.iter().map(|label| *label as u8).collect()
}

#[test]
fn a_seed_means_the_same_bytes_everywhere() {
    // These were computed on x86-64 Linux; another platform must give the same.
    let data = synthetic(0, 300, 100);
    assert_eq!(data.digest, "b7b3a501996d8b93d0d52b46a31b68312ed8f27e1f9263cc459a4a4b08172bbc");
    assert_eq!(data.source, "drawn from seed 0: 300 training and 100 test images");
    assert_ne!(synthetic(1, 300, 100).digest, data.digest);
}

#[test]
fn the_first_images_do_not_depend_on_how_many_are_drawn() {
    let (few, more) = (synthetic(5, 101, 30), synthetic(5, 2000, 300));
    let more = more.limit(101, 30);
    assert_eq!(few.train, more.train);
    assert_eq!(few.test, more.test);
    assert_ne!(few.train.images.memory()[..784], few.test.images.memory()[..784]);
}

#[test]
fn shapes_and_class_counts_are_those_of_fashion_mnist() {
    let data = synthetic(2, 6000, 1000);
    assert_eq!((data.height, data.width, data.channels), (28, 28, 1));
    assert_eq!(data.class_counts(&data.train), [600; 10]);
    assert_eq!(data.class_counts(&data.test), [100; 10]);
    assert_eq!(data.classes.len(), 10);
    assert_eq!(synthetic(0, 0, 0).train.len(), 0);
}

#[test]
fn every_image_shows_something_on_a_dark_background() {
    let data = synthetic(3, 2000, 10);
    for index in 0..data.train.len() {
        let image = data.train.image(index, 784).unwrap();
        let lit = image.iter().filter(|&&pixel| pixel > 20).count();
        assert!((25..650).contains(&lit), "image {index}: {lit} of 784 pixels are lit");
    }
}

#[test]
fn written_as_idx_it_reads_back_with_the_same_digest() {
    use wgrad_data::idx::{Packing, write};
    let data = synthetic(4, 50, 20);
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, shape: &[usize], bytes: &[u8]| {
        write(&folder.path().join(name), shape, bytes, Packing::Gzip).unwrap();
    };
    put("train-images-idx3-ubyte.gz", &[50, 28, 28], data.train.images.memory());
    put("train-labels-idx1-ubyte.gz", &[50], &bytes(&data.train.labels));
    put("t10k-images-idx3-ubyte.gz", &[20, 28, 28], data.test.images.memory());
    put("t10k-labels-idx1-ubyte.gz", &[20], &bytes(&data.test.labels));
    let read = wgrad_data::folder::load(folder.path()).unwrap();
    assert_eq!((read.digest, read.train, read.test), (data.digest, data.train, data.test));
}

#[test]
fn a_linear_classifier_learns_it_but_not_perfectly() {
    let data = synthetic(0, 8000, 2000);
    let accuracy = linear(&data);
    println!("linear: {accuracy}");
    assert!((0.80..0.95).contains(&accuracy), "a linear classifier reaches {accuracy}");
}

/// Test accuracy of softmax regression, 2 epochs of plain SGD.
fn linear(data: &Dataset) -> f64 {
    let (pixels, classes) = (784, 10);
    let mut weights = vec![0.0_f32; (pixels + 1) * classes];
    let row = |split: &Split, index: usize| -> Vec<f32> {
        let image = split.image(index, pixels).unwrap();
        image.iter().map(|&p| f32::from(p) / 255.0).chain([1.0]).collect()
    };
    let scores = |weights: &[f32], x: &[f32]| {
        let mut scores = [0.0_f32; 10];
        for (x, w) in x.iter().zip(weights.chunks(classes)) {
            for (score, w) in scores.iter_mut().zip(w) {
                *score += x * w;
            }
        }
        scores
    };
    for epoch in 0..2 {
        let rate = 0.01 / (1.0 + epoch as f32);
        for index in 0..data.train.len() {
            let x = row(&data.train, index);
            let mut p = scores(&weights, &x);
            let top = p.iter().fold(f32::MIN, |a, &b| a.max(b));
            p.iter_mut().for_each(|p| *p = (*p - top).exp());
            let sum: f32 = p.iter().sum();
            p.iter_mut().for_each(|p| *p /= sum);
            p[data.train.labels[index] as usize] -= 1.0;
            for (x, w) in x.iter().zip(weights.chunks_mut(classes)) {
                for (w, p) in w.iter_mut().zip(p) {
                    *w -= rate * x * p;
                }
            }
        }
    }
    let hits = (0..data.test.len())
        .filter(|&index| {
            let scores = scores(&weights, &row(&data.test, index));
            let best = (0..10).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
            best == data.test.labels[index] as usize
        })
        .count();
    hits as f64 / data.test.len() as f64
}
