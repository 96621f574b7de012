//! Training one step at a time, for whoever wants to submit each step in a way of their own. Slower than
//! [`Trainer::epoch`], to the same weights.

use super::{Trainer, parts};
use crate::{
    Error, Result,
    checkpoint::Position,
    data::stream::{Order, Stream},
    gpu::FeedBuffers,
    metrics::StepResult,
    plan::{Arenas, Plan},
};

/// What a step needs in order to run.
pub struct Walk<'a> {
    /// The plan of a training step.
    pub plan: &'a Plan,
    /// The chunk on the device.
    pub feed: &'a FeedBuffers,
    /// What outlives a step.
    pub arenas: &'a Arenas,
    /// Which step of the chunk.
    pub index: usize,
}

impl Trainer<'_> {
    /// The chunk on the device: nothing before the first step.
    pub fn feed(&self) -> &FeedBuffers {
        &self.feed
    }

    /// Goes on from where the training stands, epoch after epoch, until `each` has had enough. `each` runs the step
    /// it is given and returns its loss sum and hits; `None` where it did not run it.
    ///
    /// # Errors
    /// [`Error::Diverged`] at the first step whose loss is no number, and whatever `each` reports.
    pub fn walk(&mut self, mut each: impl FnMut(Walk<'_>) -> Result<Option<[f32; 2]>>) -> Result<()> {
        if self.options.parts() > 1 {
            let got = format!("{} in {} parts", self.options.batch, self.options.parts());
            return Err(Error::Option { name: "batch", got, expected: "a batch that is computed at once" });
        }
        loop {
            let (seed, epoch) = (self.options.seed, self.position.epoch);
            let order = if self.options.shuffle { Order::Shuffled { seed, epoch } } else { Order::File };
            for chunk in Stream::start(&self.data.train, order, self.cut(), self.position.step as usize) {
                let steps = self.steps(&parts(&chunk.steps, self.options.batch), self.position.step);
                self.feed.upload(self.context, &chunk.batch, &steps);
                for (index, rows) in chunk.steps.iter().enumerate() {
                    let (plan, feed, arenas) = (&self.train_plan, &self.feed, &self.arenas);
                    let Some([loss_sum, hits]) = each(Walk { plan, feed, arenas, index })? else {
                        return Ok(());
                    };
                    let (loss_sum, hits) = (f64::from(loss_sum), f64::from(hits));
                    let result = StepResult { rows: rows.rows, loss_sum, hits };
                    if !loss_sum.is_finite() {
                        let (epoch, step) = (epoch + 1, self.position.step + 1);
                        return Err(Error::Diverged { epoch, step, loss: result.loss() });
                    }
                    self.position.count(&result);
                }
            }
            self.position = Position { epoch: epoch + 1, best: self.position.best, ..Position::default() };
        }
    }
}
