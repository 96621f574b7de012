//! The training loop: chunks of images go in, loss and hits come out, everything between stays on the
//! device. It reads results of work that is already done and never waits inside a step; it knows no files.

mod fit;
mod judge;
mod norms;
mod parts;
mod steer;
mod walk;
mod watch;

use crate::{
    Error, Result,
    callbacks::Callbacks,
    checkpoint::{Checkpoint, Position},
    compiled::CompiledModel,
    data::{
        Dataset, Split,
        stream::{BUDGET, Cut, Order},
    },
    evaluate::fits,
    gpu::{Context, FeedBuffers, Stamps},
    loss::Loss,
    metrics::{Metrics, StepResult},
    model::Model,
    objective::Objective,
    observe::Recorder,
    optim::Optimizer,
    plan::{Arenas, Plan},
    program::{Mode, Parameter},
    prove::chosen,
    schedule::Schedule,
    selection::Choices,
    visit::{Visit, Visitor},
};
use std::{ops::ControlFlow, sync::Arc};

pub use fit::{Ended, Epoch, Events, Judged};
pub use norms::{TensorNorms, norms};
use parts::cut;
pub use parts::differences;
pub use steer::RateChange;
pub use walk::Walk;

/// Everything that decides a training besides the model, the data and the adapter.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Options {
    /// Images a step.
    pub batch: usize,
    /// How many of them are computed at once, where not all: then a step is computed in parts whose gradients add up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<usize>,
    /// Epochs of the whole training; schedules stretch over them.
    pub epochs: u64,
    /// Decides initial weights, order of images and dropout.
    pub seed: u64,
    /// The method's numbers.
    pub optimizer: Optimizer,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// What is watched between epochs.
    #[serde(default)]
    pub callbacks: Callbacks,
    /// Whether each epoch visits the images in an order of its own.
    pub shuffle: bool,
    /// Variants chosen by hand or tuned.
    pub variants: Choices,
    /// Bytes of images that are handed to the device at once.
    pub budget: usize,
    /// What it makes of images and labels; of older runs nothing but the plain loss is known.
    #[serde(default, skip_serializing_if = "Objective::is_plain")]
    pub objective: Objective,
    /// Other learning rates, in the order of their steps: those that were set while it ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateChange>,
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
    /// Where the last epoch stood before it was closed: all its steps done.
    closed: Option<Position>,
    /// What the best epoch so far came to, and its state where this trainer has it.
    best: Option<(Metrics, Option<Arc<Checkpoint>>)>,
    visitor: Visitor,
}

/// How [`Trainer::epoch`] and [`Trainer::advance`] ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// The epoch is done: its metrics.
    Finished(Metrics),
    /// The epoch is open: its steps were broken off, or as many as were asked for are done.
    Paused,
}

impl Progress {
    /// The metrics of an epoch that is done.
    pub fn finished(self) -> Option<Metrics> {
        match self {
            Self::Finished(metrics) => Some(metrics),
            Self::Paused => None,
        }
    }
}

impl Trainer {
    /// Compiles the plans, proves the variants that are a user's files, and puts the initial weights on the device.
    ///
    /// # Errors
    /// [`Error::DataFit`] where model and data do not belong together, [`Error::Dataset`] where the data's own fields do
    /// not, [`Error::Option`] for numbers that make no sense, and whatever the plan reports.
    pub async fn new(
        context: &Context,
        model: &Model,
        data: impl Into<Arc<Dataset>>,
        options: Options,
    ) -> Result<Self> {
        let data = data.into();
        options.validate()?;
        fits(model, &data)?;
        let loss = model.loss()?;
        options.objective.validate(data.classes.len(), loss)?;
        let parameters = model.parameters()?;
        let (at_once, in_parts) = (options.images_at_once(), options.parts() > 1);
        let longest = [&data.train, &data.test].into_iter().chain(&data.validation).map(Split::len).max();
        let (mut slots, mut images) = (0, 0);
        let longest = longest.unwrap_or(1).max(1);
        for batch in [options.batch, at_once] {
            let steps = cut(&options, &data, batch).steps_per_chunk(longest);
            // No step has more images than there are.
            slots = slots.max(steps * batch.min(longest).div_ceil(at_once));
            images = images.max(steps.saturating_mul(batch).min(longest));
        }
        let feed = FeedBuffers::new(context, images, data.pixels(), slots)?;
        let mut arenas = Arenas::with_optimizer(context, &parameters, slots, &options.optimizer)?;
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
        let weights = model.initial_weights(options.seed)?;
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
            visitor: Visitor::default(),
        })
    }

    /// The device.
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

    /// What it is trained and judged on.
    pub fn data(&self) -> &Arc<Dataset> {
        &self.data
    }

    /// Where the training stands.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Steps of an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.cut().steps(self.data.train.len()) as u64
    }

    /// All trained tensors.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The arenas on the device.
    pub fn arenas(&self) -> &Arenas {
        &self.training.arenas
    }

    /// Tells `listener` from now on what the host does and when, and the device's own times where `stamped`
    /// and it has any.
    pub fn listen(&mut self, listener: Option<Arc<Recorder>>, stamped: bool) {
        let stamps = stamped && listener.is_some();
        self.visitor.stamps = if stamps { Stamps::new(self.context(), 1) } else { None };
        self.visitor.listener = listener;
    }

    /// Reads the whole state back.
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

    /// Reads back the gradients of the last step, as one arena.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub async fn gradients(&self) -> Result<Vec<f32>> {
        self.context().read(&self.arenas().gradients).await
    }

    /// Goes on from `checkpoint`. What it has not of the optimizer's state starts from the beginning, and averages
    /// from the weights.
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

    /// Runs the epoch to its end, from wherever the training stands. `each` sees every step's result soon
    /// after it is done; when it breaks, the steps already on their way finish and the epoch stays open.
    ///
    /// # Errors
    /// [`Error::Diverged`] at the first step whose loss is no number; [`Error::Device`].
    pub async fn epoch(
        &mut self,
        each: impl FnMut(&Position, &StepResult) -> ControlFlow<()>,
    ) -> Result<Progress> {
        self.advance(u64::MAX, each).await
    }

    /// As [`Trainer::epoch`], but takes at most `steps` steps: exactly so many, unless `each` breaks or the epoch
    /// ends before.
    ///
    /// # Errors
    /// As [`Trainer::epoch`].
    pub async fn advance(
        &mut self,
        steps: u64,
        mut each: impl FnMut(&Position, &StepResult) -> ControlFlow<()>,
    ) -> Result<Progress> {
        let mut position = self.position;
        let span = position.step..position.step.saturating_add(steps);
        // The parts of a step are one to whoever hears of it.
        let mut whole = StepResult::default();
        let (began, per_epoch, order) = (self.position, self.steps_per_epoch(), self.order());
        let Self { data, options, training, visitor, .. } = self;
        let visit = Visit {
            split: &data.train,
            order,
            cut: cut(options, data, options.batch),
            at_once: options.images_at_once(),
            span,
            steps: &|parts, first| options.steps(&began, per_epoch, parts, first),
            outputs: false,
            second: None,
        };
        let _either_way = visitor
            .visit(training, visit, |part| {
                whole.add(&part.result);
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
        if position.step < per_epoch {
            return Ok(Progress::Paused);
        }
        self.close();
        Ok(Progress::Finished(position.metrics()))
    }

    /// Ends the epoch all of whose steps are done.
    fn close(&mut self) {
        let Position { epoch, best, watch, .. } = self.position;
        self.closed = Some(self.position);
        self.position = Position { epoch: epoch + 1, best, watch, ..Position::default() };
    }

    /// In which order the epoch visits the images.
    fn order(&self) -> Order {
        let (seed, epoch) = (self.options.seed, self.position.epoch);
        if self.options.shuffle { Order::Shuffled { seed, epoch } } else { Order::File }
    }

    fn cut(&self) -> Cut {
        cut(&self.options, &self.data, self.options.batch)
    }
}
