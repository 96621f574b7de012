//! Measured results of the recipes: the single source of these numbers.

/// Trainings of a recipe, one per seed, on one machine.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Measured {
    /// The recipe's name.
    pub recipe: &'static str,
    /// Test accuracy after the last epoch of seeds 0, 1, 2, ...
    pub accuracies: &'static [f64],
    /// Seconds per epoch without evaluation, if the machine was quiet.
    pub seconds_per_epoch: Option<f64>,
    /// Seconds from the first step to the target with evaluation, for a speedrun.
    pub seconds_to_target: Option<f64>,
    /// The adapter.
    pub adapter: &'static str,
    /// The date, as year-month-day.
    pub date: &'static str,
}

const LLVMPIPE: &str = "llvmpipe, 2 cores of an AMD EPYC (Zen 3)";

pub(super) const MEASURED: &[Measured] = &[
    Measured {
        recipe: "linear",
        accuracies: &[0.8468, 0.8474, 0.8487],
        seconds_per_epoch: None,
        seconds_to_target: None,
        adapter: LLVMPIPE,
        date: "2026-11-24",
    },
    Measured {
        recipe: "mlp",
        accuracies: &[0.8964, 0.8952, 0.8971],
        seconds_per_epoch: None,
        seconds_to_target: None,
        adapter: LLVMPIPE,
        date: "2026-11-24",
    },
    Measured {
        recipe: "cnn",
        accuracies: &[0.9159, 0.9183, 0.9149],
        seconds_per_epoch: None,
        seconds_to_target: None,
        adapter: "llvmpipe, 2 cores of an Intel Xeon at 2.1 GHz",
        date: "2026-11-28",
    },
    Measured {
        recipe: "rnn",
        accuracies: &[0.8827],
        seconds_per_epoch: None,
        seconds_to_target: None,
        adapter: LLVMPIPE,
        date: "2026-11-24",
    },
    Measured {
        recipe: "lstm",
        accuracies: &[0.9056],
        seconds_per_epoch: None,
        seconds_to_target: None,
        adapter: LLVMPIPE,
        date: "2026-11-24",
    },
    Measured {
        recipe: "gru",
        accuracies: &[0.9074],
        seconds_per_epoch: None,
        seconds_to_target: None,
        adapter: LLVMPIPE,
        date: "2026-11-24",
    },
];

/// Returns the results of a recipe, if it was measured.
pub fn measured(recipe: &str) -> Option<&'static Measured> {
    MEASURED.iter().find(|measured| measured.recipe == recipe)
}

impl Measured {
    /// Returns the mean accuracy, and its standard deviation over the seeds (with n - 1) if there are several.
    pub fn accuracy(&self) -> (f64, Option<f64>) {
        let count = self.accuracies.len() as f64;
        let mean = self.accuracies.iter().sum::<f64>() / count;
        let squares: f64 = self.accuracies.iter().map(|accuracy| (accuracy - mean).powi(2)).sum();
        (mean, (count > 1.0).then(|| (squares / (count - 1.0)).sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::measured;

    #[test]
    fn mean_and_deviation_are_over_the_seeds() {
        let (mean, deviation) = measured("linear").expect("measured").accuracy();
        assert!((mean - 0.847_633).abs() < 1e-6, "{mean}");
        assert!((deviation.expect("three seeds") - 0.000_971).abs() < 1e-6, "{deviation:?}");
    }
}
