//! Conversion of a picture file of any size to an image of a network's size. The picture is decoded, rotated by its
//! EXIF orientation, laid over white where it is transparent, and made grey or kept in colour. It is then cropped,
//! padded or stretched, and resized with a triangle filter as wide as a source area (PIL's BILINEAR, torchvision's
//! `antialias=True`).

use crate::reading::Fit;
use crate::{Error, Result};
use std::path::Path;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::pixels::U8x4;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, Rgba};

use crate::picture::{decode, decode_sent};

/// The conversion applied to every picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Preparation {
    /// Height of an image, pixels.
    pub height: usize,
    /// Width of an image, pixels.
    pub width: usize,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// Treatment of pictures with other proportions.
    pub fit: Fit,
}

impl Preparation {
    /// Reads a PNG, JPEG or WebP file as (height, width, channels) bytes.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] where the file cannot be opened, [`Error::Picture`] where it is not a picture or too
    /// large.
    pub fn load(&self, path: &Path) -> Result<Vec<u8>> {
        self.load_again(path, false)
    }

    /// Loads as [`Preparation::load`] does. With `found_whole`, the file is not checked again for missing parts.
    pub(super) fn load_again(&self, path: &Path, found_whole: bool) -> Result<Vec<u8>> {
        let picture = decode(path, found_whole)?;
        self.apply(&picture).map_err(|reason| Error::Picture { path: path.to_owned(), reason })
    }

    /// Converts the bytes of a file that was sent as `name`, as [`Preparation::load`] does, with tighter limits.
    ///
    /// # Errors
    /// [`Error::Picture`] where the bytes are not a picture or too large.
    pub fn read(&self, name: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
        let picture = decode_sent(name, bytes)?;
        self.apply(&picture).map_err(|reason| Error::Picture { path: name.to_owned(), reason })
    }

    /// Converts a decoded picture. Errors are in words.
    pub(crate) fn apply(&self, picture: &DynamicImage) -> std::result::Result<Vec<u8>, String> {
        let (width, height) = (picture.width(), picture.height());
        if width == 0 || height == 0 || self.height == 0 || self.width == 0 {
            return Err(format!("a picture of {height}×{width} pixels for {}×{}", self.height, self.width));
        }
        let bytes = if self.channels == 1 { grey(picture) } else { colour(picture) };
        let (to_height, to_width) = self.filled(height as usize, width as usize);
        let (from, to) = ((width, height), (to_width as u32, to_height as u32));
        let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        if self.fit == Fit::Crop {
            options = options.fit_into_destination(Some((0.5, 0.5)));
        }
        let part = match self.channels {
            1 => resized::<1>(&bytes, from, to, &options)?,
            _ => resized::<3>(&bytes, from, to, &options)?,
        };
        Ok(self.padded(part, to_height, to_width))
    }

    /// Height and width of the part of the image that the picture fills.
    fn filled(&self, height: usize, width: usize) -> (usize, usize) {
        if self.fit != Fit::Pad {
            return (self.height, self.width);
        }
        let scale = (self.height as f64 / height as f64).min(self.width as f64 / width as f64);
        let of = |side: usize, most: usize| ((side as f64 * scale).round() as usize).clamp(1, most);
        (of(height, self.height), of(width, self.width))
    }

    /// The image with black around that part, equally on both sides.
    fn padded(&self, part: Vec<u8>, height: usize, width: usize) -> Vec<u8> {
        if (height, width) == (self.height, self.width) {
            return part;
        }
        let mut image = vec![0; self.height * self.width * self.channels];
        let (top, left) = ((self.height - height) / 2, (self.width - width) / 2);
        for (y, line) in part.chunks_exact(width * self.channels).enumerate() {
            let at = ((top + y) * self.width + left) * self.channels;
            image[at..at + line.len()].copy_from_slice(line);
        }
        image
    }
}

/// Pixels of (width, height) `to` made from `bytes`, pixels of (width, height) `from`, of `CHANNELS` bytes each. The
/// resizer treats channels alike, so that pixels of four serve all: its code for one type of pixel is 1.2 MB.
fn resized<const CHANNELS: usize>(
    bytes: &[u8],
    from: (u32, u32),
    to: (u32, u32),
    options: &ResizeOptions,
) -> std::result::Result<Vec<u8>, String> {
    let four =
        |pixel: &[u8]| std::array::from_fn::<u8, 4, _>(|channel| pixel.get(channel).copied().unwrap_or(0));
    let filled: Vec<u8> = bytes.chunks_exact(CHANNELS).flat_map(four).collect();
    let source = ImageRef::new(from.0, from.1, &filled, PixelType::U8x4).map_err(|e| e.to_string())?;
    let source = source.typed_image::<U8x4>().ok_or("pixels of another type")?;
    let mut image = Image::new(to.0, to.1, PixelType::U8x4);
    let mut pixels = image.typed_image_mut::<U8x4>().ok_or("pixels of another type")?;
    // Transparency would weigh the other channels.
    let options = options.use_alpha(false);
    Resizer::new().resize_typed(&source, &mut pixels, &options).map_err(|e| e.to_string())?;
    drop(pixels);
    Ok(image.buffer().chunks_exact(4).flat_map(|pixel| &pixel[..CHANNELS]).copied().collect())
}

/// Red, green and blue, laid over white.
fn colour(picture: &DynamicImage) -> Vec<u8> {
    if !picture.color().has_alpha() {
        return picture.to_rgb8().into_raw();
    }
    let over_white = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let pixels = picture.to_rgba8();
    pixels.pixels().flat_map(|Rgba([r, g, b, a])| [*r, *g, *b].map(|value| over_white(value, *a))).collect()
}

/// Luma (ITU-R BT.709).
fn grey(picture: &DynamicImage) -> Vec<u8> {
    if !picture.color().has_color() && !picture.color().has_alpha() {
        return picture.to_luma8().into_raw();
    }
    let luma = |rgb: &[u8]| {
        let part = |n: usize, share: u32| u32::from(rgb[n]) * share;
        ((part(0, 2126) + part(1, 7152) + part(2, 722) + 5000) / 10_000) as u8
    };
    colour(picture).chunks_exact(3).map(luma).collect()
}
