//! A gallery: small pictures, each with a short caption. On a page it is HTML that wraps on narrow screens; as a file,
//! one SVG or one PNG. The pictures are embedded: nothing is loaded.

use super::{chart::Svg, contact_sheet::Canvas, pixels};
use base64::{Engine, prelude::BASE64_STANDARD};
use embedded_graphics::mono_font::{MonoFont, iso_8859_1};
use image::{Rgb, RgbImage};
use maud::{Markup, html};
use wgrad::words::drawable;

/// A picture with its texts.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its pixels, as shown.
    pub image: RgbImage,
    /// The lines of its caption.
    pub lines: Vec<String>,
    /// Alternative text, for readers who cannot see it.
    pub alt: String,
}

/// A group of pictures.
#[derive(Clone, Debug, Default)]
pub struct Gallery {
    /// Title.
    pub title: String,
    /// The pictures.
    pub items: Vec<Item>,
}

/// Maximum pictures per row of a file.
const COLUMNS: usize = 6;
const MARGIN: u32 = 16;
const FONT: MonoFont<'_> = iso_8859_1::FONT_7X13;
const TITLE_FONT: MonoFont<'_> = iso_8859_1::FONT_9X15_BOLD;
const LINE: u32 = 16;

/// Layout of the pictures in a file.
struct Laid {
    columns: usize,
    cell: (u32, u32),
    width: u32,
    height: u32,
}

impl Gallery {
    /// Renders the gallery as part of a page.
    pub(super) fn markup(&self) -> Markup {
        html! {
            div class="gallery" role="group" aria-label=(drawable(&self.title)) {
                h3 { (drawable(&self.title)) }
                @for Item { image, lines, alt } in &self.items {
                    figure class="tile" {
                        img src=(data_uri(image)) alt=(drawable(alt)) width=(image.width()) height=(image.height());
                        figcaption { @for line in lines { div { (drawable(line)) } } }
                    }
                }
            }
        }
    }

    fn laid(&self) -> Laid {
        let widest = |items: &mut dyn Iterator<Item = u32>| items.max().unwrap_or(1);
        let words = |line: &String| line.chars().count() as u32 * FONT.character_size.width;
        let words = widest(&mut self.items.iter().flat_map(|item| item.lines.iter().map(words)));
        let lines = widest(&mut self.items.iter().map(|item| item.lines.len() as u32));
        let width = widest(&mut self.items.iter().map(|item| item.image.width()));
        let height = widest(&mut self.items.iter().map(|item| item.image.height()));
        let cell = (width.max(words) + MARGIN, height + lines * LINE + MARGIN);
        let columns = COLUMNS.min(self.items.len()).min((1600 / cell.0).max(1) as usize).max(1);
        let rows = self.items.len().div_ceil(columns) as u32;
        let title = self.title.chars().count() as u32 * TITLE_FONT.character_size.width;
        Laid {
            columns,
            cell,
            width: (columns as u32 * cell.0).max(title) + 2 * MARGIN,
            height: rows * cell.1 + 3 * MARGIN,
        }
    }

    /// Returns each item with the position of its top left corner.
    fn placed<'a>(&'a self, laid: &Laid) -> impl Iterator<Item = (u32, u32, &'a Item)> {
        let (columns, cell) = (laid.columns, laid.cell);
        self.items.iter().enumerate().map(move |(n, item)| {
            let (row, column) = ((n / columns) as u32, (n % columns) as u32);
            (MARGIN + column * cell.0, 2 * MARGIN + row * cell.1, item)
        })
    }

    /// Renders the gallery as one SVG.
    pub fn svg(&self) -> Svg {
        let laid = self.laid();
        let mut body = Vec::new();
        for (x, y, item) in self.placed(&laid) {
            let (width, height) = item.image.dimensions();
            let uri = data_uri(&item.image);
            body.push(html! {
                image x=(x) y=(y) width=(width) height=(height) href=(uri) style="image-rendering:pixelated" {
                    title { (drawable(&item.alt)) }
                }
                @for (n, line) in item.lines.iter().enumerate() {
                    text x=(x) y=(y + height + LINE * (n as u32 + 1) - 3) { (drawable(line)) }
                }
            });
        }
        let words: Vec<_> = self.items.iter().map(|item| drawable(&item.alt)).collect();
        let Laid { width, height, .. } = laid;
        let markup = html! {
            svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label=(drawable(&self.title))
                viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height)
                font-family="system-ui, sans-serif" font-size="12" fill="#1B1F24" {
                title { (drawable(&self.title)) }
                desc { (words.join(" ")) }
                rect width="100%" height="100%" fill="#FFFFFF" {}
                text x=(MARGIN) y=(MARGIN + 4) font-size="15" font-weight="bold" { (drawable(&self.title)) }
                @for item in &body { (item) }
            }
        };
        Svg::whole(markup.into_string())
    }

    /// Renders the gallery as one bitmap.
    pub fn sheet(&self) -> RgbImage {
        let laid = self.laid();
        let mut canvas = Canvas::new(laid.width, laid.height, Rgb([255; 3]));
        canvas.line(&drawable(&self.title), &TITLE_FONT, (MARGIN, MARGIN / 2));
        for (x, y, item) in self.placed(&laid) {
            canvas.place(&item.image, (x, y));
            for (n, line) in item.lines.iter().enumerate() {
                canvas.line(&drawable(line), &FONT, (x, y + item.image.height() + 2 + LINE * n as u32));
            }
        }
        canvas.finish()
    }
}

/// Returns the image as a data URI. Encoding into memory does not fail; if it ever does, the picture is empty and its
/// words remain.
fn data_uri(image: &RgbImage) -> String {
    let png = pixels::png(image).unwrap_or_default();
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png))
}
