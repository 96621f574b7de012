//! Confidence interval of a share: Wilson's interval.

use serde::Serialize;

/// Bounds of a share at a confidence of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

impl Interval {
    /// Wilson's score interval (Wilson 1927) of `part` out of `all`; `None` if `all` is 0.
    pub fn of(part: u64, all: u64) -> Option<Self> {
        if all == 0 {
            return None;
        }
        let (n, p) = (all as f64, part as f64 / all as f64);
        let center = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        Some(Self { low: (center - half).max(0.0), high: (center + half).min(1.0) })
    }

    /// The interval of F1 from `right` of `all` images that belong to a class or were predicted as it. That share,
    /// Hand's F* (Hand, Christen and Kirielle 2021), has a Wilson interval, and F1 = 2 F* / (1 + F*) increases with it.
    pub fn of_f1(right: u64, all: u64) -> Option<Self> {
        let f1 = |share: f64| 2.0 * share / (1.0 + share);
        Self::of(right, all).map(|Self { low, high }| Self { low: f1(low), high: f1(high) })
    }

    /// Half the width, the number after a ±.
    pub fn half(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::Interval;

    #[test]
    fn intervals_are_those_of_the_textbook() {
        // Newcombe 1998, table I, method 3: 81 of 263, and 0 of 20.
        let close = |found: Option<Interval>, low: f64, high: f64| {
            let found = found.expect("some images");
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{found:?}");
        };
        close(Interval::of(81, 263), 0.2553, 0.3662);
        close(Interval::of(0, 20), 0.0, 0.1611);
        close(Interval::of(20, 20), 0.8389, 1.0);
        assert_eq!(Interval::of(0, 0), None);
        // 3 correct, 1 missed, 2 false positives: F1 is 6/9, F* is 3/6.
        let (f1, f_star) = (Interval::of_f1(3, 6).expect("some"), Interval::of(3, 6).expect("some"));
        assert!((f1.low - 2.0 * f_star.low / (1.0 + f_star.low)).abs() < 1e-15);
        assert!(f1.low < 6.0 / 9.0 && 6.0 / 9.0 < f1.high);
    }
}
