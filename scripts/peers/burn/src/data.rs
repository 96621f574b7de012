//! The training images of a folder with IDX files, plain or in gzip, and the order in which an epoch visits them.

use std::{io::Read, path::Path};

pub const SIDE: usize = 28;
pub const PIXELS: usize = SIDE * SIDE;
pub const CLASSES: usize = 10;

pub struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Images {
    pub fn load(folder: &Path) -> Result<Self, String> {
        let (pixels, shape) = read(folder, "train-images-idx3-ubyte")?;
        let (labels, _) = read(folder, "train-labels-idx1-ubyte")?;
        if shape != [labels.len(), SIDE, SIDE] {
            return Err(format!("{}: images of shape {shape:?}, {} labels", folder.display(), labels.len()));
        }
        Ok(Self { pixels, labels })
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns the images at `rows` as numbers in [0, 1], and their classes.
    pub fn batch(&self, rows: &[usize]) -> (Vec<f32>, Vec<i32>) {
        let image = |&row: &usize| &self.pixels[row * PIXELS..][..PIXELS];
        let pixels = rows.iter().flat_map(image).map(|&byte| f32::from(byte) / 255.0).collect();
        (pixels, rows.iter().map(|&row| i32::from(self.labels[row])).collect())
    }
}

/// Reads the bytes and the shape of one file.
fn read(folder: &Path, name: &str) -> Result<(Vec<u8>, Vec<usize>), String> {
    let (packed, plain) = (folder.join(format!("{name}.gz")), folder.join(name));
    let path = if packed.exists() { packed } else { plain };
    let fail = |what: String| format!("{}: {what}", path.display());
    let mut bytes = std::fs::read(&path).map_err(|e| fail(e.to_string()))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        let mut decoder = flate2::read::MultiGzDecoder::new(&bytes[..]);
        decoder.read_to_end(&mut unpacked).map_err(|e| fail(e.to_string()))?;
        bytes = unpacked;
    }
    let [0, 0, 8, dimensions, ..] = bytes[..] else {
        return Err(fail("not an IDX file of unsigned bytes".into()));
    };
    let start = 4 + 4 * usize::from(dimensions);
    let size = |four: &[u8]| four.iter().fold(0, |n, &byte| n << 8 | usize::from(byte));
    let shape: Vec<usize> = bytes.get(4..start).unwrap_or_default().chunks(4).map(size).collect();
    if shape.is_empty() || bytes.len() != start + shape.iter().product::<usize>() {
        return Err(fail(format!("{} bytes do not hold an array of shape {shape:?}", bytes.len())));
    }
    Ok((bytes.split_off(start), shape))
}

/// A new order of all the images each epoch.
pub struct Shuffle {
    order: Vec<usize>,
    state: u64,
}

impl Shuffle {
    pub fn new(count: usize, seed: u64) -> Self {
        Self { order: (0..count).collect(), state: seed }
    }

    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Shuffles by Fisher and Yates, with SplitMix64.
    pub fn again(&mut self) {
        for last in (1..self.order.len()).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            self.order.swap(last, other);
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
