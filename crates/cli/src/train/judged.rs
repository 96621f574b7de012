//! What an epoch came to on the images that were not trained on.

use anyhow::{Result, bail};
use std::ops::ControlFlow;
use wgrad::{
    Error,
    callbacks::Best,
    clock,
    data::{Dataset, Split},
    metrics::Metrics,
    train::Trainer,
};
use wgrad_run::{EpochLine, Errors, Run};

/// Evaluates after an epoch whose metrics and images per second these are: its line; `None` where `each`, which hears how
/// many are judged, ends it before that is done.
pub async fn judge(
    run: &Run,
    trainer: &mut Trainer<'_>,
    dataset: &Dataset,
    (train, speed): (Metrics, f64),
    mut each: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<Option<EpochLine>> {
    let begun = clock::seconds();
    let mut judged = 0;
    let regression = run.config.model.loss()?.is_regression();
    let mut metrics = async |trainer: &mut Trainer<'_>, split: &Split| {
        let before = judged;
        judged += split.len() as u64;
        let each = |images| each(before + images);
        Ok::<_, Error>(match regression {
            true => {
                trainer.regression_while(split, each).await?.map_continue(|(found, far)| (found, Some(far)))
            }
            false => trainer.evaluate_while(split, each).await?.map_continue(|found| (found, None)),
        })
    };
    let ControlFlow::Continue((test, errors)) = metrics(trainer, &dataset.test).await? else {
        return Ok(None);
    };
    let validation = match &dataset.validation {
        Some(split) => match metrics(trainer, split).await? {
            ControlFlow::Continue(found) => Some(found),
            ControlFlow::Break(()) => return Ok(None),
        },
        None => None,
    };
    let (validation, far) = validation.unzip();
    let errors = errors.map(|errors| Errors::new(Some(errors), far.flatten()));
    let evaluated = clock::seconds() - begun;
    let (epoch, steps) = (trainer.position().epoch, trainer.steps_per_epoch());
    if !test.loss.is_finite() {
        bail!(Error::Diverged { epoch, step: steps, loss: test.loss });
    }
    let line = EpochLine {
        evaluation_seconds: Some(evaluated),
        ..EpochLine::new(epoch, epoch * steps, [train, test], validation, speed)
    };
    Ok(Some(match (errors, run.config.options.callbacks.best) {
        (None, _) => line,
        (Some(errors), Best::Monitored) => line.of_regression(errors),
        // Older runs go on as they were begun: they may watch the share that rounds to the label.
        (Some(errors), Best::Accuracy) => EpochLine { errors, ..line },
    }))
}
