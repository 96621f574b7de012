//! A heat map: cells coloured by their numbers, which are printed in them; a scale of eight steps; hatched cells
//! without a number. Uses are a sweep over two tile sizes, or a confusion matrix.

use super::{
    LINE, MARGIN, SMALL, axis_words,
    canvas::{Anchor, At, Canvas, Svg, draw},
    palette::{ALARM, EMPTY, FAINT, FRAME, Ink, ON_DARK, ON_LIGHT, SHARES, STEPS, TEXT, on_share},
    text::{figure, shorten, width},
};
use wgrad::words::drawable;

/// Content of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// Its number.
    Value(f64),
    /// Zero on a logarithmic colour scale, on which it has no colour.
    Zero,
    /// Wrong result.
    Wrong,
    /// It cannot run, or was left out.
    Skipped,
}

/// Cells coloured by their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatMap {
    /// Title.
    pub title: String,
    /// Label of the numbers.
    pub label: String,
    /// Their unit; may be empty.
    pub unit: String,
    /// Label of the columns.
    pub column_label: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Label of the rows.
    pub row_label: String,
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Cells, one list per row; missing cells count as skipped.
    pub cells: Vec<Vec<Cell>>,
    /// True for a logarithmic colour scale.
    pub log: bool,
    /// True if the colour of a cell is its share of the sum of its row, as in a confusion matrix.
    pub shares: bool,
}

/// Height of a cell, and of a step of the scale.
const HEIGHT: i32 = 30;
/// Size of the text, and room beside the widest number of a cell, of a map that has room.
const ROOMY: (i32, i32) = (SMALL, 12);
/// Size of the text of a map with many columns, or on a small screen.
const TINY: i32 = 11;
/// Maximum width of the name of a row, and of a column whose name reads upwards.
const NAME: i32 = 200;

/// Returns true if a step is dark, so that its text is light.
pub(super) fn is_dark(step: usize) -> bool {
    step < 4
}

/// Mapping of numbers to steps of the colour scale.
struct Steps {
    low: f64,
    high: f64,
    log: bool,
    inks: [Ink; 8],
    on: fn(usize) -> Ink,
}

/// Returns the colour of the text on a step of [`STEPS`].
fn on_step(step: usize) -> Ink {
    if is_dark(step) { ON_DARK } else { ON_LIGHT }
}

impl Steps {
    fn of(map: &HeatMap) -> Option<Self> {
        if map.shares {
            return Some(Self { low: 0.0, high: 100.0, log: false, inks: SHARES, on: on_share });
        }
        let usable = |v: f64| v.is_finite() && (!map.log || v > 0.0);
        let values = map.cells.iter().flatten().filter_map(|cell| match cell {
            Cell::Value(v) if usable(*v) => Some(*v),
            _ => None,
        });
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        (low <= high).then_some(Self { low, high, log: map.log, inks: STEPS, on: on_step })
    }

    fn step(&self, value: f64) -> Option<usize> {
        // Halved, so that the difference of the ends of f64 is still finite.
        let place = |v: f64| if self.log { v.ln() } else { v / 2.0 };
        let (low, high) = (place(self.low), place(self.high));
        let share = if high > low { (place(value) - low) / (high - low) } else { 0.0 };
        share.is_finite().then_some(((share * STEPS.len() as f64) as usize).min(STEPS.len() - 1))
    }

    /// Returns the number at which a step begins.
    fn from(&self, step: usize) -> f64 {
        let share = step as f64 / STEPS.len() as f64;
        match self.log {
            true => (self.low.ln() * (1.0 - share) + self.high.ln() * share).exp(),
            false => self.low * (1.0 - share) + self.high * share,
        }
    }
}

impl HeatMap {
    fn cell(&self, row: usize, column: usize) -> Cell {
        self.cells.get(row).and_then(|row| row.get(column)).copied().unwrap_or(Cell::Skipped)
    }

    /// Returns the number that gives a cell its colour.
    fn color(&self, row: usize, column: usize) -> Option<f64> {
        let value = |cell: &Cell| match cell {
            Cell::Value(value) => Some(*value),
            Cell::Zero if self.shares => Some(0.0),
            _ => None,
        };
        let own = value(&self.cell(row, column))?;
        let all: f64 = self.cells.get(row)?.iter().filter_map(value).sum();
        Some(if self.shares { 100.0 * own / all.max(1.0) } else { own })
    }

    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        Svg::of(|across| self.drawn(across))
    }

    fn drawn(&self, across: i32) -> Svg {
        let places = || (0..self.rows.len()).flat_map(|r| (0..self.columns.len()).map(move |c| (r, c)));
        let widest = |names: &[String], size| names.iter().map(|name| width(name, size)).max().unwrap_or(0);
        let short = |names: &[String], size| -> Vec<String> {
            names.iter().map(|name| shorten(&drawable(name), size, NAME)).collect()
        };
        let left = |size| MARGIN + size + 9 + widest(&short(&self.rows, size), size) + 8;
        let cell = |(size, room): (i32, i32)| {
            let words = |(r, c)| width(&said(self.cell(r, c)), size) + room;
            places().map(words).max().unwrap_or(0).max(if room == ROOMY.1 { 44 } else { 0 })
        };
        // The first that fits; a map that never does is wider than the page, and scrolls.
        let fits = |(size, room): &(i32, i32)| {
            left(*size) + self.columns.len() as i32 * cell((*size, *room)) <= across + MARGIN
        };
        let (small, room) = [ROOMY, (SMALL, 6), (TINY, 3)].into_iter().find(fits).unwrap_or(ROOMY);
        let (cell, left) = (cell((small, room)), left(small));
        let (columns, rows) = (short(&self.columns, small), short(&self.rows, small));
        let level = widest(&columns, small) <= cell - 4;
        let head = if level { LINE } else { widest(&columns, small) + 8 };
        let scale = self.columns.len() as i32 * cell;
        let size = (across.max(left + scale + 2), 0);
        let top = MARGIN + LINE + 4 + head;
        let bottom = top + self.rows.len() as i32 * HEIGHT;
        let steps = Steps::of(self);
        draw((size.0, bottom + 76), &self.title, &self.words(), |canvas| {
            let label = |text: &str, room| shorten(&drawable(text), small, room);
            let columns_are = label(&self.column_label, size.0 - left - MARGIN);
            canvas.text(&columns_are, (left, MARGIN + LINE / 2), small, FAINT, Anchor::Start);
            let rows_are = label(&self.row_label, bottom - MARGIN);
            let (up, anchor) = match width(&rows_are, small) < bottom - top {
                true => ((top + bottom) / 2, Anchor::Middle),
                false => (bottom, Anchor::Start),
            };
            canvas.upwards(&rows_are, (MARGIN + LINE / 2, up), small, FAINT, anchor);
            for (n, name) in columns.iter().enumerate() {
                let x = left + n as i32 * cell + cell / 2;
                match level {
                    true => canvas.text(name, (x, top - LINE / 2), small, TEXT, Anchor::Middle),
                    false => canvas.upwards(name, (x, top - 6), small, TEXT, Anchor::Start),
                }
            }
            for (n, name) in rows.iter().enumerate() {
                let y = top + n as i32 * HEIGHT + HEIGHT / 2;
                canvas.text(name, (left - 8, y), small, TEXT, Anchor::End);
            }
            for (r, c) in places() {
                let at = (left + c as i32 * cell, top + r as i32 * HEIGHT);
                let step = steps.as_ref().and_then(|steps| {
                    let step = steps.step(self.color(r, c)?)?;
                    Some((steps.inks[step], (steps.on)(step)))
                });
                paint(canvas, at, (cell - 2, HEIGHT - 2), self.cell(r, c), step, small);
            }
            self.draw_scale(canvas, bottom + 16, steps.as_ref(), across);
        })
    }

    /// Draws the steps of the scale, with the numbers at which they begin and end.
    fn draw_scale(&self, canvas: &Canvas, top: i32, steps: Option<&Steps>, across: i32) {
        let words = axis_words(&drawable(&self.label), &drawable(&self.unit));
        let words = shorten(&words, SMALL, across - 2 * MARGIN);
        canvas.text(&words, (MARGIN, top + LINE / 2), SMALL, FAINT, Anchor::Start);
        let Some(steps) = steps else { return };
        let step = (across - 2 * MARGIN - 60) / STEPS.len() as i32;
        let mut free = 0;
        for (n, ink) in steps.inks.iter().enumerate() {
            let x = MARGIN + 20 + n as i32 * step;
            canvas.rect((x, top + LINE + 2), (x + step, top + LINE + 14), *ink, 1.0);
        }
        for n in 0..=STEPS.len() {
            let words = figure(steps.from(n));
            let (x, half) = (MARGIN + 20 + n as i32 * step, width(&words, SMALL) / 2 + 3);
            if x - half >= free {
                canvas.text(&words, (x, top + LINE + 24), SMALL, FAINT, Anchor::Middle);
                free = x + half;
            }
        }
    }

    fn words(&self) -> String {
        let mut words = format!(
            "Heat map of {}; rows: {}; columns: {}.",
            axis_words(&self.label, &self.unit),
            self.row_label,
            self.column_label
        );
        for (r, row) in self.rows.iter().enumerate() {
            let cells = self
                .columns
                .iter()
                .enumerate()
                .map(|(c, column)| format!("{column} {}", said(self.cell(r, c))));
            words.push_str(&format!(" {row}: {}.", cells.collect::<Vec<_>>().join(", ")));
        }
        words
    }
}

fn said(cell: Cell) -> String {
    match cell {
        Cell::Value(v) => figure(v),
        Cell::Zero => "0".to_string(),
        Cell::Wrong => "wrong".to_string(),
        Cell::Skipped => "–".to_string(),
    }
}

fn paint(canvas: &Canvas, (x, y): At, (width, height): At, cell: Cell, step: Option<(Ink, Ink)>, size: i32) {
    let ink = match (cell, step) {
        (Cell::Zero, _) => FAINT,
        (_, Some((_, on))) => on,
        (Cell::Wrong, _) => ALARM,
        _ => FAINT,
    };
    canvas.rect((x, y), (x + width, y + height), step.map_or(EMPTY, |(ink, _)| ink), 1.0);
    if step.is_none() && cell != Cell::Zero {
        hatch(canvas, (x, y), (width, height), cell == Cell::Wrong);
        // The text needs a plain background.
        let half = super::text::width(&said(cell), size) / 2 + 2;
        let middle = x + width / 2;
        canvas.rect((middle - half, y + 6), (middle + half, y + height - 6), EMPTY, 1.0);
    }
    canvas.text(&said(cell), (x + width / 2, y + height / 2), size, ink, Anchor::Middle);
}

/// Draws slanted lines inside a cell; crossed ones if it is wrong.
fn hatch(canvas: &Canvas, (x, y): At, (width, height): At, crossed: bool) {
    let ink = if crossed { ALARM } else { FRAME };
    // x + y is constant along a line.
    for sum in (6..width + height).step_by(12) {
        let from = (sum.min(width), sum - sum.min(width));
        let to = (sum - sum.min(height), sum.min(height));
        let (from, to) = ((x + from.0, y + from.1), (x + to.0, y + to.1));
        canvas.path(vec![from, to], ink, 1);
        if crossed {
            let mirror = |at: At| (2 * x + width - at.0, at.1);
            canvas.path(vec![mirror(from), mirror(to)], ink, 1);
        }
    }
}
