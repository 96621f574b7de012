//! Points over two axes, with a line where they should be: predicted over actual values, or residuals.

use super::{
    MARGIN,
    canvas::{Svg, draw},
    legend::Legend,
    lines::{Axis, axis_names},
    palette::{FRAME, series},
    scale::Scale,
    text::figure,
    with_unit,
};
use wgrad::words::drawable;

/// Reference line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reference {
    /// Both numbers are equal.
    #[default]
    Equal,
    /// The vertical number is zero.
    Zero,
    /// None.
    Nothing,
}

/// A scatter plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scatter {
    /// Title.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Name of the points.
    pub name: String,
    /// Their positions, (x, y).
    pub points: Vec<(f64, f64)>,
    /// Line on which they should be.
    pub reference: Reference,
    /// Name of that line.
    pub expected: String,
}

/// Height of the area of the points.
const HEIGHT: i32 = 360;
/// Number of points above which they are drawn smaller.
const FEW: usize = 300;

impl Scatter {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        Svg::of(|across| self.drawn(across))
    }

    fn drawn(&self, across: i32) -> Svg {
        let names = [(drawable(&self.name), series(0)), (drawable(&self.expected), series(1))];
        let shown = if self.reference == Reference::Nothing { &names[..1] } else { &names };
        let legend = Legend::new(shown, across - 2 * MARGIN, true);
        let top = MARGIN + legend.height + 4;
        let bottom = top + HEIGHT;
        let (xs, ys) = (|| self.points.iter().map(|p| p.0), || self.points.iter().map(|p| p.1));
        // The vertical axis must include the reference line.
        let more: Vec<f64> = match self.reference {
            Reference::Equal => xs().collect(),
            Reference::Zero => vec![0.0],
            Reference::Nothing => Vec::new(),
        };
        let y = Scale::around(ys().chain(more), self.y.log, (bottom, top));
        let (left, right) = (MARGIN + 20 + y.left_room(), across - MARGIN - 8);
        let x = Scale::around(xs(), self.x.log, (left, right));
        draw((across, bottom + 48), &self.title, &self.words(), |canvas| {
            legend.draw(canvas, MARGIN);
            x.draw_below(canvas, top, bottom);
            y.draw_left(canvas, left, right);
            canvas.path(vec![(left, top), (left, bottom), (right, bottom)], FRAME, 1);
            axis_names(canvas, &self.x, &self.y, (left, right), (top, bottom));
            let (low, high) = x.ends();
            let line = match self.reference {
                Reference::Equal => [(low, low), (high, high)],
                Reference::Zero => [(low, 0.0), (high, 0.0)],
                Reference::Nothing => [(f64::NAN, f64::NAN); 2],
            };
            let radius = if self.points.len() > FEW { 2 } else { 3 };
            let place = |(across, up): &(f64, f64)| Some((x.at(*across)?, y.at(*up)?));
            // Points on the same pixel look like one.
            let mut places: Vec<_> = self.points.iter().filter_map(place).collect();
            places.sort_unstable();
            places.dedup();
            places.into_iter().for_each(|at| canvas.dot(at, radius, series(0)));
            let ends: Vec<_> = line.iter().filter_map(place).collect();
            if ends.len() == 2 {
                canvas.path(ends, series(1), 2);
            }
        })
    }

    fn words(&self) -> String {
        let least = |of: fn(&(f64, f64)) -> f64| self.points.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&(f64, f64)) -> f64| self.points.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        let line = match self.reference {
            Reference::Nothing => String::new(),
            _ => format!(" Line: {}.", self.expected),
        };
        format!(
            "{} points: {} from {} to {}, {} from {} to {}.{line}",
            self.points.len(),
            self.x.label,
            figure(least(|p| p.0)),
            with_unit(most(|p| p.0), &self.x.unit),
            self.y.label,
            figure(least(|p| p.1)),
            with_unit(most(|p| p.1), &self.y.unit)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Reference, Scatter};

    #[test]
    fn points_and_their_line_are_drawn() {
        let axis = |label: &str| Axis { label: label.into(), ..Axis::default() };
        let mut chart = Scatter {
            title: "Predicted over actual".into(),
            x: axis("actual"),
            y: axis("predicted"),
            name: "test rows".into(),
            points: vec![(1.0, 2.0), (3.0, 3.5), (1.0, 2.0), (f64::NAN, 1.0)],
            reference: Reference::Equal,
            expected: "predicted = actual".into(),
        };
        let svg = chart.svg();
        // Two of the four share a position, one cannot be drawn.
        assert_eq!(svg.as_str().matches("<circle").count(), 2, "{svg}");
        assert!(svg.as_str().contains("4 points: actual from 1 to 3"), "{svg}");
        for points in [vec![], vec![(5.0, 5.0)], vec![(1e300, -1e300), (0.0, f64::INFINITY)]] {
            for reference in [Reference::Equal, Reference::Zero, Reference::Nothing] {
                (chart.points, chart.reference) = (points.clone(), reference);
                assert!(chart.svg().as_str().contains("</svg>"));
            }
        }
    }
}
