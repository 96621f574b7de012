//! Predictions: a trained network, a batch of images, a probability for each class, or a regression's number.

use crate::{
    Result,
    checkpoint::Checkpoint,
    feed::{Batch, Step},
    gpu::{Arenas, Context, FeedBuffers, Plan},
    loss::Loss,
    model::Model,
    op::Choices,
    optim::Optimizer,
    program::Mode,
};

/// A network on a device, ready to classify.
pub struct Predictor<'a> {
    context: &'a Context,
    plan: Plan,
    feed: FeedBuffers,
    outputs: usize,
    loss: Loss,
}

impl<'a> Predictor<'a> {
    /// Puts `model` with the weights of `checkpoint` on the device, for up to `batch` images at once.
    ///
    /// # Errors
    /// Whatever the plan reports.
    pub async fn new(
        context: &'a Context,
        model: &Model,
        checkpoint: &Checkpoint,
        batch: usize,
        variants: &Choices,
    ) -> Result<Self> {
        let arenas = Arenas::new(context, &model.parameters()?, 1)?;
        context.write(&arenas.parameters, &checkpoint.weights);
        let program = model.program(Mode::Predict, batch, 1, &Optimizer::default())?;
        let plan = Plan::compile(context, program, &arenas, variants).await?;
        let feed = FeedBuffers::new(context, batch, model.bytes(), 1)?;
        Ok(Self { context, plan, feed, outputs: model.outputs()?, loss: model.loss()? })
    }

    /// The probabilities of each class for each image of `images`, (images, height, width, channels) bytes; of a
    /// regression, its one number.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn probabilities(&self, images: &[u8]) -> Result<Vec<Vec<f32>>> {
        let program = &self.plan.program;
        let mut all = Vec::new();
        for part in images.chunks(program.batch * program.pixels) {
            let rows = part.len() / program.pixels;
            let batch = Batch { images: part.to_vec(), labels: vec![0; rows] };
            let step = Step { rows: rows as u32, ..Step::default() };
            self.feed.upload(self.context, &batch, &[step]);
            self.context.submit_with(|pass| self.plan.record(pass, &self.feed, 0));
            let output = self.context.read(self.plan.output()).await?;
            let rows = output.chunks_exact(self.outputs).take(rows);
            all.extend(rows.map(|row| match (self.loss, row) {
                (Loss::BinaryCrossEntropy, [p]) => vec![1.0 - p, *p],
                _ => row.to_vec(),
            }));
        }
        Ok(all)
    }
}
