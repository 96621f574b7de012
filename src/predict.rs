//! Predictions: a trained network, a batch of images, a probability for each class, or a regression's number.

use crate::{
    Result,
    checkpoint::Checkpoint,
    feed::{Batch, Step},
    gpu::{Context, FeedBuffers, Fetch},
    loss::Loss,
    model::Model,
    optim::Optimizer,
    plan::{Arenas, Plan, fitting},
    program::Mode,
    selection::Choices,
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
    /// Puts `model` with the weights of `checkpoint` on the device, for up to `batch` images at once, or as many
    /// as the adapter takes.
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
        Self::in_mode(context, model, checkpoint, batch, variants, Mode::Predict).await
    }

    /// The same network up to what goes into its loss.
    ///
    /// # Errors
    /// Whatever the plan reports.
    pub async fn of_logits(
        context: &'a Context,
        model: &Model,
        checkpoint: &Checkpoint,
        batch: usize,
        variants: &Choices,
    ) -> Result<Self> {
        Self::in_mode(context, model, checkpoint, batch, variants, Mode::Evaluate).await
    }

    async fn in_mode(
        context: &'a Context,
        model: &Model,
        checkpoint: &Checkpoint,
        batch: usize,
        variants: &Choices,
        mode: Mode,
    ) -> Result<Self> {
        let arenas = Arenas::new(context, &model.parameters()?, 1)?;
        context.write(&arenas.parameters, &checkpoint.weights);
        Self::compiled(context, model, &arenas, batch, variants, mode).await
    }

    /// The same with the weights that lie in `arenas`, as they are whenever it is asked: of a training that goes on,
    /// for example. It reads them and writes nothing but buffers of its own.
    ///
    /// # Errors
    /// Whatever the plan reports.
    pub async fn sharing(
        context: &'a Context,
        model: &Model,
        arenas: &Arenas,
        batch: usize,
        variants: &Choices,
    ) -> Result<Self> {
        Self::compiled(context, model, arenas, batch, variants, Mode::Predict).await
    }

    async fn compiled(
        context: &'a Context,
        model: &Model,
        arenas: &Arenas,
        batch: usize,
        variants: &Choices,
        mode: Mode,
    ) -> Result<Self> {
        let programs = |batch| Ok(vec![model.program(mode, batch, 1, &Optimizer::default())?]);
        let batch = fitting(context, batch, &programs)?;
        let program = model.program(mode, batch, 1, &Optimizer::default())?;
        let plan = Plan::compile(context, program, arenas, variants).await?;
        let feed = FeedBuffers::new(context, batch, model.bytes(), 1)?;
        Ok(Self { context, plan, feed, outputs: model.outputs()?, loss: model.loss()? })
    }

    /// The probabilities of each class for each image of `images`, (images, height, width, channels) bytes; of a
    /// regression, its one number.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn probabilities(&self, images: &[u8]) -> Result<Vec<Vec<f32>>> {
        let rows = self.outputs(images).await?;
        Ok(rows.into_iter().map(|row| self.shares(row)).collect())
    }

    /// The network's output for each image, as it is.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn outputs(&self, images: &[u8]) -> Result<Vec<Vec<f32>>> {
        let program = &self.plan.program;
        let mut all = Vec::new();
        for part in images.chunks(program.batch * program.pixels) {
            self.submit(part);
            let output = self.context.read(self.plan.output()).await?;
            all.extend(self.rows(&output, part.len() / program.pixels));
        }
        Ok(all)
    }

    /// Images that it takes at once.
    pub fn batch(&self) -> usize {
        self.plan.program.batch
    }

    /// Asks for the same of at most [`Predictor::batch`] images, and does not wait for the answer.
    ///
    /// # Panics
    /// Where there are more images.
    pub fn ask(&self, images: &[u8]) -> Asked {
        let rows = images.len() / self.plan.program.pixels;
        assert!(rows <= self.batch(), "{rows} images, {} fit", self.batch());
        self.submit(images);
        Asked { fetch: self.context.fetch(&[self.plan.output()]), rows }
    }

    /// The answer to `asked`, once it is there; `None` before. Returns at once.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub fn answer(&self, asked: &Asked) -> Result<Option<Vec<Vec<f32>>>> {
        let Some(words) = asked.fetch.arrived(self.context)? else { return Ok(None) };
        let output: Vec<f32> = words.into_iter().flatten().map(f32::from_bits).collect();
        Ok(Some(self.rows(&output, asked.rows).map(|row| self.shares(row)).collect()))
    }

    fn submit(&self, images: &[u8]) {
        let rows = images.len() / self.plan.program.pixels;
        let batch = Batch { images: images.to_vec(), labels: vec![0; rows] };
        let step = Step { rows: rows as u32, ..Step::default() };
        self.feed.upload(self.context, &batch, &[step]);
        self.context.submit_with(|pass| self.plan.record(pass, &self.feed, 0));
    }

    fn rows<'r>(&self, output: &'r [f32], rows: usize) -> impl Iterator<Item = Vec<f32>> + use<'r> {
        output.chunks_exact(self.outputs).take(rows).map(<[f32]>::to_vec)
    }

    /// A probability for each class, also where one output stands for two.
    fn shares(&self, row: Vec<f32>) -> Vec<f32> {
        match (self.loss, &row[..]) {
            (Loss::BinaryCrossEntropy, [p]) => vec![1.0 - p, *p],
            _ => row,
        }
    }
}

/// A question on its way to the device.
pub struct Asked {
    fetch: Fetch,
    rows: usize,
}
