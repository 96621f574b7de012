//! Predictions of a trained network for a batch of images: a probability for each class, or the number of a regression.

use crate::{
    Error, Result,
    checkpoint::Checkpoint,
    compiled::CompiledModel,
    data::no_word,
    evaluate::Form,
    feed::{Batch, Step},
    gpu::{Context, Fetch, floats},
    loss::Loss,
    model::{Model, WordRange},
    optim::Optimizer,
    plan::{Arenas, fitting},
    preprocessing::Preprocessing,
    program::{Mode, Program},
    selection::Choices,
};

/// A network on a device, ready for predictions.
pub struct Predictor {
    compiled: CompiledModel,
    outputs: usize,
    loss: Loss,
    /// Of several outputs of a network as it is built: what to make of what the device computes.
    form: Option<Form>,
    /// The values of the input that are words.
    words: Vec<WordRange>,
}

impl Predictor {
    /// Writes `model` with the weights of `checkpoint` to the device, for up to `batch` images at once, or as many as
    /// the adapter can compute. Images have the format of `input`, that of the training data.
    ///
    /// # Errors
    /// The errors of the plan.
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

    /// Creates a predictor that returns logits, the input of the loss.
    ///
    /// # Errors
    /// The errors of the plan.
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

    /// Creates a predictor whose [`Predictor::outputs`] are those of the network as it is built, as of Keras's
    /// `predict`: probabilities if it ends in softmax or sigmoid, else logits or numbers.
    ///
    /// # Errors
    /// The errors of the plan.
    pub async fn of_network(
        context: &Context,
        model: &Model,
        input: &Preprocessing,
        checkpoint: &Checkpoint,
        batch: usize,
        variants: &Choices,
    ) -> Result<Self> {
        let loss = model.loss()?;
        if !model.heads.is_empty() {
            // Some of the outputs may end in the activation of their loss, and others not.
            let mode = Mode::Evaluate;
            let found = Self::in_mode(context, model, input, checkpoint, batch, variants, mode).await?;
            return Ok(Self { form: Some(Form::of(model)?), ..found });
        }
        let ends_in_loss = loss.is_regression() || model.ends_in(loss.activation());
        let mode = if ends_in_loss { Mode::Predict } else { Mode::Evaluate };
        Self::in_mode(context, model, input, checkpoint, batch, variants, mode).await
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

    /// Creates a predictor that reads the weights in `arenas` at the time of each prediction, for example those of a
    /// running training. It writes only to its own buffers.
    ///
    /// # Errors
    /// The errors of the plan.
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
        let (outputs, loss, words) = (model.outputs()?, model.loss()?, model.words()?);
        Ok(Self { compiled, outputs, loss, form: None, words })
    }

    /// Refuses images with values that should be words and are none.
    fn check_words(&self, images: &[u8]) -> Result<()> {
        let each = self.compiled.plan.program.pixels / size_of::<f32>();
        match no_word(images, each, &self.words) {
            None => Ok(()),
            Some(no_word) => Err(Error::Dataset { data: "the input".into(), message: no_word.to_string() }),
        }
    }

    /// The class probabilities of each image in `images`, which are (images, height, width, channels) bytes; for a
    /// regression, its number.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn probabilities(&self, images: &[u8]) -> Result<Vec<Vec<f32>>> {
        let rows = self.outputs(images).await?;
        Ok(rows.into_iter().map(|row| self.shares(row)).collect())
    }

    /// The unchanged outputs of the network for each image.
    ///
    /// # Errors
    /// [`crate::Error::Dataset`] where the network looks its input up in a table, and a value is none of its rows;
    /// [`crate::Error::Device`] if the device fails.
    pub async fn outputs(&self, images: &[u8]) -> Result<Vec<Vec<f32>>> {
        self.check_words(images)?;
        let program = &self.compiled.plan.program;
        let mut all = Vec::new();
        for part in images.chunks(program.batch * program.pixels) {
            self.submit(part);
            let output = self.compiled.read(&[program.output]).await?.concat();
            let output = match &self.form {
                Some(form) => form.built(&output),
                None => output,
            };
            all.extend(self.rows(&output, part.len() / program.pixels));
        }
        Ok(all)
    }

    /// Number of images that the predictor computes at once.
    pub fn batch(&self) -> usize {
        self.compiled.plan.program.batch
    }

    /// Submits at most [`Predictor::batch`] images and returns without waiting; [`Predictor::answer`] has the result.
    ///
    /// # Errors
    /// [`crate::Error::Dataset`] where the network looks its input up in a table, and a value is none of its rows.
    ///
    /// # Panics
    /// If there are more images.
    pub fn ask(&self, images: &[u8]) -> Result<Asked> {
        self.check_words(images)?;
        let rows = images.len() / self.compiled.plan.program.pixels;
        assert!(rows <= self.batch(), "{rows} images, {} fit", self.batch());
        self.submit(images);
        let CompiledModel { context, plan, .. } = &self.compiled;
        Ok(Asked { fetch: context.fetch(&[plan.output()]), rows })
    }

    /// The probabilities for `asked` once they have arrived, `None` before. Returns at once.
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
        let labels = vec![0; rows * self.compiled.plan.program.labels];
        let batch = Batch { images: images.to_vec(), labels };
        let step = Step { rows: rows as u32, ..Step::default() };
        self.compiled.upload(&batch, &[step]);
        self.compiled.run(0);
    }

    fn rows<'r>(&self, output: &'r [f32], rows: usize) -> impl Iterator<Item = Vec<f32>> + use<'r> {
        output.chunks_exact(self.outputs).take(rows).map(<[f32]>::to_vec)
    }

    /// The probability of each class, also for binary cross-entropy, where one output stands for two classes.
    fn shares(&self, row: Vec<f32>) -> Vec<f32> {
        match (self.loss, &row[..]) {
            (Loss::BinaryCrossEntropy, [p]) => vec![1.0 - p, *p],
            _ => row,
        }
    }
}

/// The program of `model` for up to `batch` images, or as many as the adapter can compute.
fn program(
    context: &Context,
    (model, input): (&Model, &Preprocessing),
    batch: usize,
    mode: Mode,
) -> Result<Program> {
    let program = |batch| model.program(input, mode, batch, 1, &Optimizer::default());
    program(fitting(context, batch, &|batch| Ok(vec![program(batch)?]))?)
}

/// A prediction on its way from the device.
pub struct Asked {
    fetch: Fetch,
    rows: usize,
}
