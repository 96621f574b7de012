//! Curves: several series over an axis, with a band for points that have a spread.

use super::{
    LINE, MARGIN, SMALL, axis_words,
    canvas::{Anchor, At, Canvas, Fine, Svg, draw, fine},
    legend::Legend,
    palette::{DASH, FAINT, FRAME, TEXT, dash, series},
    scale::Scale,
    text::{figure, shorten, width},
    with_unit,
};
use wgrad::words::{drawable, measure};

/// An axis of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// Label of its numbers.
    pub label: String,
    /// Their unit; may be empty.
    pub unit: String,
    /// True if it is logarithmic.
    pub log: bool,
    /// True if only whole numbers exist, such as epochs.
    pub whole: bool,
}

impl Axis {
    /// Formats a place on the axis; whole numbers keep all their digits.
    fn number(&self, value: f64) -> String {
        if self.whole { value.to_string() } else { figure(value) }
    }
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
    /// Lines and places to compare with.
    pub marks: Vec<Mark>,
}

/// A dashed line of reference.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A place on the horizontal axis, with its name above.
    At(f64, String),
    /// A line between two points, with its name in the legend.
    Line([(f64, f64); 2], String),
}

/// Height of the area of the curves.
const HEIGHT: i32 = 300;
/// Maximum number of points of a curve that gets a dot at each.
const DOTS: usize = 40;
/// Maximum number of points of a longer curve whose numbers are shown under the pointer.
const TOLD: usize = 60;
/// Distance from the frame to the first and the last point, pixels.
const INSET: i32 = 8;
/// Share of the range of linear numbers that is free above and below them.
const HEADROOM: f64 = 0.06;

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
        let lines = self.marks.iter().filter_map(|mark| match mark {
            Mark::Line(_, name) => Some(drawable(name)),
            Mark::At(..) => None,
        });
        let room = across - 2 * MARGIN;
        let legend = Legend::of_series(&named.collect::<Vec<_>>(), &lines.collect::<Vec<_>>(), room);
        let places: Vec<(f64, &String)> = self.marks.iter().filter_map(at).collect();
        let names = MARGIN + legend.height;
        let top = names + LINE * places.len() as i32 + 4;
        let bottom = top + HEIGHT;
        let points = || self.series.iter().flat_map(|curve| &curve.points);
        let bands = points().filter_map(|p| p.band).flat_map(|(low, high)| [low, high]);
        let compared = || self.marks.iter().filter_map(ends).flatten();
        let ys: Vec<f64> = points().map(|p| p.y).chain(bands).chain(compared().map(|end| end.1)).collect();
        let y = Scale::around(self.with_headroom(ys), self.y.log, (bottom, top)).whole(self.y.whole);
        let left = MARGIN + 20 + y.left_room();
        let right = across - MARGIN - 8;
        let xs = points().map(|p| p.x).chain(places.iter().map(|at| at.0)).chain(compared().map(|end| end.0));
        let x = Scale::around(xs, self.x.log, (left + INSET, right - INSET)).whole(self.x.whole);
        draw((across, bottom + 48), &self.title, &self.words(), |canvas| {
            legend.draw(canvas, MARGIN);
            x.draw_below(canvas, top, bottom);
            y.draw_left(canvas, left, right);
            canvas.path(vec![(left, top), (left, bottom), (right, bottom)], FRAME, 1);
            axis_names(canvas, &self.x, &self.y, (left, right), (top, bottom));
            for (n, (place, name)) in places.iter().enumerate() {
                let Some(place) = x.at(*place) else { continue };
                let name = shorten(&drawable(name), SMALL, room);
                let half = width(&name, SMALL) / 2;
                let middle = place.clamp(half + MARGIN, (across - MARGIN - half).max(half + MARGIN));
                let up = names + LINE * n as i32;
                canvas.text(&name, (middle, up + LINE / 2), SMALL, TEXT, Anchor::Middle);
                canvas.dashed(&[(place, up + LINE), (place, bottom)].map(fine), FAINT, 1, DASH);
            }
            for line in self.marks.iter().filter_map(ends) {
                let place = |(along, up): (f64, f64)| Some((x.fine(along)?, y.fine(up)?));
                let line: Vec<_> = line.into_iter().filter_map(place).collect();
                canvas.dashed(&line, FAINT, 2, DASH);
            }
            for (n, curve) in self.series.iter().enumerate() {
                for piece in pieces(&curve.points, &x, &y) {
                    draw_piece(canvas, &piece, color(n), curve.points.len() <= DOTS);
                }
                self.tell(canvas, curve, (&x, &y), color(n));
            }
        })
    }

    /// Returns the vertical numbers, with those between which they have some room. Numbers that are never negative, or
    /// percentages, get none beyond 0, or 100.
    fn with_headroom(&self, ys: Vec<f64>) -> impl Iterator<Item = f64> {
        let finite = || ys.iter().copied().filter(|y| y.is_finite());
        let (low, high) =
            (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let room = HEADROOM * (high - low);
        let least = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
        let most = if self.y.unit == "%" && high <= 100.0 { (high + room).min(100.0) } else { high + room };
        let more = (!self.y.log && low < high).then_some([least, most]);
        ys.into_iter().chain(more.into_iter().flatten())
    }

    /// Adds the numbers of the points, to be shown under the pointer.
    fn tell(&self, canvas: &Canvas, curve: &Series, (x, y): (&Scale, &Scale), color: usize) {
        let dots = curve.points.len() <= DOTS;
        let every = if dots { 1 } else { curve.points.len().div_ceil(TOLD) };
        for point in curve.points.iter().step_by(every) {
            let (Some(along), Some(up)) = (x.fine(point.x), y.fine(point.y)) else { continue };
            let unit = if self.y.unit.is_empty() { String::new() } else { format!(" {}", self.y.unit) };
            let words = format!(
                "{}, {} {}: {}{unit}",
                curve.name,
                self.x.label,
                self.x.number(point.x),
                measure(point.y)
            );
            canvas.told((along, up), if dots { 3 } else { 0 }, series(color), words);
        }
    }

    fn words(&self) -> String {
        let axis = |axis: &Axis| axis_words(&axis.label, &axis.unit);
        let mut words = format!("Curves of {} over {}.", axis(&self.y), axis(&self.x));
        for (place, name) in self.marks.iter().filter_map(at) {
            words.push_str(&format!(" {name}: at {}.", self.x.number(place)));
        }
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

fn at(mark: &Mark) -> Option<(f64, &String)> {
    match mark {
        Mark::At(place, name) => Some((*place, name)).filter(|at| at.0.is_finite()),
        Mark::Line(..) => None,
    }
}

fn ends(mark: &Mark) -> Option<[(f64, f64); 2]> {
    match mark {
        Mark::Line(ends, _) => Some(*ends),
        Mark::At(..) => None,
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
    pub(super) points: Vec<Fine>,
    band: Vec<(Fine, Fine)>,
}

pub(super) fn pieces(all: &[Point], x: &Scale, y: &Scale) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let new = || Piece { points: Vec::new(), band: Vec::new() };
    let mut piece = new();
    for point in all {
        let (Some(across), Some(up)) = (x.fine(point.x), y.fine(point.y)) else {
            pieces.push(std::mem::replace(&mut piece, new()));
            continue;
        };
        piece.points.push((across, up));
        if let Some((Some(low), Some(high))) = point.band.map(|(low, high)| (y.fine(low), y.fine(high))) {
            piece.band.push(((across, low), (across, high)));
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.points.is_empty());
    pieces
}

/// Draws a piece of a curve. Its points have `dots` otherwise.
fn draw_piece(canvas: &Canvas, piece: &Piece, color: usize, dots: bool) {
    let ink = series(color);
    if piece.band.len() > 1 {
        let highs = thin(&piece.band.iter().map(|(_, high)| *high).collect::<Vec<_>>());
        let lows = thin(&piece.band.iter().rev().map(|(low, _)| *low).collect::<Vec<_>>());
        canvas.band([highs, lows].concat(), ink, 0.2);
    } else if let [(low, high)] = piece.band[..] {
        canvas.curve(vec![low, high], ink, 1);
    }
    match dash(color) {
        None => canvas.curve(thin(&piece.points), ink, 2),
        Some(dash) => canvas.dashed(&thin(&piece.points), ink, 2, dash),
    }
    if let ([at], false) = (&piece.points[..], dots) {
        canvas.dot(*at, 3, ink);
    }
}

/// Keeps at most the first, the lowest, the highest and the last of the points that share a column of pixels. The
/// picture stays the same, and a million points do not fill a page.
pub(super) fn thin(points: &[Fine]) -> Vec<Fine> {
    let mut kept = Vec::new();
    for column in points.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        let up = |a: &&Fine, b: &&Fine| a.1.total_cmp(&b.1);
        let (low, high) = (column.iter().min_by(up), column.iter().max_by(up));
        let mut some: Vec<Fine> =
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
        let points: Vec<_> = (0..10_000).map(|n| (f64::from(n / 100), f64::from(n % 7))).collect();
        let kept = thin(&points);
        assert!(kept.len() <= 400, "{}", kept.len());
        for column in 0..100 {
            let ups = || kept.iter().filter(|at| at.0 as i32 == column).map(|at| at.1 as i32);
            assert_eq!((ups().min(), ups().max()), (Some(0), Some(6)));
        }
        assert_eq!(thin(&[(1.0, 2.0), (3.0, 4.0)]), [(1.0, 2.0), (3.0, 4.0)]);
    }
}
