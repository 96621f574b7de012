//! Small multiples: the same curves for many subjects, one panel each, over one horizontal axis. Each panel has its own
//! vertical axis.

use super::{
    Axis, LINE, MARGIN, Point, SMALL, WIDTH, axis_words,
    canvas::{Anchor, At, Canvas, Svg, draw},
    legend::Legend,
    lines::{pieces, thin},
    palette::{DASH, FAINT, FRAME, GRID, TEXT, series},
    scale::Scale,
    text::{figure, shorten},
};
use wgrad::words::drawable;

/// A curve that every panel has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// True if it is dashed.
    pub dashed: bool,
}

/// One panel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// Its name.
    pub name: String,
    /// The points of each curve.
    pub curves: Vec<Vec<Point>>,
}

/// Many panels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panels {
    /// Title.
    pub title: String,
    /// The common horizontal axis.
    pub x: Axis,
    /// The curves of each panel.
    pub curves: Vec<Curve>,
    /// The panels, row after row.
    pub panels: Vec<Panel>,
}

/// Panels per row.
const COLUMNS: usize = 4;
/// Height of the area of the curves.
const HEIGHT: i32 = 104;
/// Distance from one row to the next.
const ROW: i32 = HEIGHT + LINE + 34;
/// Room for the numbers at the left of a panel.
const LEFT: i32 = 34;

impl Panels {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        let named = self.curves.iter().enumerate().map(|(n, curve)| {
            (drawable(&curve.name) + if curve.dashed { " (dashed)" } else { "" }, series(n))
        });
        let legend = Legend::new(&named.collect::<Vec<_>>(), WIDTH - 2 * MARGIN, true);
        let top = MARGIN + legend.height + 4;
        let rows = self.panels.len().div_ceil(COLUMNS) as i32;
        draw((WIDTH, top + rows * ROW + 16), &self.title, &self.words(), |canvas| {
            legend.draw(canvas, MARGIN);
            let width = (WIDTH - 2 * MARGIN) / COLUMNS as i32;
            for (n, panel) in self.panels.iter().enumerate() {
                let (row, column) = ((n / COLUMNS) as i32, (n % COLUMNS) as i32);
                let left = MARGIN + column * width + LEFT;
                self.panel(canvas, panel, (left, left + width - LEFT - 12), top + row * ROW);
            }
            let axis = axis_words(&drawable(&self.x.label), &drawable(&self.x.unit));
            let below = (WIDTH / 2, top + rows * ROW + 2);
            canvas.text(&shorten(&axis, SMALL, WIDTH), below, SMALL, FAINT, Anchor::Middle);
        })
    }

    fn panel(&self, canvas: &Canvas, panel: &Panel, (left, right): At, top: i32) {
        let (top, bottom) = (top + LINE, top + LINE + HEIGHT);
        let name = shorten(&drawable(&panel.name), SMALL, right - left);
        canvas.text(&name, ((left + right) / 2, top - LINE / 2), SMALL, TEXT, Anchor::Middle);
        let all = || self.panels.iter().flat_map(|panel| panel.curves.iter().flatten());
        let x = Scale::around(all().map(|point| point.x), self.x.log, (left, right));
        // Every panel includes 0 and 1, so that panels can be compared.
        let held = panel.curves.iter().flatten().map(|point| point.y).chain([0.0, 1.0]);
        let y = Scale::around(held, false, (bottom, top));
        for (at, words) in x.ticks(3) {
            canvas.path(vec![(at, top), (at, bottom)], GRID, 1);
            canvas.text(&words, (at, bottom + 11), SMALL, FAINT, Anchor::Middle);
        }
        for (at, words) in y.ticks(3) {
            canvas.path(vec![(left, at), (right, at)], GRID, 1);
            canvas.text(&words, (left - 5, at), SMALL, FAINT, Anchor::End);
        }
        // Emphasise the zero lines: activations differ around them.
        let zero = |scale: &Scale| scale.at(0.0).filter(|_| scale.ends().0 <= 0.0 && scale.ends().1 >= 0.0);
        zero(&x).into_iter().for_each(|at| canvas.path(vec![(at, top), (at, bottom)], FRAME, 1));
        zero(&y).into_iter().for_each(|at| canvas.path(vec![(left, at), (right, at)], FRAME, 1));
        for (n, (curve, points)) in self.curves.iter().zip(&panel.curves).enumerate() {
            for piece in pieces(points, &x, &y) {
                let points = thin(&piece.points);
                if curve.dashed {
                    canvas.dashed(&points, series(n), 2, DASH);
                } else {
                    canvas.path(points, series(n), 2);
                }
            }
        }
    }

    fn words(&self) -> String {
        let names: Vec<&str> = self.curves.iter().map(|curve| curve.name.as_str()).collect();
        let axis = axis_words(&self.x.label, &self.x.unit);
        let mut words = format!("{} over {axis}, a panel each.", names.join(" and "));
        for panel in &self.panels {
            let ranges = self.curves.iter().zip(&panel.curves).map(|(curve, points)| {
                let ends = points.iter().map(|p| p.y).filter(|y| y.is_finite());
                let (low, high) =
                    ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
                format!("{} from {} to {}", curve.name, figure(low), figure(high))
            });
            words.push_str(&format!(" {}: {}.", panel.name, ranges.collect::<Vec<_>>().join(", ")));
        }
        words
    }
}
