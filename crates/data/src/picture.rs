//! Converts one PNG, JPEG or WebP picture of any size to a network's input: grey, padded to the network's
//! proportions, resized, and light on dark as the training images are. Notes describe each step. The module does
//! not locate the garment in the picture, and does not keep colour.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{
    DynamicImage, GenericImageView, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
    Luma, Rgba,
};

use crate::jpeg;
use crate::{Error, Result, error::io_error};

/// Limits on a decoded picture: pixels per side, pixels in all, and bytes of memory. A small file can claim to be a
/// huge picture, so the header is checked before anything is decoded.
struct Bounds {
    side: u32,
    pixels: u64,
    memory: u64,
}

/// Limits for a file on this machine.
const FILE: Bounds = Bounds { side: 16_384, pixels: 1 << 28, memory: 512 << 20 };
/// Limits for bytes that were sent: enough for any camera's picture.
const SENT: Bounds = Bounds { side: 10_000, pixels: 64 << 20, memory: 192 << 20 };
/// Maximum number of bytes that reading a sent picture may take: a progressive JPEG holds 6 bytes per pixel in
/// addition to the picture.
pub const SENT_MEMORY: usize = 640 << 20;

/// Grey value from which a background counts as light.
const LIGHT: u8 = 128;

/// A picture in a network's input format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Grey values, 0 to 255, (H, W).
    pub pixels: Vec<u8>,
    /// The steps of the conversion in order, each as part of a sentence.
    pub notes: Vec<String>,
}

/// Loads a PNG, JPEG or WebP file as `height` × `width` grey values, bright on dark.
///
/// Transparency is laid over white, as a web page would show it. Colours become luma (ITU-R BT.709). A picture of
/// other proportions is padded on both sides with its background, the median of its border. It is then resized with
/// a triangle filter as wide as a source area. A light background means dark on light, so such a picture is
/// inverted.
///
/// # Errors
/// [`wgrad::Error::Io`] where the file cannot be opened, [`Error::Picture`] where it is not a picture or too large.
pub fn load_picture(path: &Path, height: usize, width: usize) -> Result<Picture> {
    as_input(path, &whole(path)?, &FILE, height, width)
}

/// Converts the bytes of a file that was sent as `name`, as [`load_picture`] does with a file, with tighter limits.
///
/// # Errors
/// [`Error::Picture`] where the bytes are not a picture or too large.
pub fn read_picture(name: &Path, bytes: &[u8], height: usize, width: usize) -> Result<Picture> {
    as_input(name, bytes, &SENT, height, width)
}

fn as_input(path: &Path, bytes: &[u8], bounds: &Bounds, height: usize, width: usize) -> Result<Picture> {
    let size = [height, width].map(|side| u32::try_from(side).ok().filter(|s| (1..=FILE.side).contains(s)));
    let [Some(height), Some(width)] = size else {
        return Err(Error::Picture {
            path: path.to_owned(),
            reason: format!("a request for {height}×{width} pixels"),
        });
    };
    let image = turned(path, bytes, bounds, false)?;
    let mut notes = vec![format!("read {}×{} pixels (height × width)", image.height(), image.width())];
    let grey = to_grey(image, &mut notes);
    let background = border_median(&grey);
    let canvas = canvas(&grey, (width, height));
    // A picture far longer than wide would fill a canvas many times its size: it is resized first.
    let pixels = |(width, height): (u64, u64)| width.saturating_mul(height);
    let target = (u64::from(width), u64::from(height));
    let source = (u64::from(grey.width()), u64::from(grey.height()));
    let first = pixels(canvas) / CANVAS > pixels(source) + pixels(target)
        || pixels(canvas) > LARGEST.max(pixels(source)).max(pixels(target));
    let grey = if first { fitted(grey, (width, height), &mut notes) } else { grey };
    let canvas = if first { target } else { canvas };
    let mut grey = pad(grey, background, canvas, &mut notes);
    if grey.dimensions() != (width, height) {
        grey = resized(&grey, (width, height), &mut notes);
    }
    if background >= LIGHT {
        image::imageops::invert(&mut grey);
        notes.push(format!("inverted, as its background is light ({background} of 255)"));
    }
    Ok(Picture { pixels: grey.into_raw(), notes })
}

/// Height and width of a picture in its upright orientation. Only the header is decoded.
pub(super) fn dimensions(path: &Path) -> Result<[usize; 2]> {
    dimensions_in(path, open(path)?)
}

/// Height and width of a picture whose bytes `file` reads; `path` names it in errors.
pub(super) fn dimensions_in(path: &Path, file: impl BufRead + Seek) -> Result<[usize; 2]> {
    let mut decoder = decoder(path, file, &FILE)?.0;
    let (width, height) = decoder.dimensions();
    let turned = matches!(
        decoder.orientation().unwrap_or(Orientation::NoTransforms),
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let size = [height as usize, width as usize];
    Ok(if turned { [size[1], size[0]] } else { size })
}

/// Decodes a picture file in its upright orientation. With `found_whole`, it is not checked again for missing
/// parts.
pub(super) fn decode(path: &Path, found_whole: bool) -> Result<DynamicImage> {
    turned(path, &whole(path)?, &FILE, found_whole)
}

/// Decodes the bytes of a picture that was sent as `name`, in its upright orientation.
pub(super) fn decode_sent(name: &Path, bytes: &[u8]) -> Result<DynamicImage> {
    turned(name, bytes, &SENT, false)
}

/// Maximum number of bytes read from a picture file.
pub(super) const LONGEST: u64 = 1 << 30;

fn open(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).map_err(io_error("cannot open", path, "check the path"))?))
}

fn whole(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(LONGEST).read_to_end(&mut bytes);
    read.map_err(io_error("cannot read", path, "check the file"))?;
    Ok(bytes)
}

fn turned(path: &Path, bytes: &[u8], bounds: &Bounds, found_whole: bool) -> Result<DynamicImage> {
    let (mut decoder, format) = decoder(path, Cursor::new(bytes), bounds)?;
    let walk = format == ImageFormat::Jpeg && !found_whole;
    let fault = if walk { jpeg::fault(bytes) } else { None };
    if let Some(reason) = fault {
        return Err(Error::Picture { path: path.to_owned(), reason: reason.to_owned() });
    }
    // Photographs are often stored on their side, with a note on how to rotate them.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|e| in_words(path, bounds, format, e))?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn in_words(path: &Path, bounds: &Bounds, format: ImageFormat, error: ImageError) -> Error {
    let reason = match error {
        ImageError::Limits(_) => too_large(bounds),
        ImageError::Unsupported(_) => format!("the format {}", format.to_mime_type()),
        other => format!("a damaged {} file ({other})", format.to_mime_type()),
    };
    Error::Picture { path: path.to_owned(), reason }
}

fn too_large(bounds: &Bounds) -> String {
    let Bounds { side, pixels, memory } = bounds;
    let fewer = *pixels < u64::from(*side).pow(2);
    let all = if fewer { format!(", {} megapixels", pixels / 1_000_000) } else { String::new() };
    format!("more than {side} pixels a side{all} or {} MiB when decoded", memory >> 20)
}

fn decoder<'a>(
    path: &Path,
    file: impl BufRead + Seek + 'a,
    bounds: &Bounds,
) -> Result<(impl ImageDecoder + 'a, ImageFormat)> {
    let refused = |reason: String| Error::Picture { path: path.to_owned(), reason };
    let mut reader = ImageReader::new(file).with_guessed_format().map_err(io_error(
        "cannot read",
        path,
        "check the path",
    ))?;
    let Some(format) = reader.format() else {
        return Err(refused("bytes of no known format".to_owned()));
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(bounds.side);
    limits.max_image_height = Some(bounds.side);
    limits.max_alloc = Some(bounds.memory);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|e| in_words(path, bounds, format, e))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > bounds.pixels || decoder.total_bytes() > bounds.memory {
        return Err(refused(too_large(bounds)));
    }
    Ok((decoder, format))
}

/// Maximum ratio of the canvas (the picture with its padding) to the sum of the pixels of picture and input.
const CANVAS: u64 = 16;
/// Maximum number of pixels of the canvas, unless picture or input has more.
const LARGEST: u64 = 128 << 20;

/// Luma of the picture laid over white. It works pixel by pixel: a copy in colour would be four times as large as a
/// grey picture.
fn to_grey(image: DynamicImage, notes: &mut Vec<String>) -> GrayImage {
    let image = match image {
        DynamicImage::ImageLuma8(grey) => return grey,
        other => other,
    };
    let coloured = image.color().has_color();
    let mut transparent = false;
    let grey = GrayImage::from_fn(image.width(), image.height(), |x, y| {
        let Rgba([red, green, blue, alpha]) = image.get_pixel(x, y);
        transparent |= alpha < 255;
        let (red, green, blue) = (u32::from(red), u32::from(green), u32::from(blue));
        let luma = (2126 * red + 7152 * green + 722 * blue + 5000) / 10_000;
        let alpha = u32::from(alpha);
        Luma([((luma * alpha + 255 * (255 - alpha) + 127) / 255) as u8])
    });
    if transparent {
        notes.push("transparent areas laid over white".to_owned());
    }
    if coloured {
        notes.push("converted to grey".to_owned());
    }
    grey
}

/// The median of the outermost pixels.
fn border_median(image: &GrayImage) -> u8 {
    let (width, height) = image.dimensions();
    let inner = 1..height.saturating_sub(1);
    let line = |y: u32| (0..width).map(move |x| (x, y));
    let mut ends = vec![0, width.saturating_sub(1)];
    ends.dedup();
    let sides = ends.into_iter().flat_map(|x| inner.clone().map(move |y| (x, y)));
    let top_and_bottom = (0..height).filter(|y| !inner.contains(y)).flat_map(line);
    let mut border: Vec<u8> =
        top_and_bottom.chain(sides).filter_map(|(x, y)| Some(image.get_pixel_checked(x, y)?.0[0])).collect();
    border.sort_unstable();
    border.get(border.len() / 2).copied().unwrap_or(0)
}

/// (width, height) of the smallest canvas with the proportions of `to` that holds the picture.
fn canvas(image: &GrayImage, (width, height): (u32, u32)) -> (u64, u64) {
    let [width, height] = [width, height].map(u64::from);
    let (from_width, from_height) = (u64::from(image.width()), u64::from(image.height()));
    match (from_width * height).cmp(&(from_height * width)) {
        std::cmp::Ordering::Equal => (from_width, from_height),
        std::cmp::Ordering::Less => ((from_height * width).div_ceil(height), from_height),
        std::cmp::Ordering::Greater => (from_width, (from_width * height).div_ceil(width)),
    }
}

/// Resizes the picture to the largest size within `to`, in its own proportions, at least one pixel wide and high.
fn fitted(image: GrayImage, to: (u32, u32), notes: &mut Vec<String>) -> GrayImage {
    let (width, height) = (u64::from(image.width()), u64::from(image.height()));
    let (to_width, to_height) = (u64::from(to.0), u64::from(to.1));
    let within = match width * to_height > height * to_width {
        true => (to.0, (height * to_width / width.max(1)).clamp(1, to_height) as u32),
        false => ((width * to_height / height.max(1)).clamp(1, to_width) as u32, to.1),
    };
    resized(&image, within, notes)
}

fn resized(image: &GrayImage, (width, height): (u32, u32), notes: &mut Vec<String>) -> GrayImage {
    let (from_width, from_height) = image.dimensions();
    let verb = if u64::from(from_width) * u64::from(from_height) > u64::from(width) * u64::from(height) {
        "reduced"
    } else {
        "enlarged"
    };
    notes.push(format!("{verb} from {from_height}×{from_width} to {height}×{width}"));
    imageops::resize(image, width, height, FilterType::Triangle)
}

/// Adds background on both sides until the picture is as large as `canvas`, (width, height).
fn pad(image: GrayImage, background: u8, canvas: (u64, u64), notes: &mut Vec<String>) -> GrayImage {
    let (from_width, from_height) = image.dimensions();
    // The sides are those of a picture or of an input, and are therefore bounded by its pixels.
    let [width, height] = [canvas.0, canvas.1].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    if (from_width, from_height) == (width, height) {
        return image;
    }
    let mut padded = GrayImage::from_pixel(width, height, Luma([background]));
    let left = i64::from((width - from_width) / 2);
    let top = i64::from((height - from_height) / 2);
    imageops::replace(&mut padded, &image, left, top);
    notes.push(format!("padded to {height}×{width} with its background"));
    padded
}
