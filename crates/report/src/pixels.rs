//! Numbers as pixels: images of a data set, weights and gradients in two colours around white, activations from dark to
//! bright, several combined in one picture. Colour-blind readers can distinguish the colours.

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{Rgb, RgbImage, imageops};
use std::io;

/// Below zero, zero, above zero: blue, white, vermilion (Okabe and Ito 2008).
const ENDS: [[f32; 3]; 3] = [[0.0, 114.0, 178.0], [255.0, 255.0, 255.0], [194.0, 78.0, 0.0]];
/// From low to high, after the colour map cividis (Nuñez, Anderton and Renslow 2018).
const RISE: [[f32; 3]; 5] = [
    [0.0, 34.0, 78.0],
    [67.0, 78.0, 108.0],
    [127.0, 124.0, 117.0],
    [200.0, 180.0, 103.0],
    [254.0, 232.0, 56.0],
];
/// Pixels between the tiles of a mosaic.
const GAP: u32 = 2;
const GAP_COLOR: Rgb<u8> = Rgb([128, 128, 132]);

/// Returns the colour at `share`, from 0 to 1, of the way through `stops`; grey for a non-finite share.
fn between(stops: &[[f32; 3]], share: f32) -> Rgb<u8> {
    if !share.is_finite() {
        return GAP_COLOR;
    }
    let at = share.clamp(0.0, 1.0) * (stops.len() - 1) as f32;
    let from = (at as usize).min(stops.len() - 2);
    let (a, b, part) = (stops[from], stops[from + 1], at - from as f32);
    Rgb([0, 1, 2].map(|n| (a[n] + (b[n] - a[n]) * part).round() as u8))
}

fn picture(size: [usize; 2], color: impl Fn(usize) -> Rgb<u8>) -> RgbImage {
    let [height, width] = size;
    RgbImage::from_fn(width as u32, height as u32, |x, y| color(y as usize * width + x as usize))
}

/// Draws an image (H, W, C) of bytes: grey if it has one or two channels, else with its first three as colours.
pub fn photograph([height, width, channels]: [usize; 3], bytes: &[u8]) -> RgbImage {
    picture([height, width], |at| match bytes.get(at * channels..(at + 1) * channels) {
        Some([red, green, blue, ..]) => Rgb([*red, *green, *blue]),
        Some([grey, ..]) => Rgb([*grey; 3]),
        _ => GAP_COLOR,
    })
}

/// Draws numbers (H, W) around zero: blue below, white at zero, vermilion above. `most` is the magnitude of the full
/// colours.
pub fn signed(size: [usize; 2], values: &[f32], most: f32) -> RgbImage {
    let most = most.max(f32::MIN_POSITIVE);
    picture(size, |at| between(&ENDS, values.get(at).map_or(f32::NAN, |v| 0.5 + 0.5 * v / most)))
}

/// Draws numbers (H, W) from the least, dark, to the greatest, bright.
pub fn rising(size: [usize; 2], values: &[f32]) -> RgbImage {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = (finite().fold(f32::INFINITY, f32::min), finite().fold(f32::NEG_INFINITY, f32::max));
    let range = (high - low).max(f32::MIN_POSITIVE);
    picture(size, |at| between(&RISE, values.get(at).map_or(f32::NAN, |v| (v - low) / range)))
}

/// Returns the greatest finite magnitude.
pub fn most(values: &[f32]) -> f32 {
    values.iter().filter(|v| v.is_finite()).fold(0.0, |most, v| most.max(v.abs()))
}

/// Enlarges each pixel to a square of `zoom` by `zoom`.
pub fn enlarged(image: &RgbImage, zoom: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    imageops::resize(image, width * zoom.max(1), height * zoom.max(1), imageops::FilterType::Nearest)
}

/// Arranges pictures of one size in rows of `columns`, with a line between them.
pub fn mosaic(tiles: &[RgbImage], columns: usize) -> RgbImage {
    let (width, height) = tiles.first().map_or((1, 1), RgbImage::dimensions);
    let columns = columns.clamp(1, tiles.len().max(1)) as u32;
    let rows = (tiles.len() as u32).div_ceil(columns).max(1);
    let size = |count: u32, side: u32| count * (side + GAP) + GAP;
    let mut sheet = RgbImage::from_pixel(size(columns, width), size(rows, height), GAP_COLOR);
    for (n, tile) in tiles.iter().enumerate() {
        let (row, column) = (n as u32 / columns, n as u32 % columns);
        imageops::replace(&mut sheet, tile, i64::from(size(column, width)), i64::from(size(row, height)));
    }
    sheet
}

/// Encodes an image as PNG.
///
/// # Errors
/// Errors of the encoder; none is expected.
pub fn png(image: &RgbImage) -> io::Result<Vec<u8>> {
    let mut bytes = io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).map_err(io::Error::other)?;
    Ok(bytes.into_inner())
}

/// Returns the image as a data URI. Encoding into memory does not fail; if it ever does, the picture is empty and its
/// words remain.
pub(crate) fn data_uri(image: &RgbImage) -> String {
    let png = png(image).unwrap_or_default();
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use super::{mosaic, most, photograph, rising, signed};
    use image::{Rgb, RgbImage};

    #[test]
    fn numbers_have_their_colours() {
        let weights = [-2.0, 0.0, 2.0, f32::NAN];
        let found = signed([2, 2], &weights, most(&weights));
        let colors: Vec<_> = found.pixels().map(|p| p.0).collect();
        assert_eq!(colors, [[0, 114, 178], [255, 255, 255], [194, 78, 0], [128, 128, 132]]);
        let found = rising([1, 3], &[5.0, 6.0, 7.0]);
        assert_eq!(found.get_pixel(0, 0), &Rgb([0, 34, 78]));
        assert_eq!(
            (found.get_pixel(1, 0), found.get_pixel(2, 0)),
            (&Rgb([127, 124, 117]), &Rgb([254, 232, 56]))
        );
        assert_eq!(photograph([1, 2, 1], &[7, 9]).get_pixel(1, 0), &Rgb([9; 3]));
        assert_eq!(photograph([1, 1, 3], &[7, 9, 1]).get_pixel(0, 0), &Rgb([7, 9, 1]));
    }

    #[test]
    fn tiles_stand_in_rows() {
        let tile = |c: u8| RgbImage::from_pixel(3, 2, Rgb([c; 3]));
        let sheet = mosaic(&[tile(1), tile(2), tile(3)], 2);
        assert_eq!(sheet.dimensions(), (12, 10));
        let at = |x, y| sheet.get_pixel(x, y).0[0];
        assert_eq!([at(2, 2), at(7, 2), at(2, 6), at(7, 6)], [1, 2, 3, 128]);
    }
}
