//! Predictions: a trained network, a batch of images, a probability for each class, or a regression's number.

use crate::{
    Result,
    checkpoint::Checkpoint,
    compiled::CompiledModel,
    feed::{Batch, Step},
    gpu::{Context, Fetch, floats},
    loss::Loss,
    model::Model,
    optim::Optimizer,
    plan::{Arenas, fitting},
    preprocessing::Preprocessing,
    program::{Mode, Program},
    selection::Choices,
};

/// A network on a device, ready to classify.
pub struct Predictor {
    compiled: CompiledModel,
    outputs: usize,
    loss: Loss,
}

impl Predictor {
    /// Puts `model` with the weights of `checkpoint` on the device, for up to `batch` images at once, or as many
    /// as the adapter takes. Images come as `input` says: that of the data it was trained on.
    ///
    /// # Errors
    /// Whatever the plan reports.
    pub async fn new(
        context: &Context,
        model: &Model,
        input: &Preprocessing,
        checkpoint: &Checkpoint,
        batch: usize,
        variants: &Choices,
    ) -> Result<Self> {
        Self::in_mode(context, model, input, checkpoint, batch, variants, Mode::Predict).await
    }

    /// The same network up to what goes into its loss.
    ///
    /// # Errors
    /// Whatever the plan reports.
    pub async fn of_logits(
        context: &Context,
        model: &Model,
        input: &Preprocessing,
        checkpoint: &Checkpoint,
        batch: usize,
        variants: &Choices,
    ) -> Result<Self> {
        Self::in_mode(context, model, input, checkpoint, batch, variants, Mode::Evaluate).await
    }

    async fn in_mode(
        context: &Context,
        model: &Model,
        input: &Preprocessing,
        checkpoint: &Checkpoint,
        batch: usize,
        variants: &Choices,
        mode: Mode,
    ) -> Result<Self> {
        let program = program(context, (model, input), batch, mode)?;
        let compiled = CompiledModel::new(context, program, &checkpoint.weights, variants).await?;
        Self::of(compiled, model)
    }

    /// The same with the weights that lie in `arenas`, as they are whenever it is asked: of a training that goes on,
    /// for example. It reads them and writes nothing but buffers of its own.
    ///
    /// # Errors
    /// Whatever the plan reports.
    pub async fn sharing(
        context: &Context,
        model: &Model,
        input: &Preprocessing,
        arenas: &Arenas,
        batch: usize,
        variants: &Choices,
    ) -> Result<Self> {
        let program = program(context, (model, input), batch, Mode::Predict)?;
        let compiled = CompiledModel::reading(context, program, arenas, variants).await?;
        Self::of(compiled, model)
    }

    fn of(compiled: CompiledModel, model: &Model) -> Result<Self> {
        Ok(Self { compiled, outputs: model.outputs()?, loss: model.loss()? })
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
        let program = &self.compiled.plan.program;
        let mut all = Vec::new();
        for part in images.chunks(program.batch * program.pixels) {
            self.submit(part);
            let output = self.compiled.read(&[program.output]).await?.concat();
            all.extend(self.rows(&output, part.len() / program.pixels));
        }
        Ok(all)
    }

    /// Images that it takes at once.
    pub fn batch(&self) -> usize {
        self.compiled.plan.program.batch
    }

    /// Asks for the same of at most [`Predictor::batch`] images, and does not wait for the answer.
    ///
    /// # Panics
    /// Where there are more images.
    pub fn ask(&self, images: &[u8]) -> Asked {
        let rows = images.len() / self.compiled.plan.program.pixels;
        assert!(rows <= self.batch(), "{rows} images, {} fit", self.batch());
        self.submit(images);
        let CompiledModel { context, plan, .. } = &self.compiled;
        Asked { fetch: context.fetch(&[plan.output()]), rows }
    }

    /// The answer to `asked`, once it is there; `None` before. Returns at once.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub fn answer(&self, asked: &Asked) -> Result<Option<Vec<Vec<f32>>>> {
        let Some(words) = asked.fetch.arrived(&self.compiled.context)? else { return Ok(None) };
        let output = floats(words).concat();
        Ok(Some(self.rows(&output, asked.rows).map(|row| self.shares(row)).collect()))
    }

    fn submit(&self, images: &[u8]) {
        let rows = images.len() / self.compiled.plan.program.pixels;
        let batch = Batch { images: images.to_vec(), labels: vec![0; rows] };
        let step = Step { rows: rows as u32, ..Step::default() };
        self.compiled.upload(&batch, &[step]);
        self.compiled.run(0);
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

/// The program of `model` for up to `batch` images, or for as many as the adapter takes.
fn program(
    context: &Context,
    (model, input): (&Model, &Preprocessing),
    batch: usize,
    mode: Mode,
) -> Result<Program> {
    let program = |batch| model.program(input, mode, batch, 1, &Optimizer::default());
    program(fitting(context, batch, &|batch| Ok(vec![program(batch)?]))?)
}

/// A question on its way to the device.
pub struct Asked {
    fetch: Fetch,
    rows: usize,
}
