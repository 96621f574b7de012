//! Calibration: the accuracy of a network's predictions, by the probability of the predicted class.

use super::{Evaluation, interval::Interval};
use serde::Serialize;

/// Number of bins of equal width for the probabilities, as in Guo et al. 2017.
pub const BINS: usize = 15;

/// The images whose probability lies in a range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Lower end of the range.
    pub from: f64,
    /// Upper end of the range.
    pub to: f64,
    /// Number of images.
    pub images: u64,
    /// Mean probability.
    pub confidence: f64,
    /// Share of correct predictions.
    pub accuracy: f64,
    /// Confidence interval of the accuracy.
    pub interval: Interval,
}

/// Probabilities of predictions compared with their accuracy.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Calibration {
    /// The bins that hold an image, in ascending order.
    pub bins: Vec<Bin>,
    /// Expected calibration error: the mean over the images of |accuracy - mean probability| of their bin (Naeini et
    /// al. 2015).
    pub error: f64,
}

impl Evaluation {
    /// Compares the probabilities of the predicted classes with the accuracy; `labels` are those of the split. `None`
    /// for a regression.
    pub fn calibration(&self, labels: &[u32]) -> Option<Calibration> {
        if self.regression.is_some() {
            return None;
        }
        let sure = |prediction: &super::Prediction| {
            f64::from(prediction.scores.get(prediction.class).copied().unwrap_or(0.0))
        };
        let right = |prediction: &super::Prediction| {
            labels.get(prediction.image).is_some_and(|label| prediction.class == *label as usize)
        };
        let pairs = self.predictions.iter().map(|prediction| (sure(prediction), right(prediction)));
        Some(calibration(&pairs.collect::<Vec<_>>()))
    }
}

/// Computes the calibration from the probability of each prediction, and whether it was correct.
fn calibration(pairs: &[(f64, bool)]) -> Calibration {
    let place = |sure: f64| ((sure * BINS as f64) as usize).min(BINS - 1);
    let (mut bins, mut error) = (Vec::new(), 0.0);
    for n in 0..BINS {
        let inside: Vec<&(f64, bool)> = pairs.iter().filter(|(sure, _)| place(*sure) == n).collect();
        let (images, right) = (inside.len() as u64, inside.iter().filter(|(_, right)| *right).count() as u64);
        let Some(interval) = Interval::of(right, images) else { continue };
        let confidence = inside.iter().map(|(sure, _)| sure).sum::<f64>() / images as f64;
        let accuracy = right as f64 / images as f64;
        error += (accuracy - confidence).abs() * images as f64 / pairs.len() as f64;
        let edge = |n: usize| n as f64 / BINS as f64;
        bins.push(Bin { from: edge(n), to: edge(n + 1), images, confidence, accuracy, interval });
    }
    Calibration { bins, error }
}

#[cfg(test)]
mod tests {
    use super::calibration;

    #[test]
    fn the_error_is_the_mean_distance_of_the_bins() {
        let found = calibration(&[(0.95, true), (0.97, false), (0.51, true), (0.52, true), (1.0, true)]);
        let bins: Vec<_> = found.bins.iter().map(|bin| (bin.images, bin.accuracy)).collect();
        assert_eq!(bins, [(2, 1.0), (3, 2.0 / 3.0)]);
        assert!((found.bins[1].confidence - 0.973_333).abs() < 1e-6);
        let expected = (2.0 * (1.0 - 0.515) + 3.0 * (2.92 / 3.0 - 2.0 / 3.0)) / 5.0;
        assert!((found.error - expected).abs() < 1e-12, "{found:?}");
        assert_eq!((found.bins[0].from, found.bins[1].to), (7.0 / 15.0, 1.0));
        assert_eq!(calibration(&[]).bins, []);
    }
}
