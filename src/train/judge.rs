//! Evaluation with the current weights between two epochs, and the state of an epoch that was not evaluated.

use super::{Trainer, fit::Judged};
use crate::{
    Result,
    checkpoint::Checkpoint,
    data::Split,
    evaluate::{Judging, Seen, judge},
    metrics::Metrics,
    visit::Visited,
};
use std::ops::ControlFlow;

impl Trainer {
    /// Loss and accuracy on `split` with the current weights.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn evaluate(&mut self, split: &Split) -> Result<Metrics> {
        let all = self.evaluate_while(split, |_| ControlFlow::Continue(())).await?;
        debug_assert!(all.is_some(), "nothing breaks it");
        Ok(all.unwrap_or_default().metrics)
    }

    /// Loss and accuracy on `split`, and in the same pass the errors of a regression; for a table, in the unit of the
    /// label column. `each` gets the number of finished images after every step; if it breaks, the result is `None`.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn evaluate_while(
        &mut self,
        split: &Split,
        mut each: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Option<Judged>> {
        let outputs = self.loss.is_regression() && split.each == 1 || self.see.is_some();
        let Self { visitor, judging: model, data, options, see, weights, form, loss, .. } = self;
        let judging = Judging { form, loss: *loss, outputs, mirrored: false, finite: false };
        let each = |visited: &Visited<'_>, total: Metrics| {
            if let Some(see) = see {
                see(&Seen::of(visited, judging.form, total));
            }
            each(total.images)
        };
        let split = (&**data, split, weights.as_deref());
        let found = judge(visitor, model, split, options.budget, judging, each).await?;
        Ok(found.map(|found| Judged { metrics: found.metrics, regression: found.regression }))
    }

    /// The complete state at the last step of the epoch that just ended. A training that continues from it ends that
    /// epoch at once and evaluates it.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn unjudged(&self) -> Result<Checkpoint> {
        let state = self.checkpoint().await?;
        Ok(Checkpoint { position: self.closed.unwrap_or(self.position), ..state })
    }
}
