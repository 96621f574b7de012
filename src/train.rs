//! The training loop: chunks of images go in, loss and hits come out, and everything between stays on the device. It
//! reads the results of finished work only and never waits within a step. It accesses no files.

mod arriving;
mod fit;
mod judge;
mod norms;
mod parts;
mod seen;
mod steer;
mod together;
mod walk;
mod watch;

use crate::{
    Error, Result,
    callbacks::Callbacks,
    checkpoint::{Checkpoint, Position},
    compiled::CompiledModel,
    data::{
        Dataset, Split,
        normalization::moments,
        stream::{BUDGET, Cut, Order, Share},
    },
    evaluate::{Form, fits},
    gpu::{Context, FeedBuffers, Stamps},
    layers::Layer,
    loss::Loss,
    metrics::{Metrics, StepResult},
    model::{Model, Placed, WordRange},
    objective::Objective,
    observe::Recorder,
    optim::Optimizer,
    plan::{Arenas, Plan},
    program::{Mode, Parameter},
    prove::chosen,
    schedule::Schedule,
    selection::Choices,
    team::Team,
    visit::{Visit, Visitor},
};
use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

pub use crate::evaluate::Seen;
pub use fit::{Ended, Epoch, Events, Judged};
pub use norms::{TensorNorms, norms};
use parts::cut;
pub use parts::differences;
pub use seen::See;
pub use steer::RateChange;
pub use walk::Walk;

/// All options that determine a training, besides the model, the data and the adapter.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Options {
    /// Images per step.
    pub batch: usize,
    /// Images computed at once, if fewer than the batch. The step is then computed in parts whose gradients are summed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<usize>,
    /// Epochs of the whole training, over which the schedule extends.
    pub epochs: u64,
    /// Seed of the initial weights, the order of the images, dropout and augmentation.
    pub seed: u64,
    /// The optimizer and its options.
    pub optimizer: Optimizer,
    /// The learning-rate schedule.
    pub schedule: Schedule,
    /// Early stopping and other callbacks between epochs.
    #[serde(default)]
    pub callbacks: Callbacks,
    /// True if each epoch visits the images in a new random order.
    pub shuffle: bool,
    /// Kernel variants that you chose or that tuning selected.
    pub variants: Choices,
    /// Bytes of images that are uploaded to the device at once.
    pub budget: usize,
    /// Augmentation, label smoothing and class weights; the plain loss for older runs, which did not record them.
    #[serde(default, skip_serializing_if = "Objective::is_plain")]
    pub objective: Objective,
    /// Changes of the learning rate made during the training, in the order of their steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateChange>,
    /// Steps that the optimizer had done before this training, if it continues with the optimizer state of another one;
    /// bias corrections count them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub steps_before: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(steps: &u64) -> bool {
    *steps == 0
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: 128,
            at_once: None,
            epochs: 5,
            seed: 0,
            optimizer: Optimizer::default(),
            schedule: Schedule::default(),
            callbacks: Callbacks::default(),
            shuffle: true,
            variants: Choices::default(),
            budget: BUDGET,
            objective: Objective::default(),
            rates: Vec::new(),
            steps_before: 0,
        }
    }
}

/// A model in training on a device.
pub struct Trainer {
    data: Arc<Dataset>,
    options: Options,
    loss: Loss,
    parameters: Vec<Parameter>,
    training: CompiledModel,
    judging: CompiledModel,
    position: Position,
    /// Position at the end of the last epoch, with all its steps done.
    closed: Option<Position>,
    /// Metrics of the best epoch so far, and its state if this trainer has it.
    best: Option<(Metrics, Option<Arc<Checkpoint>>)>,
    visitor: Visitor,
    /// Receives the outputs of each batch.
    see: Option<Box<See>>,
    /// Weights of the images of the split that is visited next.
    weights: Option<Arc<[f32]>>,
    /// The outputs of the network.
    form: Form,
    /// The values of the input that are words.
    words: Vec<WordRange>,
    /// The labels that are classes, of several outputs.
    classes: Vec<WordRange>,
}

/// Result of [`Trainer::epoch`] and [`Trainer::advance`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "there is one an epoch, and a box could not be copied")]
pub enum Progress {
    /// The epoch is done, with these metrics.
    Finished(Metrics),
    /// The epoch is not done: it was interrupted, or the requested number of steps is done.
    Paused,
}

impl Progress {
    /// The metrics of a finished epoch.
    pub fn finished(self) -> Option<Metrics> {
        match self {
            Self::Finished(metrics) => Some(metrics),
            Self::Paused => None,
        }
    }
}

/// Initial weights with the mean and variance of the training part in each `Normalization` that takes the input and has
/// neither, as Keras's `adapt` computes them.
fn adapted(model: &Model, data: &Dataset, mut weights: Vec<f32>) -> Result<Vec<f32>> {
    let (placed, parameters) = model.place()?;
    let adapts = |p: &&Placed<'_>| {
        matches!(p.layer, Layer::Normalization(layer) if layer.adapts()) && p.from == [None]
    };
    for p in placed.iter().filter(adapts) {
        let (mut mean, mut deviation) = moments(data, &data.train);
        if let Some(first) = &data.input.normalization {
            // The layer sees values that are normalized already.
            let each = mean.iter_mut().zip(&mut deviation).zip(first.mean.iter().zip(&first.deviation));
            for ((mean, deviation), (m, d)) in each {
                let d = if *d == 0.0 { 1.0 } else { *d };
                (*mean, *deviation) = ((*mean - m) / d, *deviation / d);
            }
        }
        let variance = deviation.iter().map(|d| d * d).collect();
        for (id, numbers) in p.place.parameters.iter().zip([mean, variance]) {
            let tensor = &parameters[id.0];
            let to = &mut weights[tensor.offset..tensor.offset + tensor.len()];
            to.iter_mut().zip::<Vec<f64>>(numbers).for_each(|(to, number)| *to = number as f32);
        }
    }
    Ok(weights)
}

impl Trainer {
    /// Compiles the plans, proves the variants that are your own files, and writes the initial weights to the device.
    ///
    /// # Errors
    /// [`Error::DataFit`] if the model does not fit the data, [`Error::Dataset`] if the data is inconsistent,
    /// [`Error::Option`] for options out of range, and the errors of the plan.
    pub async fn new(
        context: &Context,
        model: &Model,
        data: impl Into<Arc<Dataset>>,
        options: Options,
    ) -> Result<Self> {
        Self::compile(context, model, data.into(), options, None).await
    }

    /// As [`Trainer::new`], for a rank of a team: [`Options::batch`] is the batch of all ranks together. All ranks call
    /// the same methods of their trainers in the same order; the weights and the position are those of rank 0 from
    /// [`Trainer::fit`] on. The training ends on all ranks if it ends on one.
    ///
    /// # Errors
    /// [`Error::Team`] if the ranks have different data, options or programs; those of [`Trainer::new`].
    pub async fn in_team(
        context: &Context,
        model: &Model,
        data: impl Into<Arc<Dataset>>,
        options: Options,
        team: Team,
    ) -> Result<Self> {
        Self::compile(context, model, data.into(), options, Some(team)).await
    }

    async fn compile(
        context: &Context,
        model: &Model,
        data: Arc<Dataset>,
        options: Options,
        team: Option<Team>,
    ) -> Result<Self> {
        options.validate()?;
        fits(model, &data)?;
        let loss = model.loss()?;
        options.objective.validate(data.classes.len(), loss)?;
        let places = if model.heads.is_empty() { data.train.each } else { model.places()? };
        options.objective.validate_places(places)?;
        let parameters = model.parameters()?;
        let share = team.as_ref().map_or(Share::WHOLE, Team::share);
        // The most images of a step that this rank computes, and computes at once.
        let own = share.most(options.batch);
        let at_once = options.images_at_once().min(own);
        let in_parts = own > at_once;
        if let Some(team) = &team {
            together::check(team, model, &data, &options, in_parts)?;
        }
        let (mut slots, mut images) = (0, 0);
        let longest = longest(&data);
        // The steps of all ranks, in training and in evaluation.
        for whole in [options.batch, at_once.saturating_mul(share.ranks)] {
            let steps = cut(&options, &data, whole).steps_per_chunk(longest);
            // No step has more images than the longest split.
            slots = slots.max(steps * share.most(whole.min(longest)).div_ceil(at_once));
            images = images.max(steps.saturating_mul(share.most(whole)).min(longest));
        }
        let feed = FeedBuffers::new(context, images, (data.pixels(), data.train.each), slots)?;
        let arenas = Arenas::with_optimizer(context, &parameters, slots, &options.optimizer)?;
        let mut arenas = arenas.for_heads(context, model.heads.len())?;
        if in_parts {
            arenas = arenas.in_parts(context)?;
        }
        let compiled = async |mode| {
            let Options { optimizer, objective, variants, .. } = &options;
            let mut program = model.program_with(&data.input, mode, at_once, slots, optimizer, objective)?;
            if in_parts && mode == Mode::Train {
                program = program.in_parts();
            }
            let arenas = if mode == Mode::Train { arenas.clone() } else { arenas.averaged() };
            CompiledModel::sharing(context, program, &arenas, &feed, variants).await
        };
        let (training, judging) = (compiled(Mode::Train).await?, compiled(Mode::Evaluate).await?);
        let nodes = [&training, &judging].into_iter().flat_map(|model| &model.plan.program.nodes);
        chosen::prove(context, nodes, &options.variants).await?;
        if let Some(team) = &team {
            let notes = [&training, &judging].map(|model| model.plan.notes.join("; ")).join("; ");
            team.agree("the kernels", &notes)?;
        }
        let weights = adapted(model, &data, model.initial_weights(options.seed)?)?;
        for slice in [&arenas.parameters].into_iter().chain(&arenas.averages) {
            context.write(slice, &weights);
        }
        Ok(Self {
            data,
            options,
            loss,
            parameters,
            training,
            judging,
            position: Position::default(),
            closed: None,
            best: None,
            visitor: Visitor::of(team),
            see: None,
            weights: None,
            form: Form::of(model)?,
            words: model.words()?,
            classes: model.class_labels()?,
        })
    }

    /// The device context.
    pub fn context(&self) -> &Context {
        &self.training.context
    }

    /// The plan of a training step.
    pub fn train_plan(&self) -> &Plan {
        &self.training.plan
    }

    /// The plan of an evaluation step.
    pub fn evaluate_plan(&self) -> &Plan {
        &self.judging.plan
    }

    /// The variant that runs each call of training and evaluation, by [`crate::op::Call::key`].
    pub fn variants_by_call(&self) -> std::collections::BTreeMap<String, String> {
        let mut all = self.judging.plan.by_call();
        all.extend(self.training.plan.by_call());
        all
    }

    /// The data set for training and evaluation.
    pub fn data(&self) -> &Arc<Dataset> {
        &self.data
    }

    /// Progress of the training.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Number of steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.cut().steps(self.data.train.len()) as u64
    }

    /// All tensors of the model.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The arenas on the device.
    pub fn arenas(&self) -> &Arenas {
        &self.training.arenas
    }

    /// Records the host's activities and their times in `listener` from now on; with `stamped`, also the device's own
    /// times if it has timestamps.
    pub fn listen(&mut self, listener: Option<Arc<Recorder>>, stamped: bool) {
        let stamps = stamped && listener.is_some();
        self.visitor.stamps = if stamps { Stamps::new(self.context(), 1) } else { None };
        self.visitor.listener = listener;
    }

    /// Reads the complete state from the device.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub async fn checkpoint(&self) -> Result<Checkpoint> {
        let Arenas { parameters, slots, averages, .. } = self.arenas();
        let kept = slots.iter().map(|(_, slice)| slice);
        let all: Vec<_> = [parameters].into_iter().chain(kept).chain(averages).collect();
        let mut floats = self.context().read_all(&all).await?.into_iter();
        let weights = floats.next().unwrap_or_default();
        let names = slots.iter().map(|(slot, _)| slot.name.to_string());
        let slots = names.zip(floats.by_ref()).collect();
        Ok(Checkpoint {
            weights,
            slots,
            averages: floats.next().unwrap_or_default(),
            position: self.position,
        })
    }

    /// Reads the gradients of the last step from the device, in one arena.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub async fn gradients(&self) -> Result<Vec<f32>> {
        self.context().read(&self.arenas().gradients).await
    }

    /// Continues from `checkpoint`. Optimizer state that it lacks starts from initial values, and missing averages
    /// start from the weights.
    pub fn restore(&mut self, checkpoint: &Checkpoint) {
        let Checkpoint { weights, slots, averages, .. } = checkpoint;
        let (context, arenas) = (self.context(), self.arenas());
        context.write(&arenas.parameters, weights);
        for (slot, slice) in &arenas.slots {
            match slots.get(slot.name) {
                Some(values) => context.write(slice, values),
                None => context.write(slice, &vec![slot.initial; slice.len]),
            }
        }
        if let Some(slice) = &arenas.averages {
            context.write(slice, if averages.is_empty() { weights } else { averages });
        }
        self.position = checkpoint.position;
    }

    /// Trains until the end of the epoch, from the current position. `each` gets the result of every step soon after it
    /// is done. If `each` breaks, the steps already submitted finish and the epoch stays open.
    ///
    /// # Errors
    /// [`Error::Diverged`] at the first step whose loss is not finite; [`Error::Device`].
    pub async fn epoch(
        &mut self,
        each: impl FnMut(&Position, &StepResult) -> ControlFlow<()>,
    ) -> Result<Progress> {
        self.advance(u64::MAX, each).await
    }

    /// Trains `steps` steps, or fewer if `each` breaks or the epoch ends first; otherwise like [`Trainer::epoch`].
    ///
    /// # Errors
    /// The errors of [`Trainer::epoch`].
    pub async fn advance(
        &mut self,
        steps: u64,
        each: impl FnMut(&Position, &StepResult) -> ControlFlow<()>,
    ) -> Result<Progress> {
        let per_epoch = self.steps_per_epoch();
        let span = self.position.step..self.position.step.saturating_add(steps);
        let (split, order) = (self.data.train.clone(), self.order());
        self.pass(&split, order, span, 0, each).await?;
        let position = self.position;
        if position.step < per_epoch {
            return Ok(Progress::Paused);
        }
        self.close();
        Ok(Progress::Finished(position.metrics()))
    }

    /// Trains the steps `span` of `split`, visited in `order`. Step n of the split is step `offset + n` of the epoch.
    async fn pass(
        &mut self,
        split: &Split,
        order: Order,
        span: Range<u64>,
        offset: u64,
        mut each: impl FnMut(&Position, &StepResult) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut position = self.position;
        // `each` gets one result for all parts of a step.
        let mut whole = StepResult::default();
        let (began, per_epoch) = (self.position, self.steps_per_epoch());
        let Self { data, options, training, visitor, see, weights, form, .. } = self;
        let at_once = training.plan.program.batch;
        let visit = Visit {
            split,
            order,
            cut: cut(options, data, options.batch),
            at_once,
            span,
            steps: &|parts, first| options.steps(&began, per_epoch, parts, offset + first, at_once),
            outputs: see.is_some(),
            second: None,
            weights: weights.as_deref(),
        };
        let _either_way = visitor
            .visit(training, visit, |part| {
                whole.add(&part.result);
                if let Some(see) = see {
                    let mut so_far = position.running;
                    so_far.count(&whole);
                    see(&Seen::of(part, form, so_far.metrics()));
                }
                if !part.part.last {
                    return Ok(ControlFlow::Continue(()));
                }
                let result = std::mem::take(&mut whole);
                if !result.loss_sum.is_finite() {
                    let (epoch, step) = (position.epoch + 1, position.step + 1);
                    return Err(Error::Diverged { epoch, step, loss: result.loss() });
                }
                position.count(&result);
                Ok(each(&position, &result))
            })
            .await?;
        self.position = position;
        Ok(())
    }

    /// Ends the epoch after its last step.
    fn close(&mut self) {
        let Position { epoch, best, watch, .. } = self.position;
        self.closed = Some(self.position);
        self.position = Position { epoch: epoch + 1, best, watch, ..Position::default() };
    }

    /// The order in which the epoch visits the images.
    fn order(&self) -> Order {
        let (seed, epoch) = (self.options.seed, self.position.epoch);
        if self.options.shuffle { Order::Shuffled { seed, epoch } } else { Order::File }
    }

    fn cut(&self) -> Cut {
        cut(&self.options, &self.data, self.options.batch)
    }
}

/// Number of images in the longest split.
fn longest(data: &Dataset) -> usize {
    let splits = [&data.train, &data.test].into_iter().chain(&data.validation);
    splits.map(Split::len).max().unwrap_or(1).max(1)
}
