//! Generator of a folder of pictures in two classes, of mixed sizes, as JPEG and PNG, grey and in colour, for tests and
//! for `examples/make_image_folder.rs`. The classes differ in shape and, mostly, in colour; all pictures have noise.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

/// Names of the classes.
pub const CLASSES: [&str; 2] = ["balls", "stripes"];

/// The SplitMix64 generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: u32, high: u32) -> u32 {
        low + (self.next() % u64::from(high - low)) as u32
    }
}

/// Draws a picture of a class, with random sides within `sides`.
pub fn draw(class: usize, seed: u64, sides: [u32; 2]) -> RgbImage {
    let mut random = Random(seed.wrapping_mul(0x1234_5678_9ABC_DEF1).wrapping_add(class as u64));
    let [low, high] = sides;
    let (width, height) = (random.between(low, high), random.between(low, high));
    let warm = [random.between(120, 255), random.between(60, 190), random.between(20, 120)];
    let cold = [random.between(20, 120), random.between(60, 190), random.between(120, 255)];
    let colour = if class == 0 { warm } else { cold };
    let ground = [0; 3].map(|_: u32| random.between(0, 90));
    let (x0, y0) = (random.between(width / 3, 2 * width / 3), random.between(height / 3, 2 * height / 3));
    let radius = random.between(width.min(height) / 4, width.min(height) / 3 + 1);
    let period = random.between(6, 6 + width.min(height) / 4);
    let slant = random.between(0, 3);
    let mut image = RgbImage::new(width, height);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let lit = match class {
            0 => x.abs_diff(x0).pow(2) + y.abs_diff(y0).pow(2) < radius.pow(2),
            _ => (x + slant * y) % period < period / 2,
        };
        let noise = random.between(0, 40);
        *pixel =
            Rgb(std::array::from_fn(|c| (if lit { colour[c] } else { ground[c] } + noise).min(255) as u8));
    }
    image
}

/// Returns the file extension and the bytes of picture `n`: every third is PNG, every seventh grey, the others JPEG in
/// colour.
pub fn file(class: usize, n: u64, sides: [u32; 2]) -> (&'static str, Vec<u8>) {
    let image = DynamicImage::from(draw(class, n, sides));
    let image = if n % 7 == 6 { DynamicImage::from(image.to_luma8()) } else { image };
    let (extension, format) = if n % 3 == 2 { ("png", ImageFormat::Png) } else { ("jpg", ImageFormat::Jpeg) };
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("it encodes");
    (extension, bytes.into_inner())
}

/// Draws `count` pictures into `folder`, four fifths into `train`, the others into `test`, half of them in each class.
pub fn folder(folder: &Path, count: u64, sides: [u32; 2]) {
    for n in 0..count {
        let class = (n % 2) as usize;
        let part = if n % 10 < 8 { "train" } else { "test" };
        let into: PathBuf = folder.join(part).join(CLASSES[class]);
        fs::create_dir_all(&into).expect("a folder");
        let (extension, bytes) = file(class, n / 2, sides);
        fs::write(into.join(format!("{n:05}.{extension}")), bytes).expect("it can be written");
    }
}
