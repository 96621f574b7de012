//! Curves: several series over an axis, with a band for points that have a spread.

use super::{
    MARGIN, SMALL, axis_words,
    canvas::{Anchor, At, Canvas, Svg, draw},
    legend::Legend,
    palette::{FAINT, FRAME, dash, series},
    scale::Scale,
    text::{figure, shorten},
    with_unit,
};
use wgrad::words::drawable;

/// An axis of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// Label of its numbers.
    pub label: String,
    /// Their unit; may be empty.
    pub unit: String,
    /// True if it is logarithmic.
    pub log: bool,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Horizontal value.
    pub x: f64,
    /// Vertical value.
    pub y: f64,
    /// Ends of the band: the minimum and the maximum, or the mean minus and plus the deviation.
    pub band: Option<(f64, f64)>,
}

/// A curve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its points, in the order in which they are joined. A point that cannot be drawn interrupts the curve.
    pub points: Vec<Point>,
}

/// Several curves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines {
    /// Title.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
}

/// Height of the area of the curves.
const HEIGHT: i32 = 300;
/// Maximum number of points of a curve that gets a dot at each.
const DOTS: usize = 40;

impl Lines {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        self.colored(&[])
    }

    /// Draws the chart; `colors` are the numbers of the curves' colours, so that a curve has the same one in every chart.
    /// Others have that of their place. Beyond seven, the colours repeat with dashes, then with dots.
    pub fn colored(&self, colors: &[usize]) -> Svg {
        Svg::of(|across| self.drawn(across, colors))
    }

    fn drawn(&self, across: i32, colors: &[usize]) -> Svg {
        let color = |n: usize| colors.get(n).copied().unwrap_or(n);
        let named = self.series.iter().enumerate();
        let named = named.map(|(n, curve)| (drawable(&curve.name), color(n)));
        let legend = Legend::of_series(&named.collect::<Vec<_>>(), across - 2 * MARGIN);
        let top = MARGIN + legend.height + 4;
        let bottom = top + HEIGHT;
        let points = || self.series.iter().flat_map(|curve| &curve.points);
        let bands = points().filter_map(|p| p.band).flat_map(|(low, high)| [low, high]);
        let y = Scale::around(points().map(|p| p.y).chain(bands), self.y.log, (bottom, top));
        let left = MARGIN + 20 + y.left_room();
        let x = Scale::around(points().map(|p| p.x), self.x.log, (left, across - MARGIN - 8));
        draw((across, bottom + 48), &self.title, &self.words(), |canvas| {
            legend.draw(canvas, MARGIN);
            x.draw_below(canvas, top, bottom);
            y.draw_left(canvas, left, across - MARGIN - 8);
            canvas.path(vec![(left, top), (left, bottom), (across - MARGIN - 8, bottom)], FRAME, 1);
            axis_names(canvas, &self.x, &self.y, (left, across - MARGIN - 8), (top, bottom));
            for (n, curve) in self.series.iter().enumerate() {
                for piece in pieces(&curve.points, &x, &y) {
                    draw_piece(canvas, &piece, color(n));
                }
            }
        })
    }

    fn words(&self) -> String {
        let axis = |axis: &Axis| axis_words(&axis.label, &axis.unit);
        let mut words = format!("Curves of {} over {}.", axis(&self.y), axis(&self.x));
        for curve in &self.series {
            let (first, last) = (curve.points.first(), curve.points.last());
            let low = curve.points.iter().map(|p| p.y).fold(f64::INFINITY, f64::min);
            let high = curve.points.iter().map(|p| p.y).fold(f64::NEG_INFINITY, f64::max);
            words.push_str(&match (first, last) {
                (Some(first), Some(last)) => format!(
                    " {}: {} points, from {} at {} to {} at {}, least {}, greatest {}.",
                    curve.name,
                    curve.points.len(),
                    with_unit(first.y, &self.y.unit),
                    figure(first.x),
                    with_unit(last.y, &self.y.unit),
                    figure(last.x),
                    figure(low),
                    figure(high)
                ),
                _ => format!(" {}: no points.", curve.name),
            });
        }
        words
    }
}

/// Draws the names of both axes.
pub(super) fn axis_names(canvas: &Canvas, x: &Axis, y: &Axis, (left, right): At, (top, bottom): At) {
    let words =
        |axis: &Axis, room| shorten(&axis_words(&drawable(&axis.label), &drawable(&axis.unit)), SMALL, room);
    let below = ((left + right) / 2, bottom + 34);
    canvas.text(&words(x, right - left), below, SMALL, FAINT, Anchor::Middle);
    canvas.upwards(&words(y, bottom - top), (MARGIN + 4, (top + bottom) / 2), SMALL, FAINT, Anchor::Middle);
}

/// An uninterrupted piece of a curve: its points in pixels, each with the ends of its band.
pub(super) struct Piece {
    pub(super) points: Vec<At>,
    band: Vec<(At, At)>,
    dots: bool,
}

pub(super) fn pieces(all: &[Point], x: &Scale, y: &Scale) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let new = || Piece { points: Vec::new(), band: Vec::new(), dots: all.len() <= DOTS };
    let mut piece = new();
    for point in all {
        let (Some(across), Some(up)) = (x.at(point.x), y.at(point.y)) else {
            pieces.push(std::mem::replace(&mut piece, new()));
            continue;
        };
        piece.points.push((across, up));
        if let Some((Some(low), Some(high))) = point.band.map(|(low, high)| (y.at(low), y.at(high))) {
            piece.band.push(((across, low), (across, high)));
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.points.is_empty());
    pieces
}

fn draw_piece(canvas: &Canvas, piece: &Piece, color: usize) {
    let ink = series(color);
    if piece.band.len() > 1 {
        let highs = thin(&piece.band.iter().map(|(_, high)| *high).collect::<Vec<_>>());
        let lows = thin(&piece.band.iter().rev().map(|(low, _)| *low).collect::<Vec<_>>());
        canvas.area([highs, lows].concat(), ink, 0.2);
    } else if let [(low, high)] = piece.band[..] {
        canvas.path(vec![low, high], ink, 1);
    }
    match dash(color) {
        None => canvas.path(thin(&piece.points), ink, 2),
        Some(dash) => canvas.dashed(&thin(&piece.points), ink, 2, dash),
    }
    if piece.dots || piece.points.len() == 1 {
        piece.points.iter().for_each(|at| canvas.dot(*at, 3, ink));
    }
}

/// Keeps at most the first, the lowest, the highest and the last of the points that share a column of pixels. The
/// picture stays the same, and a million points do not fill a page.
pub(super) fn thin(points: &[At]) -> Vec<At> {
    let mut kept = Vec::new();
    for column in points.chunk_by(|a, b| a.0 == b.0) {
        let (low, high) = (column.iter().min_by_key(|at| at.1), column.iter().max_by_key(|at| at.1));
        let mut some: Vec<At> =
            [column.first(), low, high, column.last()].into_iter().flatten().copied().collect();
        some.dedup();
        kept.extend(some);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::thin;

    #[test]
    fn many_points_become_few_that_draw_the_same() {
        let points: Vec<_> = (0..10_000).map(|n| (n / 100, n % 7)).collect();
        let kept = thin(&points);
        assert!(kept.len() <= 400, "{}", kept.len());
        for column in 0..100 {
            let ups = || kept.iter().filter(|at| at.0 == column).map(|at| at.1);
            assert_eq!((ups().min(), ups().max()), (Some(0), Some(6)));
        }
        assert_eq!(thin(&[(1, 2), (3, 4)]), [(1, 2), (3, 4)]);
    }
}
