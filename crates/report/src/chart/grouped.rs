//! Horizontal bars, several per row: shares of a time, or predictions next to measurements.

use super::{
    LARGE, LINE, MARGIN, SMALL, axis_words,
    canvas::{Anchor, Svg, draw},
    legend::Legend,
    palette::{FAINT, TEXT, series},
    scale::Scale,
    text::{width, wrap},
    with_unit,
};
use wgrad::words::drawable;

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// A number for each series; `None` if there is none.
    pub values: Vec<Option<f64>>,
}

/// Several bars per row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grouped {
    /// Title.
    pub title: String,
    /// Label of the numbers.
    pub label: String,
    /// Their unit; may be empty.
    pub unit: String,
    /// Names of the bars of each row.
    pub series: Vec<String>,
    /// The rows, from the top.
    pub rows: Vec<Group>,
}

/// Thickness of a bar, distance from one bar to the next, and gap between rows.
const BAR: i32 = 11;
const STEP: i32 = 15;
const GAP: i32 = 10;

impl Grouped {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        Svg::of(|across| self.drawn(across))
    }

    fn drawn(&self, across: i32) -> Svg {
        let room = across - 2 * MARGIN;
        let count = self.series.len().max(self.rows.iter().map(|row| row.values.len()).max().unwrap_or(0));
        let named = self.series.iter().enumerate().map(|(n, name)| (drawable(name), series(n)));
        let legend = Legend::new(&named.collect::<Vec<_>>(), room, false);
        let value =
            |value: &Option<f64>| value.map_or("–".to_string(), |v| drawable(&with_unit(v, &self.unit)));
        let names: Vec<Vec<String>> =
            self.rows.iter().map(|row| wrap(&drawable(&row.name), LARGE, room, 4)).collect();
        let height = |name: &Vec<String>| name.len() as i32 * LINE + count as i32 * STEP + GAP;
        let top = MARGIN + legend.height;
        let bottom = top + names.iter().map(height).sum::<i32>();
        let all = || self.rows.iter().flat_map(|row| &row.values);
        let words = all().map(|v| width(&value(v), SMALL)).max().unwrap_or(0).min(room / 2);
        // The numbers follow the bars.
        let pixels = (MARGIN, across - MARGIN - words - 10);
        let scale = Scale::around(all().flatten().copied().chain([0.0]), false, pixels);
        let below = wrap(&axis_words(&drawable(&self.label), &drawable(&self.unit)), SMALL, room, 3);
        let height = bottom + 29 + below.len() as i32 * LINE;
        draw((across, height), &self.title, &self.words(value), |canvas| {
            legend.draw(canvas, MARGIN);
            scale.draw_below(canvas, top, bottom);
            let mut y = top;
            for (row, name) in self.rows.iter().zip(&names) {
                for line in name {
                    canvas.text(line, (MARGIN, y + LINE / 2), LARGE, TEXT, Anchor::Start);
                    y += LINE;
                }
                for n in 0..count {
                    let number = row.values.get(n).copied().flatten();
                    let ends = number.and_then(|number| Some((scale.at(0.0)?, scale.at(number)?)));
                    if let Some((zero, end)) = ends {
                        canvas.rect(
                            (zero.min(end), y),
                            (zero.max(end).max(zero + 1), y + BAR),
                            series(n),
                            1.0,
                        );
                    }
                    let behind = ends.map_or(MARGIN, |(zero, end)| zero.max(end));
                    canvas.text(&value(&number), (behind + 6, y + BAR / 2), SMALL, FAINT, Anchor::Start);
                    y += STEP;
                }
                y += GAP;
            }
            for (line, n) in below.iter().zip(0..) {
                canvas.text(line, (across / 2, bottom + 34 + n * LINE), SMALL, FAINT, Anchor::Middle);
            }
        })
    }

    fn words(&self, value: impl Fn(&Option<f64>) -> String) -> String {
        let rows = self.rows.iter().map(|row| {
            let values = row.values.iter().enumerate().map(|(n, v)| match self.series.get(n) {
                Some(series) if self.series.len() > 1 => format!("{series} {}", value(v)),
                _ => value(v),
            });
            format!("{}: {}.", row.name, values.collect::<Vec<_>>().join(", "))
        });
        let about = format!("Bars of {}.", axis_words(&self.label, &self.unit));
        std::iter::once(about).chain(rows).collect::<Vec<_>>().join(" ")
    }
}
