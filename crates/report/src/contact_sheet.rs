//! A contact sheet: samples of every class of a data set on one PNG. Each class is a row, with its name at the left. It
//! shows you what a network is trained on.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::path::Path;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle, iso_8859_1};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use embedded_graphics::{Drawable, Pixel};
use image::{ImageFormat, Rgb, RgbImage};

use wgrad::{Error, Result};
use wgrad::{
    data::{Dataset, Split},
    words::commas,
};
use wgrad_files::write_whole;

/// Magnification of the images on the sheet.
const ZOOM: usize = 2;
/// Images with a longer side are not magnified.
const LARGE: usize = 64;
const MARGIN: usize = 20;
const GAP: usize = 4;
const LABEL_GAP: usize = 12;
const FONT: MonoFont<'_> = iso_8859_1::FONT_8X13;
const TITLE_FONT: MonoFont<'_> = iso_8859_1::FONT_9X18_BOLD;
const BACKGROUND: Rgb<u8> = Rgb([250, 250, 248]);
const INK: Rgb888 = Rgb888::new(34, 34, 38);
const FAINT: Rgb888 = Rgb888::new(96, 96, 102);

/// Returns the magnification of the images.
fn zoom(data: &Dataset) -> usize {
    if data.width.max(data.height) > LARGE { 1 } else { ZOOM }
}

/// Maximum side of the sheet, pixels.
const LONGEST_SIDE: usize = 16_000;

/// Draws the first `per_class` training images of each class, magnified twice unless they are large, and writes a PNG
/// atomically. Returns width and height of the sheet in pixels.
///
/// # Errors
/// [`Error::ContactSheet`] if it would be empty or longer than 16,000 pixels; [`Error::Io`] if it cannot be written.
pub fn write(data: &Dataset, per_class: usize, path: &Path) -> Result<(u32, u32)> {
    save(&draw(data, per_class)?, path)
}

/// Writes a sheet as a PNG, atomically. Returns its width and height in pixels.
///
/// # Errors
/// [`Error::Io`] if it cannot be written.
pub fn save(sheet: &RgbImage, path: &Path) -> Result<(u32, u32)> {
    let mut png = io::Cursor::new(Vec::new());
    let encoded = sheet.write_to(&mut png, ImageFormat::Png);
    write_whole(path, |file| {
        encoded.map_err(io::Error::other)?;
        file.write_all(png.get_ref())
    })?;
    Ok(sheet.dimensions())
}

/// Like [`write()`], without the file.
///
/// # Errors
/// [`Error::ContactSheet`].
pub fn draw(data: &Dataset, per_class: usize) -> Result<RgbImage> {
    draw_of(data, &data.train, "", per_class)
}

/// Like [`draw`], for other images of these classes, `shown`, with a `note` about them under the title.
///
/// # Errors
/// [`Error::ContactSheet`].
pub fn draw_of(data: &Dataset, shown: &Split, note: &str, per_class: usize) -> Result<RgbImage> {
    let zoom = zoom(data);
    let cell = (data.width * zoom, data.height * zoom);
    let longest_name = data.classes.iter().map(|name| name.chars().count()).max();
    let names = longest_name.unwrap_or(0) * FONT.character_size.width as usize;
    let left = MARGIN + names + LABEL_GAP;
    let top = MARGIN + 44;
    let most = LONGEST_SIDE.saturating_sub(left + MARGIN) / (cell.0 + GAP);
    let height = top + data.classes.len() * (cell.1 + GAP) + MARGIN - GAP;
    if per_class == 0 || per_class > most || data.classes.is_empty() || height > LONGEST_SIDE {
        return Err(Error::ContactSheet { per_class, classes: data.classes.len(), most });
    }
    let width = left + per_class * (cell.0 + GAP) + MARGIN - GAP;
    let title = data.name.clone();
    let facts = format!(
        "{}×{}, {} classes, {} training and {} test images{note}",
        data.height,
        data.width,
        data.classes.len(),
        commas(data.train.len() as u64),
        commas(data.test.len() as u64)
    );
    // Wide enough for the text above the images, even with few images.
    let words = facts.chars().count() * FONT.character_size.width as usize;
    let width = width.max(words + 2 * MARGIN);
    let mut canvas = Canvas(RgbImage::from_pixel(width as u32, height as u32, BACKGROUND));
    canvas.text(&title, &TITLE_FONT, INK, (MARGIN, MARGIN - 4), Alignment::Left, Baseline::Top);
    canvas.text(&facts, &FONT, FAINT, (MARGIN, MARGIN + 18), Alignment::Left, Baseline::Top);
    for (class, name) in data.classes.iter().enumerate() {
        let y = top + class * (cell.1 + GAP);
        let at = (left - LABEL_GAP, y + cell.1 / 2);
        canvas.text(name, &FONT, INK, at, Alignment::Right, Baseline::Middle);
        for (column, image) in samples(data, shown, class).take(per_class).enumerate() {
            canvas.image(&in_bytes(&image, data), data, (left + column * (cell.0 + GAP), y));
        }
    }
    Ok(canvas.0)
}

/// Returns the images of a class, in the order of the split.
fn samples<'a>(data: &'a Dataset, split: &'a Split, class: usize) -> impl Iterator<Item = Cow<'a, [u8]>> {
    let of_class = move |&(_, label): &(usize, &u32)| *label as usize == class;
    let numbered = split.labels.iter().enumerate().filter(of_class);
    numbered.filter_map(|(index, _)| split.image(index, data.pixels()))
}

/// Returns the values of an image as bytes; floats are scaled from the lowest value of this image to its highest.
pub(super) fn in_bytes<'a>(image: &'a [u8], data: &Dataset) -> Cow<'a, [u8]> {
    if !data.input.floats {
        return Cow::Borrowed(image);
    }
    let values: Vec<f32> = image.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = if high > low { high - low } else { 1.0 };
    Cow::Owned(values.iter().map(|value| ((value - low) / range * 255.0).round() as u8).collect())
}

/// An image to draw on.
struct Canvas(RgbImage);

impl Canvas {
    fn text(
        &mut self,
        text: &str,
        font: &MonoFont<'_>,
        color: Rgb888,
        (x, y): (usize, usize),
        alignment: Alignment,
        baseline: Baseline,
    ) {
        let style = TextStyleBuilder::new().alignment(alignment).baseline(baseline).build();
        let at = Point::new(x as i32, y as i32);
        let text = Text::with_text_style(text, at, MonoTextStyle::new(font, color), style);
        let Ok(_) = text.draw(self);
    }

    /// Draws an image (H, W, C): grey if it has one or two channels, else with its first three as colours.
    fn image(&mut self, bytes: &[u8], data: &Dataset, (left, top): (usize, usize)) {
        let zoom = zoom(data);
        for (index, pixel) in bytes.chunks(data.channels).enumerate() {
            let (row, column) = (index / data.width, index % data.width);
            let color = match *pixel {
                [red, green, blue, ..] => Rgb([red, green, blue]),
                [grey, ..] => Rgb([grey; 3]),
                [] => continue,
            };
            for (dy, dx) in (0..zoom).flat_map(|dy| (0..zoom).map(move |dx| (dy, dx))) {
                let x = (left + column * zoom + dx) as u32;
                let y = (top + row * zoom + dy) as u32;
                if let Some(there) = self.0.get_pixel_mut_checked(x, y) {
                    *there = color;
                }
            }
        }
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> std::result::Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(Point { x, y }, color) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
                continue;
            };
            if let Some(there) = self.0.get_pixel_mut_checked(x, y) {
                *there = Rgb([color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}
