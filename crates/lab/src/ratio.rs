//! Ratio of two times from their samples, with a confidence interval. Both estimates rest on ranks: no distribution is
//! assumed, and a few disturbed samples count as one each.

use serde::Serialize;
use std::fmt;

/// One tail of the 95 % confidence interval.
const TAIL: f64 = 0.025;
/// Fewest samples of which an interval is worth a word; of five pairs the interval is one of 94 %.
pub const FEWEST: usize = 5;
/// Most samples of a side that are looked at: all pairs of them are sorted.
const MOST: usize = 500;
/// Up to so many samples of a side the rank sums are counted out; beyond, their distribution is all but normal.
const COUNTED: usize = 20;

/// How many times as fast one variant is as another: the ratio of their times and its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Hodges-Lehmann estimate: 2 is twice as fast.
    pub times: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Speed {
    /// Speed of a variant relative to another, from rounds in which each took a turn: `seconds[n]` and `other[n]` are of
    /// round n. What disturbs a whole round cancels out. Interval of Wilcoxon's signed-rank test by Walsh averages
    /// (Hollander, Wolfe and Chicken, "Nonparametric Statistical Methods", section 3.3). `None` for fewer than
    /// [`FEWEST`] rounds, for rounds that do not match, and for times that are no positive numbers.
    pub fn paired(seconds: &[f64], other: &[f64]) -> Option<Self> {
        let n = seconds.len();
        if n != other.len() || !(FEWEST..=MOST).contains(&n) || !are_times(seconds) || !are_times(other) {
            return None;
        }
        let logs: Vec<f64> = seconds.iter().zip(other).map(|(own, other)| (other / own).ln()).collect();
        let mut averages = Vec::with_capacity(n * (n + 1) / 2);
        for (i, a) in logs.iter().enumerate() {
            averages.extend(logs[i..].iter().map(|b| (a + b) / 2.0));
        }
        Some(Self::of(averages, signed_rank(n)))
    }

    /// Speed of a variant relative to another, from samples of two runs. Interval of the Mann-Whitney test by all
    /// differences (the same book, section 4.3). `None` as in [`Speed::paired`].
    pub fn unpaired(seconds: &[f64], other: &[f64]) -> Option<Self> {
        let (seconds, other) = (&seconds[..seconds.len().min(MOST)], &other[..other.len().min(MOST)]);
        let (m, n) = (seconds.len(), other.len());
        if m.min(n) < FEWEST || !are_times(seconds) || !are_times(other) {
            return None;
        }
        let logs = seconds.iter().flat_map(|own| other.iter().map(move |other| (other / own).ln()));
        Some(Self::of(logs.collect(), rank_sum(m, n)))
    }

    /// From logarithms, of which `cut` are left out at either end of the interval.
    fn of(mut logs: Vec<f64>, cut: usize) -> Self {
        logs.sort_by(f64::total_cmp);
        let (len, cut) = (logs.len(), cut.min((logs.len() - 1) / 2));
        let middle = (logs[(len - 1) / 2] + logs[len / 2]) / 2.0;
        Self { times: middle.exp(), low: logs[cut].exp(), high: logs[len - 1 - cut].exp() }
    }

    /// True if both may be equally fast.
    pub fn is_tie(&self) -> bool {
        self.low <= 1.0 && self.high >= 1.0
    }
}

impl fmt::Display for Speed {
    /// `1.92 (1.88 to 1.95)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.times, self.low, self.high)
    }
}

fn are_times(seconds: &[f64]) -> bool {
    seconds.iter().all(|s| s.is_finite() && *s > 0.0)
}

/// How many of the least Walsh averages of `n` differences lie below the interval: the largest w for which the
/// signed-rank statistic is at most w with a probability of at most [`TAIL`].
fn signed_rank(n: usize) -> usize {
    if n > COUNTED {
        let n = n as f64;
        return below(n * (n + 1.0) / 4.0, (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt());
    }
    // ways[w]: subsets of the ranks 1..=n whose sum is w.
    let mut ways = vec![0.0; n * (n + 1) / 2 + 1];
    ways[0] = 1.0;
    for rank in 1..=n {
        for sum in (rank..ways.len()).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    critical(&ways)
}

/// The same of the m · n differences between two samples, by the Mann-Whitney statistic.
fn rank_sum(m: usize, n: usize) -> usize {
    if m.max(n) > COUNTED {
        let (m, n) = (m as f64, n as f64);
        return below(m * n / 2.0, (m * n * (m + n + 1.0) / 12.0).sqrt());
    }
    // ways[k][s]: choices of k of the ranks seen so far, counted from 0, whose sum is s above the least possible one.
    let mut ways = vec![vec![0.0; m * n + 1]; m + 1];
    ways[0][0] = 1.0;
    for rank in 0..m + n {
        for k in (1..=m.min(rank + 1)).rev() {
            // The k-th of the chosen ranks is k - 1 at least.
            let above = rank + 1 - k;
            for sum in (above..=m * n).rev() {
                let more = ways[k - 1][sum - above];
                ways[k][sum] += more;
            }
        }
    }
    critical(&ways[m])
}

/// The largest value of a statistic whose lower tail holds at most [`TAIL`]; 0 where even the least value holds more.
fn critical(ways: &[f64]) -> usize {
    let all: f64 = ways.iter().sum();
    let mut tail = 0.0;
    let within = ways.iter().take_while(|ways| {
        tail += **ways / all;
        tail <= TAIL
    });
    within.count().saturating_sub(1)
}

/// The same of a normal distribution, with the correction for whole numbers.
fn below(mean: f64, deviation: f64) -> usize {
    (mean - 1.959_964 * deviation - 0.5).floor().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::{Speed, rank_sum, signed_rank};

    #[test]
    fn critical_values_are_those_of_the_tables() {
        // Two-sided 5 %, Wilcoxon (1945) and the usual tables: n = 6 has 0, 8 has 3, 10 has 8, 15 has 25, 20 has 52.
        for (n, expected) in [(5, 0), (6, 0), (8, 3), (10, 8), (15, 25), (20, 52)] {
            assert_eq!(signed_rank(n), expected, "{n} pairs");
        }
        // n = 25: 89, which the normal approximation meets within one.
        assert!(signed_rank(25).abs_diff(89) <= 1);
        // Mann and Whitney: 5 and 5 have 2, 5 and 8 have 6, 10 and 10 have 23, 15 and 15 have 64, 20 and 20 have 127.
        for (m, n, expected) in [(5, 5, 2), (5, 8, 6), (8, 5, 6), (10, 10, 23), (15, 15, 64), (20, 20, 127)] {
            assert_eq!(rank_sum(m, n), expected, "{m} and {n} samples");
        }
    }

    #[test]
    fn rounds_that_are_slow_for_both_say_nothing() {
        // The machine changes by a factor of three from round to round; one variant takes 1.1 times as long as the other.
        let pace = [1.0, 3.0, 1.2, 2.9, 1.1, 2.0, 1.0, 3.1, 1.4, 2.2];
        let noise = [0.99, 1.0, 1.01, 1.0, 0.995, 1.005, 1.0, 0.99, 1.01, 1.0];
        let fast: Vec<f64> = pace.to_vec();
        let slow: Vec<f64> = pace.iter().zip(noise).map(|(pace, noise)| 1.1 * pace * noise).collect();
        let speed = Speed::paired(&fast, &slow).expect("ten rounds");
        assert!((speed.times - 1.1).abs() < 0.005 && speed.low > 1.08 && speed.high < 1.12, "{speed}");
        assert!(!speed.is_tie());
        // Without the rounds nothing can be said.
        assert!(Speed::unpaired(&fast, &slow).expect("ten samples").is_tie());
        let same = Speed::paired(&slow, &fast).expect("ten rounds");
        assert!((same.times * speed.times - 1.0).abs() < 1e-12);
    }

    #[test]
    fn samples_of_two_runs_far_apart_are_no_tie() {
        let then = [2.75, 2.8, 2.82, 2.79, 2.9];
        let now = [6.2, 6.1, 6.3, 6.25, 5.9];
        let speed = Speed::unpaired(&now, &then).expect("five each");
        assert!(speed.times > 0.44 && speed.times < 0.46 && speed.high < 0.5, "{speed}");
        assert!(Speed::unpaired(&then, &then).expect("five each").is_tie());
    }

    #[test]
    fn what_no_interval_can_be_made_of_has_none() {
        let five = [1.0; 5];
        assert_eq!(Speed::paired(&five[..4], &five[..4]), None);
        assert_eq!(Speed::paired(&five, &five[..4]), None);
        assert_eq!(Speed::paired(&five, &[1.0, 1.0, 0.0, 1.0, 1.0]), None);
        assert_eq!(Speed::unpaired(&five, &[1.0, 1.0, f64::NAN, 1.0, 1.0]), None);
        assert_eq!(Speed::unpaired(&five[..4], &five), None);
        let many = vec![1.0; 100_000];
        assert!(Speed::unpaired(&many, &five).is_some_and(|speed| speed.times == 1.0));
    }
}
