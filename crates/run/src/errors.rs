//! Errors of a regression after an epoch, in place of an accuracy.

use serde::{Deserialize, Serialize};
use wgrad::metrics::Regression;

/// Errors of a regression; for a table, in the unit of the label column. All are `None` for a classification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// Root mean squared error on the validation images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_rmse: Option<f64>,
    /// Mean absolute error on the validation images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_mae: Option<f64>,
    /// R² on the validation images, the share of the variance that is explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_r2: Option<f64>,
    /// Root mean squared error on the test images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_rmse: Option<f64>,
    /// Mean absolute error on the test images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_mae: Option<f64>,
    /// R² on the test images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_r2: Option<f64>,
}

impl Errors {
    /// Creates the errors from those of the test images, and of the validation images if there are any.
    pub fn new(test: Option<Regression>, validation: Option<Regression>) -> Self {
        let rmse = |found: Option<Regression>| found.map(|found| found.root_mean_squared_error);
        let mae = |found: Option<Regression>| found.map(|found| found.mean_absolute_error);
        let r2 = |found: Option<Regression>| found.and_then(|found| found.r2);
        Self {
            validation_rmse: rmse(validation),
            validation_mae: mae(validation),
            validation_r2: r2(validation),
            test_rmse: rmse(test),
            test_mae: mae(test),
            test_r2: r2(test),
        }
    }
}

/// Returns the placeholder for the accuracy of a regression.
pub(super) fn no_accuracy() -> f64 {
    f64::NAN
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(super) fn is_no_accuracy(accuracy: &f64) -> bool {
    accuracy.is_nan()
}

#[cfg(test)]
mod tests {
    use crate::{EpochLine, Errors};
    use wgrad::metrics::{Metrics, Regression};

    #[test]
    fn a_line_of_a_regression_has_errors_and_no_accuracy() {
        let metrics = Metrics { loss: 0.5, accuracy: 0.25, images: 4, ..Metrics::default() };
        let off = |rmse| {
            let root_mean_squared_error = rmse;
            Some(Regression { mean_absolute_error: 1.0, root_mean_squared_error, r2: None })
        };
        let line = EpochLine::new(1, 10, [metrics, metrics], Some(metrics), 100.0);
        let text = serde_json::to_string(&line).expect("JSON");
        assert!(text.contains("test_accuracy") && !text.contains("rmse"), "{text}");
        assert_eq!(serde_json::from_str::<EpochLine>(&text).expect("a line"), line);
        let line = line.of_regression(Errors::new(off(2.0), off(3.0)));
        let text = serde_json::to_string(&line).expect("JSON");
        assert!(!text.contains("accuracy") && !text.contains("null"), "{text}");
        let read: EpochLine = serde_json::from_str(&text).expect("a line");
        assert_eq!(
            (read.errors.test_rmse, read.errors.validation_rmse, read.errors.test_r2),
            (Some(2.0), Some(3.0), None)
        );
        assert!(read.test_accuracy.is_nan() && read.test_loss == 0.5);
    }
}
