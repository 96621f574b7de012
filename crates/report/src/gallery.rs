//! A gallery: small pictures, each with a short caption. On a page it is HTML that wraps on narrow screens; as a file,
//! one SVG or one PNG, drawn as charts are. The pictures are embedded: nothing is loaded.

use super::{
    chart::{self, Anchor, LARGE, LINE, MARGIN, SMALL, Svg, TEXT, draw},
    pixels::data_uri,
};
use image::RgbImage;
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

/// Maximum pictures per row of a file, and the width of a row that is not exceeded by more than one picture, pixels.
const COLUMNS: usize = 6;
const ACROSS: i32 = 1200;
/// Distance between pictures.
const GAP: i32 = 20;

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

    /// Draws the gallery as a picture of its own, with its title.
    pub fn svg(&self) -> Svg {
        let most = |all: &mut dyn Iterator<Item = i32>| all.max().unwrap_or(1);
        let line_width = |line: &String| chart::width(&drawable(line), SMALL);
        let words = most(&mut self.items.iter().flat_map(|item| item.lines.iter().map(line_width)));
        let lines = most(&mut self.items.iter().map(|item| item.lines.len() as i32));
        let width = most(&mut self.items.iter().map(|item| item.image.width() as i32)).max(words);
        let height = most(&mut self.items.iter().map(|item| item.image.height() as i32));
        let (across, down) = (width + GAP, height + LINE * lines + GAP);
        let columns = (ACROSS / across).clamp(1, COLUMNS.min(self.items.len()).max(1) as i32);
        let rows = (self.items.len() as i32 + columns - 1) / columns;
        let title = chart::width(&drawable(&self.title), LARGE) + 2 * MARGIN;
        let size = ((2 * MARGIN + columns * across - GAP).max(title), 2 * MARGIN + rows * down - GAP);
        let said: Vec<&str> = self.items.iter().map(|item| item.alt.as_str()).collect();
        let svg = draw(size, &self.title, &said.join(" "), |canvas| {
            for (n, item) in self.items.iter().enumerate() {
                let (row, column) = (n as i32 / columns, n as i32 % columns);
                let (x, y) = (MARGIN + column * across, MARGIN + row * down);
                canvas.image(&item.image, (x, y), &item.alt);
                for (n, line) in item.lines.iter().enumerate() {
                    let below = y + item.image.height() as i32 + LINE * n as i32 + LINE / 2 + 2;
                    canvas.text(&drawable(line), (x, below), SMALL, TEXT, Anchor::Start);
                }
            }
        });
        svg.alone()
    }
}
