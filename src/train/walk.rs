//! Training with one step per submission; used by the profiler. It is slower than [`Trainer::epoch`] and ends in the
//! same weights.

use super::Trainer;
use crate::{
    Error, Result, compiled::CompiledModel, data::stream::Stream, gpu::FeedBuffers, metrics::StepResult,
    visit::Part,
};

/// The context of a single step.
pub struct Walk<'a> {
    /// The network, whose feed holds the chunk.
    pub model: &'a CompiledModel,
    /// Index of the step in the chunk.
    pub index: usize,
}

impl Trainer {
    /// The feed, which holds the current chunk; it is empty before the first step.
    pub fn feed(&self) -> &FeedBuffers {
        &self.training.feed
    }

    /// Trains step by step from the current position, epoch after epoch, until `each` returns `None`. `each` runs the
    /// given step and returns its loss sum and hits, or `None` if it did not run it.
    ///
    /// # Errors
    /// [`Error::Diverged`] at the first step whose loss is not finite, and the errors of `each`.
    pub async fn walk(
        &mut self,
        mut each: impl AsyncFnMut(Walk<'_>) -> Result<Option<[f32; 2]>>,
    ) -> Result<()> {
        if self.options.parts() > 1 {
            let got = format!("{} in {} parts", self.options.batch, self.options.parts());
            return Err(Error::Option { name: "batch", got, expected: "a batch that is computed at once" });
        }
        let per_epoch = self.steps_per_epoch();
        loop {
            let (order, first) = (self.order(), self.position.step);
            for chunk in Stream::start(&self.data.train, order, self.cut(), first as usize) {
                let parts = Part::cut(&chunk.steps, self.options.batch);
                let steps = self.options.steps(
                    &self.position,
                    per_epoch,
                    &parts,
                    self.position.step,
                    self.options.batch,
                );
                self.training.upload(&chunk.batch, &steps);
                for (index, rows) in chunk.steps.iter().enumerate() {
                    let Some([loss_sum, hits]) = each(Walk { model: &self.training, index }).await? else {
                        return Ok(());
                    };
                    let (loss_sum, hits) = (f64::from(loss_sum), f64::from(hits));
                    let result = StepResult { rows: rows.rows, loss_sum, hits, ..StepResult::default() };
                    if !loss_sum.is_finite() {
                        let (epoch, step) = (self.position.epoch + 1, self.position.step + 1);
                        return Err(Error::Diverged { epoch, step, loss: result.loss() });
                    }
                    self.position.count(&result);
                }
            }
            self.close();
        }
    }
}
