//! `fit`, as in Keras: trains epoch after epoch, evaluates each, asks the callbacks, keeps the best weights and reports
//! every event to a listener. Saving and displaying are the listener's work.

use super::{Progress, Trainer};
use crate::{
    Error, Result,
    callbacks::{Best, Verdict},
    checkpoint::{Checkpoint, Position},
    metrics::{Metrics, Regression, StepResult},
};
use std::{ops::ControlFlow, sync::Arc};

/// Result of an evaluation during a training.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Judged {
    /// Loss and accuracy.
    pub metrics: Metrics,
    /// Errors of a regression; `None` for classes.
    pub regression: Option<Regression>,
}

/// An epoch that has been trained and evaluated.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Number of the epoch, from 1.
    pub epoch: u64,
    /// Steps done since the start of the training.
    pub step: u64,
    /// Mean over the epoch's steps, measured during training.
    pub train: Metrics,
    /// Evaluation on the validation images, if there are any.
    pub validation: Option<Judged>,
    /// Evaluation on the test images.
    pub test: Judged,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// True if the weights are the best so far, by the monitored metric.
    pub is_best: bool,
    /// True if a plateau lowered the learning rate after this epoch.
    pub rate_fell: bool,
    /// The complete state after the epoch.
    pub state: Arc<Checkpoint>,
}

/// Reason for the end of [`Trainer::fit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All epochs are done ([`Verdict::GoOn`]), or the callbacks stopped the training.
    Whole(Verdict),
    /// A listener ended the training, which can continue from here.
    Broken,
    /// A listener ended the training during an evaluation. To evaluate that epoch again, continue from
    /// [`Trainer::unjudged`].
    Unjudged,
}

/// Listener to the events of a training, which may also end it; Keras's `Callback`. Every method has a default that
/// does nothing and continues, except that [`Events::on_pause`] ends the training. `()` ignores all events.
///
/// ```
/// use std::ops::ControlFlow;
/// use wgrad::train::{Epoch, Events, Trainer};
///
/// struct Print;
///
/// impl Events for Print {
///     type Error = wgrad::Error;
///
///     async fn on_epoch_end(&mut self, _: &mut Trainer, epoch: &Epoch) -> wgrad::Result<ControlFlow<()>> {
///         println!("epoch {}: loss {:.4}", epoch.epoch, epoch.train.loss);
///         Ok(ControlFlow::Continue(()))
///     }
/// }
/// ```
#[allow(async_fn_in_trait, reason = "a training and its listener stay on one thread")]
pub trait Events {
    /// The listener's error type, which includes the errors of the training.
    type Error: From<Error>;

    /// True if the listener stores the best weights itself; [`Trainer::best`] then returns `None`.
    const KEEPS_BEST: bool = false;

    /// Called when an epoch begins, or resumes after an interruption.
    async fn on_epoch_begin(&mut self, trainer: &mut Trainer) -> Result<ControlFlow<()>, Self::Error> {
        let _ = trainer;
        Ok(ControlFlow::Continue(()))
    }

    /// Called after each step with the new position and the step's result. After a break, the submitted steps finish,
    /// and [`Events::on_pause`] is called.
    fn on_train_batch_end(&mut self, position: &Position, result: &StepResult) -> ControlFlow<()> {
        let _ = (position, result);
        ControlFlow::Continue(())
    }

    /// Called when the epoch was interrupted between two steps. `Continue` resumes the epoch; the default is `Break`.
    async fn on_pause(&mut self, trainer: &mut Trainer) -> Result<ControlFlow<()>, Self::Error> {
        let _ = trainer;
        Ok(ControlFlow::Break(()))
    }

    /// Called when all steps of an epoch are done, with its metrics, before the evaluation.
    async fn on_test_begin(&mut self, trainer: &mut Trainer, train: &Metrics) -> Result<(), Self::Error> {
        let _ = (trainer, train);
        Ok(())
    }

    /// Called during the evaluation with the number of images evaluated so far in this epoch. A break ends the
    /// training.
    fn on_test_batch_end(&mut self, images: u64) -> ControlFlow<()> {
        let _ = images;
        ControlFlow::Continue(())
    }

    /// Called when an epoch has been trained and evaluated, after the callbacks.
    async fn on_epoch_end(
        &mut self,
        trainer: &mut Trainer,
        epoch: &Epoch,
    ) -> Result<ControlFlow<()>, Self::Error> {
        let _ = (trainer, epoch);
        Ok(ControlFlow::Continue(()))
    }
}

impl Events for () {
    type Error = Error;
}

impl Trainer {
    /// Trains the remaining epochs from the current position, until the last one, or until the callbacks or `events`
    /// end the training. Each epoch is evaluated on the validation and the test images.
    ///
    /// # Errors
    /// [`Error::Diverged`] if a loss is not finite; [`Error::Device`]; the errors of `events`.
    pub async fn fit<E: Events>(&mut self, events: &mut E) -> Result<Ended, E::Error> {
        self.share_state().await?;
        while self.position.epoch < self.options.epochs && self.verdict() == Verdict::GoOn {
            let flow = events.on_epoch_begin(self).await?;
            if self.decided(flow)?.is_break() {
                return Ok(Ended::Broken);
            }
            let train = loop {
                let each = |position: &_, result: &_| events.on_train_batch_end(position, result);
                if let Progress::Finished(metrics) = self.epoch(each).await? {
                    break metrics;
                }
                let flow = events.on_pause(self).await?;
                if self.decided(flow)?.is_break() {
                    return Ok(Ended::Broken);
                }
            };
            events.on_test_begin(self, &train).await?;
            let each = |images| events.on_test_batch_end(images);
            let Some((test, validation)) = self.judge_epoch(each).await? else { return Ok(Ended::Unjudged) };
            let epoch = self.close_epoch(train, test, validation, !E::KEEPS_BEST).await?;
            let flow = events.on_epoch_end(self, &epoch).await?;
            if self.decided(flow)?.is_break() {
                return Ok(Ended::Broken);
            }
        }
        Ok(Ended::Whole(self.verdict()))
    }

    /// The state with the best weights so far, by the monitored metric, among the epochs that this trainer has
    /// evaluated.
    pub fn best(&self) -> Option<&Arc<Checkpoint>> {
        self.best.as_ref().and_then(|(_, state)| state.as_ref())
    }

    /// Sets the metrics that the next epochs must improve on, such as those of a resumed run.
    pub fn set_best(&mut self, metrics: Option<Metrics>) {
        self.best = metrics.map(|metrics| (metrics, None));
    }

    /// Writes the best weights so far to the device, like Keras's `restore_best_weights`. Returns true if there are
    /// any. The optimizer's state and the position remain those of the last step.
    pub fn restore_best_weights(&mut self) -> bool {
        let Some(state) = self.best() else { return false };
        let (context, arenas) = (self.context(), self.arenas());
        context.write(&arenas.parameters, &state.weights);
        if let Some(slice) = arenas.averages.as_ref().filter(|_| !state.averages.is_empty()) {
            context.write(slice, &state.averages);
        }
        true
    }

    /// Evaluates the test and the validation images; returns `None` if `each` ended it.
    async fn judge_epoch(
        &mut self,
        mut each: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Option<(Judged, Option<Judged>)>> {
        let data = self.data.clone();
        let Some(test) = self.evaluate_while(&data.test, &mut each).await? else { return Ok(None) };
        let Some(split) = &data.validation else { return Ok(Some((test, None))) };
        let before = data.test.len() as u64;
        let validation = self.evaluate_while(split, |images| each(before + images)).await?;
        Ok(validation.map(|validation| (test, Some(validation))))
    }

    /// Passes the evaluated epoch to the callbacks and notes it if it is the best; keeps its weights if `keeps_best`.
    async fn close_epoch(
        &mut self,
        train: Metrics,
        test: Judged,
        validation: Option<Judged>,
        keeps_best: bool,
    ) -> Result<Epoch> {
        let (epoch, per_epoch) = (self.position.epoch, self.steps_per_epoch());
        if !test.metrics.loss.is_finite() {
            return Err(Error::Diverged { epoch, step: per_epoch, loss: test.metrics.loss });
        }
        let step = epoch * per_epoch;
        let learning_rate = self.learning_rate_at(step.saturating_sub(1));
        let judged = self.judged(validation.as_ref().unwrap_or(&test));
        let is_best = self.is_better(&judged);
        let drops = self.position.watch.drops;
        self.observe(&judged);
        let state = Arc::new(self.checkpoint().await?);
        if is_best {
            self.best = Some((judged, keeps_best.then(|| state.clone())));
        }
        let rate_fell = self.position.watch.drops > drops;
        Ok(Epoch { epoch, step, train, validation, test, learning_rate, is_best, rate_fell, state })
    }

    /// The metrics for the callbacks. The accuracy of a regression is NaN, except in runs from when it had one.
    fn judged(&self, found: &Judged) -> Metrics {
        let has_none = self.loss.is_regression() && self.options.callbacks.best == Best::Monitored;
        let accuracy = if has_none { f64::NAN } else { found.metrics.accuracy };
        Metrics { accuracy, ..found.metrics }
    }

    /// Returns true if these weights are the best so far; updates the highest score in the position.
    fn is_better(&mut self, judged: &Metrics) -> bool {
        let share = judged.judged(self.loss);
        let highest = share > self.position.best;
        if highest {
            self.position.best = share;
        }
        let callbacks = &self.options.callbacks;
        match callbacks.best {
            Best::Accuracy => highest,
            Best::Monitored => {
                self.best.as_ref().is_none_or(|(best, _)| callbacks.is_better(judged, best, self.loss))
            }
        }
    }
}
