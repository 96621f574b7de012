//! How far a network is off that tells numbers. What the device adds up is the loss alone, so each output is read back.

use super::{
    Trainer,
    parts::{cut, parts},
};
use crate::{
    Error, Result,
    checkpoint::Position,
    data::{
        Split,
        stream::{Order, Stream},
    },
    metrics::{Metrics, Regression, StepResult},
};
use std::ops::ControlFlow;

impl Trainer<'_> {
    /// What [`Trainer::evaluate_while`] finds, to the bit, and in the same pass MAE, RMSE and R², of a table in the unit
    /// of its label. `each` hears after every step how many images are done, and may end it.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn regression_while(
        &mut self,
        split: &Split,
        mut each: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<ControlFlow<(), (Metrics, Regression)>> {
        let (data, context) = (self.data, self.context);
        let in_its_unit = |number| data.table.as_ref().map_or(number, |table| table.number(number));
        let mut pairs = Vec::with_capacity(split.len());
        let mut total = Position::default();
        // What does not fit at once is judged in smaller batches: the outputs are the same.
        let at_once = self.options.images_at_once();
        let cut = cut(&self.options, data, at_once);
        for chunk in Stream::start(split, Order::File, cut, 0) {
            self.feed.upload(context, &chunk.batch, &self.steps(&parts(&chunk.steps, at_once), 0));
            for (slot, rows) in chunk.steps.iter().enumerate() {
                self.idle()?;
                let plan = &self.evaluate_plan;
                let encoded = plan.encode(context, &self.feed, &self.arenas, slot..slot + 1, None);
                let submitted = encoded.submit(context);
                let outputs = context.read(plan.output()).await?;
                for [loss_sum, hits] in submitted.finish(context, None)?.results {
                    let (loss_sum, hits) = (f64::from(loss_sum), f64::from(hits));
                    total.count(&StepResult { rows: rows.rows, loss_sum, hits });
                }
                let labels = chunk.batch.labels.iter().skip(rows.first as usize).take(rows.rows as usize);
                pairs.extend(
                    labels
                        .zip(outputs)
                        .map(|(label, output)| (data.number(*label), in_its_unit(f64::from(output)))),
                );
                if each(total.seen).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        let of = cut.steps(split.len()) as u64;
        if total.step < of {
            return Err(Error::Images { step: total.step + 1, of });
        }
        Ok(ControlFlow::Continue((total.metrics(), Regression::of(&pairs))))
    }
}
