//! The training loop: chunks of images go in, loss and hits come out, everything between stays on the
//! device. It reads results of work that is already done and never waits inside a step; it knows no files.

mod metrics;
mod norms;
mod steer;
mod walk;
mod watch;

use crate::{
    Error, Result,
    callbacks::Callbacks,
    checkpoint::{Checkpoint, Position},
    clock,
    data::{
        Dataset, Split,
        stream::{BUDGET, Cut, Order, Rows, Stream},
    },
    feed::Step,
    gpu::{Arenas, Context, FeedBuffers, Plan, Stamps, Submitted},
    model::Model,
    objective::Objective,
    observe::{Activity, Beside, Recorder, Submission, note},
    op::Choices,
    optim::Optimizer,
    pacer::Pacer,
    program::{Mode, Parameter},
    schedule::Schedule,
    user_file,
};
use std::{
    collections::VecDeque,
    ops::{ControlFlow, Range},
    sync::Arc,
};

pub use metrics::{Metrics, StepResult};
pub use norms::{TensorNorms, norms};
pub use steer::RateChange;
pub(crate) use walk::Walk;

/// Everything that decides a training besides the model, the data and the adapter.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Options {
    /// Images a step.
    pub batch: usize,
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
pub struct Trainer<'a> {
    context: &'a Context,
    data: &'a Dataset,
    options: Options,
    parameters: Vec<Parameter>,
    arenas: Arenas,
    feed: FeedBuffers,
    /// The plan of a training step.
    pub train_plan: Plan,
    /// The plan of an evaluation step.
    pub evaluate_plan: Plan,
    position: Position,
    pacer: Pacer,
    listener: Option<Arc<Recorder>>,
    stamps: Option<Stamps>,
    beside: Option<Box<dyn Beside + 'a>>,
}

impl<'a> Trainer<'a> {
    /// Compiles the plans, proves the variants that are a user's files, and puts the initial weights on the device.
    ///
    /// # Errors
    /// [`Error::DataFit`] where model and data do not belong together, [`Error::Option`] for numbers that
    /// make no sense, and whatever the plan reports.
    pub async fn new(
        context: &'a Context,
        model: &Model,
        data: &'a Dataset,
        options: Options,
    ) -> Result<Self> {
        options.validate()?;
        let model = &model.fed(&data.input);
        fits(model, data)?;
        options.objective.validate(data.classes.len(), model.loss()?)?;
        let parameters = model.parameters()?;
        let cut = Cut { batch: options.batch, pixels: data.pixels(), budget: options.budget };
        let longest = [&data.train, &data.test].into_iter().chain(&data.validation).map(Split::len).max();
        let slots = cut.steps_per_chunk(longest.unwrap_or(0));
        let images = (slots * options.batch).min(longest.unwrap_or(1).max(1));
        let feed = FeedBuffers::new(context, images, data.pixels(), slots)?;
        let arenas = Arenas::with_optimizer(context, &parameters, slots, &options.optimizer)?;
        let plan = async |mode| {
            let Options { batch, optimizer, objective, .. } = &options;
            let program = model.program_with(mode, *batch, slots, optimizer, objective)?;
            let averaged = arenas.averaged();
            let arenas = if mode == Mode::Train { &arenas } else { &averaged };
            Plan::compile(context, program, arenas, &options.variants).await
        };
        let (train_plan, evaluate_plan) = (plan(Mode::Train).await?, plan(Mode::Evaluate).await?);
        let nodes = [&train_plan, &evaluate_plan].into_iter().flat_map(|plan| &plan.program.nodes);
        user_file::prove(context, nodes, &options.variants).await?;
        let weights = model.initial_weights(options.seed)?;
        for slice in [&arenas.parameters].into_iter().chain(&arenas.averages) {
            context.write(slice, &weights);
        }
        Ok(Self {
            context,
            data,
            options,
            parameters,
            arenas,
            feed,
            train_plan,
            evaluate_plan,
            position: Position::default(),
            pacer: Pacer::default(),
            listener: None,
            stamps: None,
            beside: None,
        })
    }

    /// Where the training stands.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Notes the best accuracy so far, which a checkpoint keeps.
    pub fn set_best(&mut self, accuracy: f64) {
        self.position.best = accuracy;
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
        &self.arenas
    }

    /// Tells `listener` from now on what the host does and when, and the device's own times where `stamped`
    /// and it has any.
    pub fn listen(&mut self, listener: Option<Arc<Recorder>>, stamped: bool) {
        self.stamps = if stamped && listener.is_some() { Stamps::new(self.context, 1) } else { None };
        self.listener = listener;
    }

    /// Reads the whole state back.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub async fn checkpoint(&self) -> Result<Checkpoint> {
        let Arenas { parameters, slots, averages, .. } = &self.arenas;
        let kept = slots.iter().map(|(_, slice)| slice);
        let all: Vec<_> = [parameters].into_iter().chain(kept).chain(averages).collect();
        let words = self.context.read_words(&all).await?;
        let mut floats = words.into_iter().map(|w| w.into_iter().map(f32::from_bits).collect::<Vec<_>>());
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
        self.context.read(&self.arenas.gradients).await
    }

    /// Goes on from `checkpoint`. What it has not of the optimizer's state starts from the beginning, and averages
    /// from the weights.
    pub fn restore(&mut self, checkpoint: &Checkpoint) {
        let Checkpoint { weights, slots, averages, .. } = checkpoint;
        self.context.write(&self.arenas.parameters, weights);
        for (slot, slice) in &self.arenas.slots {
            match slots.get(slot.name) {
                Some(values) => self.context.write(slice, values),
                None => self.context.write(slice, &vec![slot.initial; slice.len]),
            }
        }
        if let Some(slice) = &self.arenas.averages {
            self.context.write(slice, if averages.is_empty() { weights } else { averages });
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
    ) -> Result<ControlFlow<(), Metrics>> {
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
    ) -> Result<ControlFlow<(), Metrics>> {
        let (data, seed, epoch) = (self.data, self.options.seed, self.position.epoch);
        let order = if self.options.shuffle { Order::Shuffled { seed, epoch } } else { Order::File };
        let mut position = self.position;
        let span = position.step..position.step.saturating_add(steps);
        let _either_way = self
            .run(Mode::Train, &data.train, order, span, |result| {
                if !result.loss_sum.is_finite() {
                    let (epoch, step) = (position.epoch + 1, position.step + 1);
                    return Err(Error::Diverged { epoch, step, loss: result.loss() });
                }
                position.count(result);
                Ok(each(&position, result))
            })
            .await?;
        self.position = position;
        if position.step < self.steps_per_epoch() {
            return Ok(ControlFlow::Break(()));
        }
        self.position =
            Position { epoch: epoch + 1, best: position.best, watch: position.watch, ..Position::default() };
        Ok(ControlFlow::Continue(position.metrics()))
    }

    /// Loss and accuracy on `split`, with the weights as they are.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub async fn evaluate(&mut self, split: &Split) -> Result<Metrics> {
        let mut total = Position::default();
        let all = self
            .run(Mode::Evaluate, split, Order::File, 0..u64::MAX, |result| {
                total.count(result);
                Ok(ControlFlow::Continue(()))
            })
            .await?;
        debug_assert!(all.is_continue(), "nothing breaks an evaluation");
        Ok(total.metrics())
    }

    fn cut(&self) -> Cut {
        Cut { batch: self.options.batch, pixels: self.data.pixels(), budget: self.options.budget }
    }

    /// What the device needs to know about the steps of a chunk whose first is step `first` of its epoch.
    fn steps(&self, rows: &[Rows], first: u64) -> Vec<Step> {
        let Options { seed, schedule, epochs, objective, .. } = &self.options;
        let per_epoch = self.steps_per_epoch();
        rows.iter()
            .enumerate()
            .map(|(slot, rows)| {
                let number = self.position.epoch * per_epoch + first + slot as u64;
                let drops = self.position.watch.drops;
                let factor = schedule.factor_after(drops, number, per_epoch, *epochs);
                let momentum = schedule.momentum(number, per_epoch, *epochs);
                let step = Step {
                    first: rows.first,
                    rows: rows.rows,
                    slot: slot as u32,
                    mixed: objective.augment.mixed(*seed, number),
                    ..Step::default()
                };
                self.options.optimizer_at(number).fill(step, number, factor, momentum).keyed(*seed, number)
            })
            .collect()
    }

    /// Streams the steps `span` of `split` through a plan. Two submissions are on their way at any time, so
    /// that the device has work while the host looks at the results of the one before.
    async fn run(
        &mut self,
        mode: Mode,
        split: &Split,
        order: Order,
        span: Range<u64>,
        mut each: impl FnMut(&StepResult) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let mut under_way: VecDeque<(Submitted, Vec<Rows>, f64)> = VecDeque::new();
        let mut flow = ControlFlow::Continue(());
        let mut number = span.start;
        let (listener, context) = (self.listener.clone(), self.context);
        let hears = listener.as_deref();
        let mut stream = Stream::heard(split, order, self.cut(), number as usize, listener.clone());
        while number < span.end
            && let Some(chunk) = note(hears, Activity::Starve, || stream.next())
        {
            note(hears, Activity::Upload, || {
                self.feed.upload(context, &chunk.batch, &self.steps(&chunk.steps, number));
            });
            let wanted = chunk.steps.len().min(usize::try_from(span.end - number).unwrap_or(usize::MAX));
            number += wanted as u64;
            let mut next = 0;
            while next < wanted && flow.is_continue() {
                self.idle()?;
                let plan = if mode == Mode::Train { &self.train_plan } else { &self.evaluate_plan };
                let group = next..wanted.min(next + self.pacer.steps());
                let encoded = note(hears, Activity::Encode, || {
                    plan.encode(context, &self.feed, &self.arenas, group.clone(), self.stamps.as_ref())
                });
                let submitted = note(hears, Activity::Submit, || encoded.submit(context));
                under_way.push_back((submitted, chunk.steps[group.clone()].to_vec(), clock::seconds()));
                next = group.end;
                if under_way.len() > 1 {
                    flow = self.collect(&mut under_way, &mut each)?;
                }
            }
            if flow.is_break() {
                break;
            }
        }
        let whole = span.end.min(self.cut().steps(split.len()) as u64);
        if flow.is_continue() && number < whole {
            return Err(Error::Images { step: number + 1, of: whole });
        }
        while !under_way.is_empty() {
            if self.collect(&mut under_way, &mut each)?.is_break() {
                flow = ControlFlow::Break(());
            }
        }
        Ok(flow)
    }

    /// The results of the oldest submission.
    fn collect(
        &mut self,
        under_way: &mut VecDeque<(Submitted, Vec<Rows>, f64)>,
        each: &mut impl FnMut(&StepResult) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let Some((submitted, rows, begun)) = under_way.pop_front() else {
            return Ok(ControlFlow::Continue(()));
        };
        let listener = self.listener.as_deref();
        let at = submitted.at;
        let finished =
            note(listener, Activity::Wait, || submitted.finish(self.context, self.stamps.as_ref()))?;
        self.pacer.observe(rows.len(), begun);
        if let Some(listener) = listener {
            let images = rows.iter().map(|rows| u64::from(rows.rows)).sum();
            let device = finished.device.first().copied().flatten();
            let done = clock::seconds();
            listener.submission(Submission { steps: rows.len(), images, submitted: at, done, device });
        }
        let mut flow = ControlFlow::Continue(());
        for (rows, result) in rows.iter().zip(finished.results) {
            let result =
                StepResult { rows: rows.rows, loss_sum: f64::from(result[0]), hits: f64::from(result[1]) };
            if each(&result)?.is_break() {
                flow = ControlFlow::Break(());
            }
        }
        Ok(flow)
    }
}

/// Whether `model` takes the images of `data`, and has as many outputs as it has classes.
pub(crate) fn fits(model: &Model, data: &Dataset) -> Result<()> {
    let fail = |expected: String, got: String| {
        Err(Error::DataFit { model: model.name.clone(), data: data.name.clone(), expected, got })
    };
    let shape = [data.height, data.width, data.channels];
    if data.input.numbers && !model.loss()?.is_regression() {
        return fail("classes".into(), "numbers; say a loss for them, such as `--loss mse`".into());
    }
    if model.input_shape != shape {
        return fail(format!("images of {:?}", model.input_shape), format!("{shape:?}"));
    }
    let (classes, loss) = (model.classes()?, model.loss()?);
    if classes != data.classes.len() && !loss.is_regression() {
        let hint = if classes == 1 { "; one output takes another `--loss`" } else { "" };
        return fail(format!("{classes} classes"), format!("{}{hint}", data.classes.len()));
    }
    if data.train.is_empty() || data.test.is_empty() {
        return fail("at least one training and one test image".into(), "none".into());
    }
    Ok(())
}
