//! Scales from numbers to pixels, by plotters' coordinates: linear or logarithmic, with ticks at round numbers.

use super::{
    SMALL,
    canvas::{Anchor, Canvas},
    palette::{FAINT, GRID},
    text::{figure, width},
};
use plotters::coord::{
    combinators::{IntoLogRange, LogCoord},
    ranged1d::{BoldPoints, Ranged},
    types::RangedCoordf64,
};

/// An axis: its range of numbers, and the pixels that it maps to.
pub(super) struct Scale {
    coordinate: Coordinate,
    low: f64,
    high: f64,
    /// Divisor of the numbers: plotters' ticks need a range that is neither tiny nor huge.
    factor: f64,
    pixels: (i32, i32),
    /// True if only whole numbers are ticks.
    whole: bool,
}

enum Coordinate {
    Linear(RangedCoordf64),
    Log(LogCoord<f64>),
}

/// Limits of an axis: larger values are drawn at its end.
const LARGEST: f64 = 1e150;
const SMALLEST: f64 = 1e-150;

/// Returns true if a number can be drawn on an axis.
fn fits(value: f64, log: bool) -> bool {
    value.is_finite() && (!log || value > 0.0)
}

impl Scale {
    /// Creates an axis that includes all drawable `values`.
    pub(super) fn around(values: impl Iterator<Item = f64>, log: bool, pixels: (i32, i32)) -> Self {
        let clamp = |v: f64| if log { v.clamp(SMALLEST, LARGEST) } else { v.clamp(-LARGEST, LARGEST) };
        let (mut low, mut high) = values
            .filter(|v| fits(*v, log))
            .map(clamp)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            (low, high) = if log { (1.0, 10.0) } else { (0.0, 1.0) };
        }
        if log {
            (low, high) = (round(low, false), round(high, true));
            if low >= high {
                (low, high) = (low / 2.0, high * 2.0);
            }
        } else {
            let size = low.abs().max(high.abs()).max(SMALLEST);
            let missing = 1e-6 * size - (high - low);
            if missing > 0.0 {
                (low, high) = (low - 0.5 * size, high + 0.5 * size);
            }
        }
        let factor = if log { 1.0 } else { 10f64.powf(low.abs().max(high.abs()).log10().floor()) };
        let range = low / factor..high / factor;
        let coordinate = match log {
            true => Coordinate::Log(range.log_scale().into()),
            false => Coordinate::Linear(range.into()),
        };
        Self { coordinate, low, high, factor, pixels, whole: false }
    }

    /// Returns the pixel of a number; `None` if it cannot be drawn.
    pub(super) fn at(&self, value: f64) -> Option<i32> {
        let log = matches!(self.coordinate, Coordinate::Log(_));
        fits(value, log).then(|| {
            let value = value.clamp(self.low, self.high) / self.factor;
            match &self.coordinate {
                Coordinate::Linear(linear) => linear.map(&value, self.pixels),
                Coordinate::Log(log) => log.map(&value, self.pixels),
            }
        })
    }

    /// Returns the axis with ticks at whole numbers only.
    pub(super) fn whole(self, whole: bool) -> Self {
        Self { whole, ..self }
    }

    /// Like [`Self::at`], in fractions of a pixel.
    pub(super) fn fine(&self, value: f64) -> Option<f64> {
        let log = matches!(self.coordinate, Coordinate::Log(_));
        fits(value, log).then(|| {
            let place = |v: f64| if log { v.ln() } else { v / self.factor };
            let (low, high) = (place(self.low), place(self.high));
            let share = (place(value.clamp(self.low, self.high)) - low) / (high - low);
            f64::from(self.pixels.0) + share * f64::from(self.pixels.1 - self.pixels.0)
        })
    }

    /// Returns the ends of the axis.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Returns positions and labels of about `count` ticks.
    pub(super) fn ticks(&self, count: usize) -> Vec<(i32, String)> {
        let values = match &self.coordinate {
            Coordinate::Linear(linear) => linear.key_points(BoldPoints(count.max(2))),
            Coordinate::Log(_) => self.decades(count.max(2)),
        };
        let tick = |value: f64| Some((self.at(value * self.factor)?, figure(value * self.factor)));
        let fits = |value: &f64| {
            let value = value * self.factor;
            !self.whole || (value - value.round()).abs() <= 1e-9 * value.abs()
        };
        values.into_iter().filter(fits).filter_map(tick).collect()
    }

    /// Returns powers of ten; with 1, 2, 5 of each if there are few, or only some of them if there are many.
    fn decades(&self, count: usize) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let decades = (last - first).max(1) as usize;
        let digits: &[f64] = if 3 * decades <= 2 * count { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = decades.div_ceil(count);
        let within = |v: &f64| *v >= self.low * 0.999_999 && *v <= self.high * 1.000_001;
        let powers = (first..=last).step_by(every);
        powers.flat_map(|e| digits.iter().map(move |d| d * 10f64.powi(e))).filter(within).collect()
    }

    /// Draws grid lines from `top` to `bottom`, with labels below that do not touch.
    pub(super) fn draw_below(&self, canvas: &Canvas, top: i32, bottom: i32) {
        let room = (self.pixels.1 - self.pixels.0).abs();
        let mut free = i32::MIN;
        for (x, words) in self.ticks((room / 80) as usize) {
            canvas.path(vec![(x, top), (x, bottom)], GRID, 1);
            let half = width(&words, SMALL) / 2 + 4;
            if x - half >= free {
                canvas.text(&words, (x, bottom + 12), SMALL, FAINT, Anchor::Middle);
                free = x + half;
            }
        }
    }

    /// Draws grid lines from `left` to `right`, with labels at the left.
    pub(super) fn draw_left(&self, canvas: &Canvas, left: i32, right: i32) {
        let room = (self.pixels.1 - self.pixels.0).abs();
        let mut last: Option<i32> = None;
        for (y, words) in self.ticks((room / 45) as usize) {
            canvas.path(vec![(left, y), (right, y)], GRID, 1);
            if last.is_none_or(|last| (last - y).abs() >= SMALL + 4) {
                canvas.text(&words, (left - 8, y), SMALL, FAINT, Anchor::End);
                last = Some(y);
            }
        }
    }

    /// Returns the width of the widest label at the left, pixels.
    pub(super) fn left_room(&self) -> i32 {
        let room = (self.pixels.1 - self.pixels.0).abs();
        self.ticks((room / 45) as usize).iter().map(|(_, words)| width(words, SMALL)).max().unwrap_or(0) + 10
    }
}

/// Rounds to the nearest 1, 2 or 5 times a power of ten below, or above.
fn round(value: f64, up: bool) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let found = match up {
        true => steps.into_iter().find(|step| *step >= value * 0.999_999),
        false => steps.into_iter().rev().find(|step| *step <= value * 1.000_001),
    };
    found.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::Scale;

    fn words(values: &[f64], log: bool) -> Vec<String> {
        let scale = Scale::around(values.iter().copied(), log, (0, 400));
        scale.ticks(5).into_iter().map(|(_, words)| words).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(words(&[0.0, 4.2e-20], false), ["0", "1e-20", "2e-20", "3e-20", "4e-20"]);
        assert_eq!(words(&[0.0, 100.0], false).first().map(String::as_str), Some("0"));
        assert_eq!(words(&[0.3, 250.0], true), ["1", "10", "100"]);
        assert_eq!(words(&[1.2, 7.0], true), ["1", "2", "5", "10"]);
    }

    #[test]
    fn epochs_are_whole() {
        let words = |last: f64| {
            let scale = Scale::around([1.0, last].into_iter(), false, (0, 600)).whole(true);
            scale.ticks(7).into_iter().map(|(_, words)| words).collect::<Vec<_>>()
        };
        assert_eq!(words(1.0), ["1"]);
        assert_eq!(words(3.0), ["1", "2", "3"]);
        assert_eq!(words(5.0), ["1", "2", "3", "4", "5"]);
        assert!(words(400.0).len() > 3);
    }

    #[test]
    fn a_fraction_of_a_pixel_is_near_its_pixel() {
        for log in [false, true] {
            let scale = Scale::around([0.3, 250.0].into_iter(), log, (400, 10));
            for value in [0.3, 1.0, 7.7, 100.0, 250.0] {
                let (at, fine) = (scale.at(value).expect("a pixel"), scale.fine(value).expect("a place"));
                assert!((f64::from(at) - fine).abs() <= 1.0, "{value}: {at}, {fine}");
            }
            assert_eq!(scale.fine(f64::NAN), None);
        }
    }

    #[test]
    fn every_number_is_inside_and_no_other_has_a_place() {
        let huge = [f64::MAX, f64::MIN_POSITIVE, -f64::MAX, f64::NAN, f64::INFINITY, 0.0, 1.0];
        for log in [false, true] {
            for values in [&huge[..], &huge[..1], &[], &[5.0, 5.0], &[1e6, 1e6 + 1e-9]] {
                let scale = Scale::around(values.iter().copied(), log, (10, 110));
                assert!(!scale.ticks(6).is_empty(), "{values:?}");
                for value in values {
                    let at = scale.at(*value);
                    assert_eq!(at.is_some(), value.is_finite() && (!log || *value > 0.0), "{value}");
                    assert!(at.is_none_or(|at| (10..=110).contains(&at)), "{value} at {at:?}");
                }
            }
        }
    }
}
