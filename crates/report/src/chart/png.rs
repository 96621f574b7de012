//! Charts as PNG, for uses that an SVG does not suit: the same shapes as pixels. The font is embedded, so that a
//! picture is the same on every machine. The background is white; the resolution is twice the chart's own.

use super::{
    Svg,
    canvas::{At, Shape, render},
};
use crate::pixels::enlarged;
use image::{ImageFormat, RgbImage, imageops};
use plotters::{
    backend::BitMapBackend,
    drawing::IntoDrawingArea,
    style::{FontStyle, WHITE, register_font},
};
use std::{io, path::Path, sync::OnceLock};
use wgrad::{Error, Result};
use wgrad_files::write_whole;

/// DejaVu Sans, reduced to European letters and the characters of formulas.
static FONT: &[u8] = include_bytes!("../../assets/font/DejaVuSans-subset.ttf");

/// Pixels of the picture per pixel of the chart, in each direction.
const FINE: i32 = 2;
/// Pixels drawn per pixel of the picture, in each direction: their mean is smooth.
const SMOOTH: i32 = 2;
/// Maximum side of a picture, pixels.
const LONGEST: i32 = 16_000;

impl Svg {
    /// Encodes the picture as a PNG file.
    ///
    /// # Errors
    /// [`Error::Report`] for a chart that is larger than 8,000 pixels, or empty.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut png = io::Cursor::new(Vec::new());
        let encoded = self.bitmap()?.write_to(&mut png, ImageFormat::Png);
        encoded.map_err(|e| Error::Report { caption: "a chart as PNG".into(), message: e.to_string() })?;
        Ok(png.into_inner())
    }

    /// Draws the picture as pixels, twice as many as its own in each direction.
    ///
    /// # Errors
    /// Those of [`Svg::png`].
    pub fn bitmap(&self) -> Result<RgbImage> {
        let fail = |message: String| Error::Report { caption: "a chart as PNG".into(), message };
        if self.shapes.is_empty() {
            return Err(fail("has nothing to draw; write it as SVG".into()));
        }
        let (width, height) = (self.size.0 * FINE, self.size.1 * FINE);
        if width.max(height) > LONGEST {
            return Err(fail(format!(
                "is {width} by {height} pixels, expected at most {LONGEST}; write it as SVG"
            )));
        }
        static KNOWN: OnceLock<bool> = OnceLock::new();
        if !KNOWN.get_or_init(|| register_font("sans-serif", FontStyle::Normal, FONT).is_ok()) {
            return Err(fail("the font of the program cannot be read; write it as SVG".into()));
        }
        self.pixels((width, height)).map_err(fail)
    }

    fn pixels(&self, (width, height): At) -> std::result::Result<RgbImage, String> {
        let large = ((width * SMOOTH) as u32, (height * SMOOTH) as u32);
        let mut bytes = vec![0; 3 * large.0 as usize * large.1 as usize];
        let area = BitMapBackend::with_buffer(&mut bytes, large).into_drawing_area();
        let drawn = area
            .fill(&WHITE)
            .and_then(|()| render(&self.shapes, &area, FINE * SMOOTH))
            .and_then(|()| area.present());
        drawn.map_err(|e| e.to_string())?;
        drop(area);
        let drawn =
            RgbImage::from_raw(large.0, large.1, bytes).ok_or("the pixels do not fill the picture")?;
        let mut drawn = imageops::thumbnail(&drawn, width as u32, height as u32);
        for shape in &self.shapes {
            if let Shape::Image { at: (x, y), image, .. } = shape {
                imageops::replace(
                    &mut drawn,
                    &enlarged(image, FINE as u32),
                    (x * FINE).into(),
                    (y * FINE).into(),
                );
            }
        }
        Ok(drawn)
    }

    /// Writes it with its title, atomically: as PNG if the name ends in `.png`, else as SVG.
    ///
    /// # Errors
    /// The errors of [`Svg::png`]; [`Error::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let png = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
        let alone = self.alone();
        let bytes = if png { alone.png()? } else { alone.as_str().as_bytes().to_vec() };
        write_whole(path, |file| file.write_all(&bytes))
    }
}
