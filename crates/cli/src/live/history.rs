//! Curves of a training from its beginning, in bounded memory: when there are too many points, neighbours are averaged.

use serde_json::{Value, json};

/// Most points that are kept.
const MOST: usize = 1500;

/// Means over some steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Steps since the start of the training, at the end of these.
    pub number: u64,
    /// Number of steps.
    pub steps: u64,
    /// Mean loss.
    pub loss: f64,
    /// Share of images whose class was predicted correctly.
    pub accuracy: f64,
    /// Learning rate of the last of the steps.
    pub rate: f64,
}

impl Point {
    fn with(self, next: Self) -> Self {
        let steps = self.steps + next.steps;
        let mean = |a: f64, b: f64| (a * self.steps as f64 + b * next.steps as f64) / steps.max(1) as f64;
        Self { steps, loss: mean(self.loss, next.loss), accuracy: mean(self.accuracy, next.accuracy), ..next }
    }
}

/// All points so far.
#[derive(Debug, Default)]
pub struct History(Vec<Point>);

impl History {
    /// Adds a point at the end.
    pub fn push(&mut self, point: Point) {
        if self.0.len() >= MOST {
            let halved = self.0.chunks(2).map(|pair| pair.iter().skip(1).fold(pair[0], |a, b| a.with(*b)));
            self.0 = halved.collect();
        }
        self.0.push(point);
    }

    /// Rows of step, loss, accuracy, learning rate.
    pub fn rows(&self) -> Value {
        self.0.iter().map(|p| json!([p.number, p.loss, p.accuracy, p.rate])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_stays_small_and_keeps_its_mean() {
        let mut history = History::default();
        let count = 10 * MOST as u64;
        for number in 1..=count {
            let loss = number as f64;
            history.push(Point { number, steps: 1, loss, accuracy: 0.5, rate: loss });
        }
        let History(points) = &history;
        assert!(points.len() <= MOST && points.len() > MOST / 3, "{}", points.len());
        assert_eq!(points.iter().map(|p| p.steps).sum::<u64>(), count);
        let sum: f64 = points.iter().map(|p| p.loss * p.steps as f64).sum();
        assert!((sum / (count * (count + 1) / 2) as f64 - 1.0).abs() < 1e-9);
        assert!(points.windows(2).all(|pair| pair[0].number < pair[1].number));
        assert_eq!(points.last().map(|p| (p.number, p.rate)), Some((count, count as f64)));
        assert_eq!(history.rows()[0][2], 0.5);
    }
}
