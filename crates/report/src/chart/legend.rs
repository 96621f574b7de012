//! Legend above a chart: names with their colours, as many per row as fit; long names take several lines.

use super::{
    LINE, MARGIN, SMALL,
    canvas::{Anchor, Canvas},
    palette::{Ink, TEXT, dash, series},
    text::{width, wrap},
};

/// Width of the sample of a colour.
const SAMPLE: i32 = 18;

/// Maximum lines of a name.
const MOST: usize = 3;

/// A name with its lines, its colour, and its position: pixels from the left, rows from the top.
struct Entry {
    lines: Vec<String>,
    ink: Ink,
    dash: Option<[f64; 2]>,
    x: i32,
    row: i32,
}

/// Positions of all names.
pub(super) struct Legend {
    entries: Vec<Entry>,
    /// Height, pixels.
    pub(super) height: i32,
}

impl Legend {
    /// Places the names of series with the numbers of their colours.
    pub(super) fn of_series(names: &[(String, usize)], room: i32) -> Self {
        let inks: Vec<_> = names.iter().map(|(name, n)| (name.clone(), series(*n))).collect();
        let mut legend = Self::new(&inks, room, true);
        for (entry, (_, n)) in legend.entries.iter_mut().zip(names) {
            entry.dash = dash(*n);
        }
        legend
    }

    /// Places names within `room` pixels. A single name is omitted unless `always` is set.
    pub(super) fn new(names: &[(String, Ink)], room: i32, always: bool) -> Self {
        if names.len() < 2 && !always {
            return Self { entries: Vec::new(), height: 0 };
        }
        let (mut x, mut row, mut entries) = (0, 0, Vec::new());
        for (name, ink) in names {
            let lines = wrap(name, SMALL, room - SAMPLE - 6, MOST);
            let widest = lines.iter().map(|line| width(line, SMALL)).max().unwrap_or(0);
            let taken = SAMPLE + 6 + widest;
            if x > 0 && (x + taken > room || lines.len() > 1) {
                (x, row) = (0, row + 1);
            }
            let more = lines.len() as i32 - 1;
            entries.push(Entry { lines, ink: *ink, dash: None, x, row });
            x += taken + 18;
            if more > 0 {
                (x, row) = (room, row + more);
            }
        }
        let height = if entries.is_empty() { 0 } else { (row + 1) * LINE + 6 };
        Self { entries, height }
    }

    /// Draws the legend, starting at `top`.
    pub(super) fn draw(&self, canvas: &Canvas, top: i32) {
        for Entry { lines, ink, dash, x, row } in &self.entries {
            let (x, y) = (MARGIN + x, top + row * LINE + LINE / 2);
            match dash {
                None => canvas.rect((x, y - 4), (x + SAMPLE, y + 4), *ink, 1.0),
                Some(dash) => canvas.dashed(&[(x, y), (x + SAMPLE, y)], *ink, 3, *dash),
            }
            for (n, line) in lines.iter().enumerate() {
                canvas.text(line, (x + SAMPLE + 6, y + n as i32 * LINE), SMALL, TEXT, Anchor::Start);
            }
        }
    }
}
