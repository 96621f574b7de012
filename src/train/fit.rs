//! `fit`, as Keras has it: epoch after epoch, each judged, the callbacks asked, the best weights kept; and who listens
//! hears of all of it. Where a state is saved, and what is shown to whom, is the listener's business.

use super::{Progress, Trainer};
use crate::{
    Error, Result,
    callbacks::{Best, Verdict},
    checkpoint::{Checkpoint, Position},
    metrics::{Metrics, Regression, StepResult},
};
use std::{ops::ControlFlow, sync::Arc};

/// What an evaluation within a training found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Judged {
    /// Loss and accuracy.
    pub metrics: Metrics,
    /// How far a regression is off; `None` of classes.
    pub regression: Option<Regression>,
}

/// An epoch that is trained and judged.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Which, from 1.
    pub epoch: u64,
    /// Steps done since the start of the training.
    pub step: u64,
    /// Mean over the epoch, while it trained.
    pub train: Metrics,
    /// On the validation images, if there are any.
    pub validation: Option<Judged>,
    /// On the test images.
    pub test: Judged,
    /// The learning rate of its last step.
    pub learning_rate: f64,
    /// Whether the weights are the best so far, by what the callbacks monitor.
    pub is_best: bool,
    /// Whether a plateau has let the learning rate fall after it.
    pub rate_fell: bool,
    /// The whole state behind it.
    pub state: Arc<Checkpoint>,
}

/// How [`Trainer::fit`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself: all epochs are done ([`Verdict::GoOn`]), or the callbacks said so.
    Whole(Verdict),
    /// A listener ended it. The training can go on from here.
    Broken,
    /// A listener ended it while an epoch was judged: [`Trainer::unjudged`] is the state from which it is judged again.
    Unjudged,
}

/// Who hears of a training as it goes, and may end it; Keras's `Callback`. Every method has a default, which does nothing
/// and goes on. `()` listens to nothing.
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
    /// What goes wrong at the listener's, beside what goes wrong in the training.
    type Error: From<Error>;

    /// Whether the listener keeps the best weights itself: then [`Trainer::best`] has none.
    const KEEPS_BEST: bool = false;

    /// An epoch begins, or goes on from where it was broken off.
    async fn on_epoch_begin(&mut self, trainer: &mut Trainer) -> Result<ControlFlow<()>, Self::Error> {
        let _ = trainer;
        Ok(ControlFlow::Continue(()))
    }

    /// A step is done: where the training stands behind it, and what it came to. After a break the steps on their way
    /// finish, and [`Events::on_pause`] is asked.
    fn on_train_batch_end(&mut self, position: &Position, result: &StepResult) -> ControlFlow<()> {
        let _ = (position, result);
        ControlFlow::Continue(())
    }

    /// The epoch was broken off between two steps. Whoever continues trains on.
    async fn on_pause(&mut self, trainer: &mut Trainer) -> Result<ControlFlow<()>, Self::Error> {
        let _ = trainer;
        Ok(ControlFlow::Break(()))
    }

    /// All steps of an epoch are done, with these metrics; it is judged next.
    async fn on_test_begin(&mut self, trainer: &mut Trainer, train: &Metrics) -> Result<(), Self::Error> {
        let _ = (trainer, train);
        Ok(())
    }

    /// So many images are judged since the epoch's last step. A break ends the training.
    fn on_test_batch_end(&mut self, images: u64) -> ControlFlow<()> {
        let _ = images;
        ControlFlow::Continue(())
    }

    /// An epoch is trained and judged, and the callbacks have seen it.
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
    /// Trains the epochs that are left, from wherever the training stands, until they are done or the callbacks or `events`
    /// end it. Each epoch is judged on the validation and the test images.
    ///
    /// # Errors
    /// [`Error::Diverged`] where a loss is no number any more; [`Error::Device`]; what `events` report.
    pub async fn fit<E: Events>(&mut self, events: &mut E) -> Result<Ended, E::Error> {
        while self.position.epoch < self.options.epochs && self.verdict() == Verdict::GoOn {
            if events.on_epoch_begin(self).await?.is_break() {
                return Ok(Ended::Broken);
            }
            let train = loop {
                let each = |position: &_, result: &_| events.on_train_batch_end(position, result);
                if let Progress::Finished(metrics) = self.epoch(each).await? {
                    break metrics;
                }
                if events.on_pause(self).await?.is_break() {
                    return Ok(Ended::Broken);
                }
            };
            events.on_test_begin(self, &train).await?;
            let each = |images| events.on_test_batch_end(images);
            let Some((test, validation)) = self.judge_epoch(each).await? else { return Ok(Ended::Unjudged) };
            let epoch = self.close_epoch(train, test, validation, !E::KEEPS_BEST).await?;
            if events.on_epoch_end(self, &epoch).await?.is_break() {
                return Ok(Ended::Broken);
            }
        }
        Ok(Ended::Whole(self.verdict()))
    }

    /// The state with the best weights so far, by what the callbacks monitor, of the epochs that this trainer has judged.
    pub fn best(&self) -> Option<&Arc<Checkpoint>> {
        self.best.as_ref().and_then(|(_, state)| state.as_ref())
    }

    /// Makes `metrics` what the next epochs have to be better than: those of a run that goes on, for example.
    pub fn set_best(&mut self, metrics: Option<Metrics>) {
        self.best = metrics.map(|metrics| (metrics, None));
    }

    /// Puts the best weights so far on the device, as Keras's `restore_best_weights`; whether there are any. The optimizer's
    /// state and the position stay those of the last step.
    pub fn restore_best_weights(&mut self) -> bool {
        let Some(state) = self.best() else { return false };
        let (context, arenas) = (self.context(), self.arenas());
        context.write(&arenas.parameters, &state.weights);
        if let Some(slice) = arenas.averages.as_ref().filter(|_| !state.averages.is_empty()) {
            context.write(slice, &state.averages);
        }
        true
    }

    /// Judges the test and the validation images; `None` where `each` ended it.
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

    /// Lets the callbacks see the epoch that was judged, and notes it if it is the best; with its weights if `keeps_best`.
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

    /// What the callbacks look at: a regression has no accuracy, but in runs that were begun when it had.
    fn judged(&self, found: &Judged) -> Metrics {
        let has_none = self.loss.is_regression() && self.options.callbacks.best == Best::Monitored;
        let accuracy = if has_none { f64::NAN } else { found.metrics.accuracy };
        Metrics { accuracy, ..found.metrics }
    }

    /// Whether these weights are the best so far; the position notes the highest accuracy.
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
