//! Horizontal bars with error bars, one per row: the median, half of the samples (thick), all of them (thin). A row
//! without a number keeps its place and states the reason.

use super::{
    LARGE, LINE, MARGIN, SMALL, axis_words,
    canvas::{Anchor, Canvas, Svg, draw},
    legend::Legend,
    palette::{ALARM, FAINT, TEXT, series},
    scale::Scale,
    text::{figure, width, wrap},
    with_unit,
};
use wgrad::words::drawable;

/// Result of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was measured.
    Measured {
        /// The median: the length of the bar.
        median: f64,
        /// The lower and the upper quartile.
        quartiles: (f64, f64),
        /// The minimum and the maximum.
        range: (f64, f64),
        /// Rank, from 1; `None` if nothing is ranked.
        rank: Option<usize>,
        /// True if another row has the same rank.
        tied: bool,
    },
    /// It is wrong, with the reason.
    Wrong(String),
    /// It was left out, with the reason.
    Skipped(String),
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// Index of its group, which decides its colour.
    pub group: usize,
    /// Its result.
    pub outcome: Outcome,
}

/// Bars with error bars.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// Title.
    pub title: String,
    /// Label of the numbers.
    pub label: String,
    /// Their unit; may be empty.
    pub unit: String,
    /// Names of the groups, shown if there are several.
    pub groups: Vec<String>,
    /// The rows, from the top.
    pub rows: Vec<Bar>,
}

/// Thickness of a bar.
const BAR: i32 = 14;
const GAP: i32 = 12;

/// A row with its texts broken into lines.
struct Laid<'a> {
    row: &'a Bar,
    name: Vec<String>,
    value: String,
    why: Vec<String>,
}

impl Laid<'_> {
    fn height(&self) -> i32 {
        let below = if self.why.is_empty() { BAR } else { self.why.len() as i32 * LINE };
        self.name.len() as i32 * LINE + below + GAP
    }
}

impl Bars {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        Svg::of(|across| self.drawn(across))
    }

    fn drawn(&self, across: i32) -> Svg {
        let room = across - 2 * MARGIN;
        let rows: Vec<Laid<'_>> = self.rows.iter().map(|row| self.lay(row, room)).collect();
        let named = self.groups.iter().enumerate().map(|(n, name)| (drawable(name), series(n)));
        let legend = Legend::new(&named.collect::<Vec<_>>(), room, false);
        let top = MARGIN + legend.height;
        let bottom = top + rows.iter().map(Laid::height).sum::<i32>();
        let values = self.rows.iter().flat_map(|row| match &row.outcome {
            Outcome::Measured { median, quartiles, range, .. } => {
                vec![*median, quartiles.0, quartiles.1, range.0, range.1]
            }
            _ => Vec::new(),
        });
        // A bar is read by its length, so it starts at 0.
        let scale = Scale::around(values.chain([0.0]), false, (MARGIN, across - MARGIN - 6));
        let below = wrap(&axis_words(&drawable(&self.label), &drawable(&self.unit)), SMALL, room, 3);
        let height = bottom + 29 + below.len() as i32 * LINE;
        draw((across, height), &self.title, &self.words(), |canvas| {
            legend.draw(canvas, MARGIN);
            scale.draw_below(canvas, top, bottom);
            let mut y = top;
            for row in &rows {
                row.draw(canvas, &scale, y, across);
                y += row.height();
            }
            for (line, n) in below.iter().zip(0..) {
                canvas.text(line, (across / 2, bottom + 34 + n * LINE), SMALL, FAINT, Anchor::Middle);
            }
        })
    }

    fn lay<'a>(&self, row: &'a Bar, room: i32) -> Laid<'a> {
        let (value, why) = match &row.outcome {
            Outcome::Measured { median, range, .. } => {
                let (median, unit) = (with_unit(*median, &self.unit), &self.unit);
                let spread = format!("{} to {}", figure(range.0), with_unit(range.1, unit));
                (format!("{median} ({spread})"), Vec::new())
            }
            Outcome::Wrong(why) => (String::new(), wrap(&drawable(&format!("WRONG: {why}")), SMALL, room, 3)),
            Outcome::Skipped(why) => {
                (String::new(), wrap(&drawable(&format!("skipped: {why}")), SMALL, room, 2))
            }
        };
        let rank = match row.outcome {
            Outcome::Measured { rank: Some(rank), tied, .. } => {
                format!("{rank}{} ", if tied { "=" } else { "." })
            }
            _ => String::new(),
        };
        let value = drawable(&value);
        let name = drawable(&format!("{rank}{}", row.name));
        let name = wrap(&name, LARGE, room - width(&value, SMALL) - 12, 4);
        Laid { row, name, value, why }
    }

    /// Describes every name and number, for readers who cannot see the picture.
    fn words(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let group = match self.groups.get(row.group) {
                Some(group) if self.groups.len() > 1 => format!(" on {group}"),
                _ => String::new(),
            };
            let outcome = match &row.outcome {
                Outcome::Measured { median, quartiles, range, rank, tied } => {
                    let rank = rank.map(|rank| format!(", rank {rank}{}", if *tied { ", tied" } else { "" }));
                    format!(
                        "median {}, quartiles {} to {}, all {} to {}{}",
                        with_unit(*median, &self.unit),
                        figure(quartiles.0),
                        figure(quartiles.1),
                        figure(range.0),
                        figure(range.1),
                        rank.unwrap_or_default()
                    )
                }
                Outcome::Wrong(why) => format!("wrong: {why}"),
                Outcome::Skipped(why) => format!("skipped: {why}"),
            };
            format!("{}{group}: {outcome}.", row.name)
        });
        let about = format!("Bars of {}.", axis_words(&self.label, &self.unit));
        std::iter::once(about).chain(rows).collect::<Vec<_>>().join(" ")
    }
}

impl Laid<'_> {
    fn draw(&self, canvas: &Canvas, scale: &Scale, top: i32, across: i32) {
        let ink = match self.row.outcome {
            Outcome::Measured { .. } => TEXT,
            Outcome::Wrong(_) => ALARM,
            Outcome::Skipped(_) => FAINT,
        };
        let mut y = top + LINE / 2;
        canvas.text(&self.value, (across - MARGIN, y), SMALL, FAINT, Anchor::End);
        for line in &self.name {
            canvas.text(line, (MARGIN, y), LARGE, ink, Anchor::Start);
            y += LINE;
        }
        for line in &self.why {
            canvas.text(line, (MARGIN, y), SMALL, ink, Anchor::Start);
            y += LINE;
        }
        if let Outcome::Measured { median, quartiles, range, .. } = &self.row.outcome {
            let y = y - LINE / 2;
            let middle = y + BAR / 2;
            let (Some(zero), Some(end)) = (scale.at(0.0), scale.at(*median)) else { return };
            let ink = series(self.row.group);
            canvas.rect((zero.min(end), y), (zero.max(end), y + BAR), ink, 0.45);
            canvas.path(vec![(end, y), (end, y + BAR)], ink, 3);
            if let (Some(low), Some(high)) = (scale.at(range.0), scale.at(range.1)) {
                canvas.path(vec![(low, middle), (high, middle)], TEXT, 1);
                for x in [low, high] {
                    canvas.path(vec![(x, middle - 4), (x, middle + 4)], TEXT, 1);
                }
            }
            if let (Some(low), Some(high)) = (scale.at(quartiles.0), scale.at(quartiles.1)) {
                canvas.path(vec![(low, middle), (high, middle)], TEXT, 4);
            }
        }
    }
}
