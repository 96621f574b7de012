//! A network that is evaluated on several splits, such as the batches of a generator: it is compiled once.

use super::{Evaluation, Form, Judging, Seen, fits, judge};
use crate::{
    Error, Result,
    checkpoint::Checkpoint,
    compiled::CompiledModel,
    data::{
        Dataset, Split,
        stream::{BUDGET, Cut},
    },
    gpu::{Context, FeedBuffers},
    loss::Loss,
    metrics::Metrics,
    model::{Model, WordRange},
    objective::Objective,
    optim::Optimizer,
    plan::{Arenas, fitting},
    program::Mode,
    selection::Choices,
    visit::{Visited, Visitor},
};
use std::ops::ControlFlow;

/// A network on a device, ready to be evaluated on splits.
pub struct Evaluator {
    compiled: CompiledModel,
    visitor: Visitor,
    loss: Loss,
    /// The outputs.
    form: Form,
    /// Bytes of images that are uploaded at once.
    budget: usize,
    weighted: bool,
    /// The values of the input that are words.
    words: Vec<WordRange>,
    /// The labels that are classes, of several outputs.
    classes: Vec<WordRange>,
}

impl Evaluator {
    /// Compiles `model` with the weights of `checkpoint` for splits in the format of `data`. A step has `batch` images, or
    /// as many as the adapter can compute at once; `images` is the usual length of a split, for which memory is reserved.
    /// If `weighted`, each image may have a weight.
    ///
    /// # Errors
    /// [`crate::Error::DataFit`] if the model does not fit the data; the errors of the plan.
    pub async fn new(
        context: &Context,
        model: &Model,
        checkpoint: &Checkpoint,
        data: &Dataset,
        (batch, images): (usize, usize),
        weighted: bool,
        variants: &Choices,
    ) -> Result<Self> {
        fits(model, data)?;
        let loss = model.loss()?;
        let (optimizer, images) = (Optimizer::default(), images.max(1));
        let objective = Objective { example_weights: weighted, ..Objective::default() };
        let program = |batch, slots| {
            model.program_with(&data.input, Mode::Evaluate, batch, slots, &optimizer, &objective)
        };
        let batch = fitting(context, batch, &|batch| Ok(vec![program(batch, 1)?]))?;
        // The part of the split that is uploaded at once.
        let cut = Cut { batch, pixels: data.pixels(), budget: BUDGET.min(context.most_bytes() as usize) };
        let steps = cut.steps_per_chunk(images);
        let arenas =
            Arenas::new(context, &model.parameters()?, steps)?.for_heads(context, model.heads.len())?;
        context.write(&arenas.parameters, &checkpoint.weights);
        let feed =
            FeedBuffers::new(context, steps.saturating_mul(batch), (data.pixels(), data.train.each), steps)?;
        let compiled =
            CompiledModel::sharing(context, program(batch, steps)?, &arenas, &feed, variants).await?;
        // A longer split is uploaded in parts of the same size.
        let budget = steps.saturating_mul(batch).saturating_mul(data.pixels());
        Ok(Self {
            compiled,
            visitor: Visitor::default(),
            loss,
            form: Form::of(model)?,
            budget,
            weighted,
            words: model.words()?,
            classes: model.class_labels()?,
        })
    }

    /// Evaluates the network on `split`, which has the format of `data`, with a weight for each image if there are
    /// `weights`. `see` gets the outputs of every batch; if it breaks, the result is `None`.
    ///
    /// # Errors
    /// [`Error::Dataset`] if the split is inconsistent, or if an output is not finite; [`Error::Option`] for weights of a
    /// network that was compiled without; [`Error::Device`].
    pub async fn evaluate(
        &mut self,
        data: &Dataset,
        split: &Split,
        weights: Option<&[f32]>,
        mut see: impl FnMut(&Seen<'_>) -> ControlFlow<()>,
    ) -> Result<Option<Evaluation>> {
        if weights.is_some() && !self.weighted {
            let (got, expected) = ("off".into(), "on in an evaluation with weights");
            return Err(Error::Option { name: "example_weights", got, expected });
        }
        let form = self.form.clone();
        self.run(data, split, weights, false, |visited, total| see(&Seen::of(visited, &form, total))).await
    }

    /// Evaluates the network; if `mirrored`, with test-time augmentation.
    pub(super) async fn run(
        &mut self,
        data: &Dataset,
        split: &Split,
        weights: Option<&[f32]>,
        mirrored: bool,
        each: impl FnMut(&Visited<'_>, Metrics) -> ControlFlow<()>,
    ) -> Result<Option<Evaluation>> {
        data.check_split("given", split)?;
        data.check_labels("given", split, &self.classes)?;
        data.check_words("given", split, &self.words)?;
        let judging = Judging { form: &self.form, loss: self.loss, outputs: true, mirrored, finite: true };
        let split = (data, split, weights);
        judge(&mut self.visitor, &self.compiled, split, self.budget, judging, each).await
    }
}
