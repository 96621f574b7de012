//! A heat map: cells coloured by their numbers, which are printed in them; a scale of eight steps; hatched cells
//! without a number. Uses are a sweep over two tile sizes, or a confusion matrix.

use super::{
    LINE, MARGIN, SMALL, axis_words,
    canvas::{Anchor, At, Canvas, Svg, draw},
    palette::{ALARM, EMPTY, FAINT, FRAME, ON_DARK, ON_LIGHT, STEPS, TEXT},
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
}

/// Height of a cell, and of a step of the scale.
const HEIGHT: i32 = 30;
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
}

impl Steps {
    fn of(map: &HeatMap) -> Option<Self> {
        let usable = |v: f64| v.is_finite() && (!map.log || v > 0.0);
        let values = map.cells.iter().flatten().filter_map(|cell| match cell {
            Cell::Value(v) if usable(*v) => Some(*v),
            _ => None,
        });
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        (low <= high).then_some(Self { low, high, log: map.log })
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

    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        Svg::of(|across| self.drawn(across))
    }

    fn drawn(&self, across: i32) -> Svg {
        let places = || (0..self.rows.len()).flat_map(|r| (0..self.columns.len()).map(move |c| (r, c)));
        let words = |(r, c)| width(&said(self.cell(r, c)), SMALL) + 12;
        let cell = places().map(words).max().unwrap_or(0).max(44);
        let columns: Vec<String> =
            self.columns.iter().map(|name| shorten(&drawable(name), SMALL, NAME)).collect();
        let rows: Vec<String> = self.rows.iter().map(|name| shorten(&drawable(name), SMALL, NAME)).collect();
        let widest = |names: &[String]| names.iter().map(|name| width(name, SMALL)).max().unwrap_or(0);
        let level = widest(&columns) <= cell - 4;
        let head = if level { LINE } else { widest(&columns) + 8 };
        let left = MARGIN + LINE + 6 + widest(&rows) + 8;
        let scale = self.columns.len() as i32 * cell;
        let size = (across.max(left + scale + MARGIN), 0);
        let top = MARGIN + LINE + 4 + head;
        let bottom = top + self.rows.len() as i32 * HEIGHT;
        let steps = Steps::of(self);
        draw((size.0, bottom + 76), &self.title, &self.words(), |canvas| {
            let label = |text: &str, room| shorten(&drawable(text), SMALL, room);
            let columns_are = label(&self.column_label, size.0 - left - MARGIN);
            canvas.text(&columns_are, (left, MARGIN + LINE / 2), SMALL, FAINT, Anchor::Start);
            let room = bottom - MARGIN;
            canvas.upwards(
                &label(&self.row_label, room),
                (MARGIN + LINE / 2, bottom),
                SMALL,
                FAINT,
                Anchor::Start,
            );
            for (n, name) in columns.iter().enumerate() {
                let x = left + n as i32 * cell + cell / 2;
                match level {
                    true => canvas.text(name, (x, top - LINE / 2), SMALL, TEXT, Anchor::Middle),
                    false => canvas.upwards(name, (x, top - 6), SMALL, TEXT, Anchor::Start),
                }
            }
            for (n, name) in rows.iter().enumerate() {
                let y = top + n as i32 * HEIGHT + HEIGHT / 2;
                canvas.text(name, (left - 8, y), SMALL, TEXT, Anchor::End);
            }
            for (r, c) in places() {
                let at = (left + c as i32 * cell, top + r as i32 * HEIGHT);
                paint(canvas, at, (cell - 2, HEIGHT - 2), self.cell(r, c), steps.as_ref());
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
        for (n, ink) in STEPS.iter().enumerate() {
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

fn paint(canvas: &Canvas, (x, y): At, (width, height): At, cell: Cell, steps: Option<&Steps>) {
    let step = match cell {
        Cell::Value(v) => steps.and_then(|steps| steps.step(v)),
        _ => None,
    };
    let ink = match (cell, step) {
        (_, Some(step)) if is_dark(step) => ON_DARK,
        (_, Some(_)) => ON_LIGHT,
        (Cell::Wrong, _) => ALARM,
        _ => FAINT,
    };
    canvas.rect((x, y), (x + width, y + height), step.map_or(EMPTY, |step| STEPS[step]), 1.0);
    if step.is_none() && cell != Cell::Zero {
        hatch(canvas, (x, y), (width, height), cell == Cell::Wrong);
        // The text needs a plain background.
        let half = super::text::width(&said(cell), SMALL) / 2 + 2;
        let middle = x + width / 2;
        canvas.rect((middle - half, y + 6), (middle + half, y + height - 6), EMPTY, 1.0);
    }
    canvas.text(&said(cell), (x + width / 2, y + height / 2), SMALL, ink, Anchor::Middle);
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
