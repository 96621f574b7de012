//! Evaluation with the weights as they are, between two epochs of a training; and the state of an epoch that was not
//! judged.

use super::Trainer;
use crate::{
    Result,
    checkpoint::{Checkpoint, Position},
    data::{Split, stream::Order},
    metrics::Metrics,
    program::Mode,
};
use std::ops::ControlFlow;

impl Trainer<'_> {
    /// Loss and accuracy on `split`, with the weights as they are.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn evaluate(&mut self, split: &Split) -> Result<Metrics> {
        let all = self.evaluate_while(split, |_| ControlFlow::Continue(())).await?;
        debug_assert!(all.is_continue(), "nothing breaks it");
        Ok(all.continue_value().unwrap_or_default())
    }

    /// The same; `each` hears after every step how many images are done, and may end it.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn evaluate_while(
        &mut self,
        split: &Split,
        mut each: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<ControlFlow<(), Metrics>> {
        let mut total = Position::default();
        let all = self
            .run(Mode::Evaluate, split, Order::File, 0..u64::MAX, |result| {
                total.count(result);
                Ok(each(total.seen))
            })
            .await?;
        Ok(match all {
            ControlFlow::Continue(()) => ControlFlow::Continue(total.metrics()),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        })
    }

    /// The whole state as it was when the last step of the epoch that just ended was done: who goes on from there ends the
    /// epoch at once, and judges it.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn unjudged(&self) -> Result<Checkpoint> {
        let state = self.checkpoint().await?;
        Ok(Checkpoint { position: self.closed.unwrap_or(self.position), ..state })
    }
}
