//! Bottleneck of training on picture files: measures decoding alone, and keeps some images in memory to measure the
//! device alone.

use anyhow::Result;
use wgrad::{
    clock,
    data::{
        Dataset, Split,
        stream::{Chunk, Cut, Order, Stream},
    },
    op::AdapterClass,
    words::commas,
};

/// Bytes of images that are decoded ahead.
pub const BUDGET: usize = 1 << 20;
/// Bytes of the images that are kept in memory.
const KEPT: usize = 16 << 20;
/// Images per step of the decoding pass.
const BATCH: usize = 32;

/// Result of decoding alone.
pub struct Alone {
    pub images_per_second: f64,
    /// The data set with the first decoded training images in memory, about [`KEPT`] bytes, repeated.
    pub kept: Dataset,
}

/// Decodes training images for `seconds`.
pub fn alone(data: &Dataset, seconds: f64) -> Result<Alone> {
    let cut = Cut { batch: BATCH, pixels: data.pixels(), budget: BUDGET };
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    let (start, mut count, mut epoch) = (clock::seconds(), 0, 0);
    while clock::seconds() - start < seconds {
        for Chunk { batch, .. } in Stream::start(&data.train, Order::Shuffled { seed: 0, epoch }, cut, 0) {
            count += batch.labels.len();
            if images.len() < KEPT {
                images.extend_from_slice(&batch.images);
                labels.extend_from_slice(&batch.labels);
            }
            if clock::seconds() - start >= seconds {
                break;
            }
        }
        epoch += 1;
    }
    let images_per_second = count as f64 / (clock::seconds() - start);
    let times = data.train.len().div_ceil(labels.len().max(1)).min(16);
    let mut kept = data.clone();
    kept.train = Split { images: images.repeat(times).into(), labels: labels.repeat(times).into(), each: 1 };
    // Splits may differ in kind (memory or files): each is asked by itself.
    Ok(Alone { images_per_second, kept })
}

/// Message that names the bottleneck: the decoder or the device.
pub fn brake(decoder: f64, device: f64, network: &str, class: AdapterClass) -> String {
    let whole = |rate: f64| commas(rate.round() as u64);
    let brake = if class == AdapterClass::Cpu {
        "this adapter runs on the cores that also decode: together they reach less than either alone"
    } else if decoder < device {
        "decoding is the bottleneck: smaller files (resized once, beforehand) or more cores help, a faster device does \
         not"
    } else {
        "the device is the bottleneck: decoding keeps up"
    };
    format!(
        "{network}: decoding alone {} images/s, training alone {} images/s; {brake}",
        whole(decoder),
        whole(device)
    )
}
