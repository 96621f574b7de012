//! Record of an epoch: its training, its evaluation and its speed.

use wgrad::{callbacks::Best, train::Epoch};
use wgrad_run::{EpochLine, Errors, Run};

/// The line of an epoch that trained with `speed` images per second and was evaluated for `evaluated` seconds.
pub fn line(run: &Run, epoch: &Epoch, speed: f64, evaluated: f64) -> EpochLine {
    let Epoch { train, test, validation, .. } = epoch;
    let line = EpochLine {
        evaluation_seconds: Some(evaluated),
        ..EpochLine::new(
            epoch.epoch,
            epoch.step,
            [*train, test.metrics],
            validation.map(|judged| judged.metrics),
            speed,
        )
    };
    let Some(errors) = test.regression else { return line };
    let errors = Errors::new(Some(errors), validation.and_then(|judged| judged.regression));
    match run.config.options.callbacks.best {
        Best::Monitored => line.of_regression(errors),
        // Older runs continue as they began: they may watch the share that rounds to the label.
        Best::Accuracy => EpochLine { errors, ..line },
    }
}
