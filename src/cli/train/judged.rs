//! What an epoch came to on the images that were not trained on.

use anyhow::{Context as _, Result};
use wgrad::{
    Error,
    callbacks::Best,
    clock,
    data::Dataset,
    run::{EpochLine, Errors, Run},
    train::{Metrics, Trainer},
};

/// Evaluates after an epoch whose metrics and images per second these are: its line.
pub async fn judge(
    run: &Run,
    trainer: &mut Trainer<'_>,
    dataset: &Dataset,
    (train, speed): (Metrics, f64),
) -> Result<EpochLine> {
    let begun = clock::seconds();
    let test = trainer.evaluate(&dataset.test).await?;
    let validation = match &dataset.validation {
        Some(split) => Some(trainer.evaluate(split).await?),
        None => None,
    };
    let errors = match run.config.model.loss()?.is_regression() {
        false => None,
        true => {
            let test = trainer.regression(&dataset.test).await?;
            let validation = match &dataset.validation {
                Some(split) => Some(trainer.regression(split).await?),
                None => None,
            };
            Some(Errors::new(Some(test), validation))
        }
    };
    let evaluated = clock::seconds() - begun;
    let (epoch, steps) = (trainer.position().epoch, trainer.steps_per_epoch());
    if !test.loss.is_finite() {
        let diverged = Error::Diverged { epoch, step: steps, loss: test.loss };
        return Err(diverged).with_context(|| run.last_good());
    }
    let line = EpochLine {
        evaluation_seconds: Some(evaluated),
        ..EpochLine::new(epoch, epoch * steps, [train, test], validation, speed)
    };
    Ok(match (errors, run.config.options.callbacks.best) {
        (None, _) => line,
        (Some(errors), Best::Monitored) => line.of_regression(errors),
        // Older runs go on as they were begun: they may watch the share that rounds to the label.
        (Some(errors), Best::Accuracy) => EpochLine { errors, ..line },
    })
}
