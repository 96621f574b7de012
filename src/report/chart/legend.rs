//! Names with their colours, above a chart: side by side as far as they fit.

use super::{
    LINE, MARGIN, SMALL,
    canvas::{Anchor, Canvas},
    palette::{Ink, TEXT},
    text::{shorten, width},
};

/// Width of the sample of a colour.
const SAMPLE: i32 = 18;

/// Where each name stands.
pub(super) struct Legend {
    entries: Vec<(String, Ink, i32, i32)>,
    /// Pixels that it takes.
    pub(super) height: i32,
}

impl Legend {
    /// Places names within `room` pixels. Nothing where there is but one, unless `always`.
    pub(super) fn new(names: &[(String, Ink)], room: i32, always: bool) -> Self {
        if names.len() < 2 && !always {
            return Self { entries: Vec::new(), height: 0 };
        }
        let (mut x, mut row, mut entries) = (0, 0, Vec::new());
        for (name, ink) in names {
            let name = shorten(name, SMALL, room - SAMPLE - 6);
            let taken = SAMPLE + 6 + width(&name, SMALL) + 18;
            if x > 0 && x + taken - 18 > room {
                (x, row) = (0, row + 1);
            }
            entries.push((name, *ink, x, row));
            x += taken;
        }
        let height = if entries.is_empty() { 0 } else { (row + 1) * LINE + 6 };
        Self { entries, height }
    }

    /// Draws it from `top` on.
    pub(super) fn draw(&self, canvas: &Canvas<'_>, top: i32) {
        for (name, ink, x, row) in &self.entries {
            let (x, y) = (MARGIN + x, top + row * LINE + LINE / 2);
            canvas.rect((x, y - 4), (x + SAMPLE, y + 4), *ink, 1.0);
            canvas.text(name, (x + SAMPLE + 6, y), SMALL, TEXT, Anchor::Start);
        }
    }
}
