//! Mean and standard deviation of each channel of a split, in one pass over it, a chunk at a time. Bytes are summed as
//! integers, so that the result is the same to the last bit for any chunks and threads.

use super::Split;
use super::dataset::Dataset;
use super::stream::{BUDGET, Cut, Order, Stream};
use crate::preprocessing::{MOST_CHANNELS, Normalization};
use crate::{Error, Result};

/// Images per step of the pass; it does not affect the result.
const BATCH: usize = 64;

/// Sums over the values of a channel.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: u64,
    bytes: [u64; 2],
    floats: [f64; 2],
}

/// The normalization that gives the training images of `data` mean 0 and deviation 1 in each channel.
///
/// # Errors
/// [`Error::Option`] for a table, whose columns are already standardised, and for too many channels.
pub fn of(data: &Dataset) -> Result<Normalization> {
    let fail = |got: String, expected| Err(Error::Option { name: "normalization", got, expected });
    if data.table.is_some() {
        return fail("asked for a table".into(), "images; the columns of a table are standardised already");
    }
    if data.channels > MOST_CHANNELS {
        return fail(format!("asked for {} channels", data.channels), "images with 1 to 4 channels");
    }
    let (mean, deviation) = moments(data, &data.train);
    Ok(Normalization { mean, deviation })
}

/// Mean and standard deviation of each channel of a split. Bytes are divided by 255.
pub fn moments(data: &Dataset, split: &Split) -> (Vec<f64>, Vec<f64>) {
    let channels = data.channels.max(1);
    let mut sums = vec![Sums::default(); channels];
    let cut = Cut { batch: BATCH, pixels: data.pixels(), budget: BUDGET / 4 };
    for chunk in Stream::start(split, Order::File, cut, 0) {
        let images = &chunk.batch.images;
        if data.input.floats {
            for (at, value) in images.as_chunks::<4>().0.iter().enumerate() {
                let value = f64::from(f32::from_le_bytes(*value));
                let sums = &mut sums[at % channels];
                sums.count += 1;
                sums.floats[0] += value;
                sums.floats[1] += value * value;
            }
            continue;
        }
        for pixel in images.chunks_exact(channels) {
            for (sums, value) in sums.iter_mut().zip(pixel) {
                let value = u64::from(*value);
                sums.count += 1;
                sums.bytes[0] += value;
                sums.bytes[1] += value * value;
            }
        }
    }
    let unit = if data.input.floats { 1.0 } else { 255.0 };
    let of = |sums: &Sums| {
        let n = sums.count.max(1) as f64;
        let [first, second] = [0, 1].map(|power| (sums.bytes[power] as f64 + sums.floats[power]) / n);
        (first / unit, (second - first * first).max(0.0).sqrt() / unit)
    };
    sums.iter().map(of).unzip()
}
