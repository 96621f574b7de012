//! How far a network is off that tells numbers: what the device adds up is the loss alone.

use super::{
    Trainer,
    parts::{cut, parts},
};
use crate::{
    Result,
    data::{
        Split,
        stream::{Order, Stream},
    },
    evaluate::Regression,
};

impl Trainer<'_> {
    /// MAE, RMSE and R² on `split`, with the weights as they are, of a table in the unit of its label; each output is
    /// read back, a step at a time.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn regression(&mut self, split: &Split) -> Result<Regression> {
        let (data, context) = (self.data, self.context);
        let in_its_unit = |number| data.table.as_ref().map_or(number, |table| table.number(number));
        let mut pairs = Vec::with_capacity(split.len());
        // What does not fit at once is judged in smaller batches: the outputs are the same.
        let at_once = self.options.images_at_once();
        for chunk in Stream::start(split, Order::File, cut(&self.options, data, at_once), 0) {
            self.feed.upload(context, &chunk.batch, &self.steps(&parts(&chunk.steps, at_once), 0));
            for (slot, rows) in chunk.steps.iter().enumerate() {
                self.idle()?;
                let plan = &self.evaluate_plan;
                let encoded = plan.encode(context, &self.feed, &self.arenas, slot..slot + 1, None);
                encoded.submit(context).finish(context, None)?;
                let outputs = context.read(plan.output()).await?;
                let labels = chunk.batch.labels.iter().skip(rows.first as usize).take(rows.rows as usize);
                pairs.extend(
                    labels
                        .zip(outputs)
                        .map(|(label, output)| (data.number(*label), in_its_unit(f64::from(output)))),
                );
            }
        }
        Ok(Regression::of(&pairs))
    }
}
