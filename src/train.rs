//! The training loop: chunks of images go in, loss and hits come out, everything between stays on the
//! device. It reads results of work that is already done and never waits inside a step; it knows no files.

mod judge;
mod norms;
mod parts;
mod regression;
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
        stream::{BUDGET, Cut, Order, Stream},
    },
    evaluate::fits,
    feed::{Step, split_mix},
    gpu::{Context, FeedBuffers, Stamps},
    metrics::{Metrics, StepResult},
    model::Model,
    objective::Objective,
    observe::{Activity, Beside, Recorder, Submission, note},
    optim::Optimizer,
    pacer::Pacer,
    plan::{Arenas, Plan, Submitted},
    program::{Mode, Parameter},
    prove::chosen,
    schedule::Schedule,
    selection::Choices,
};
use std::{
    collections::VecDeque,
    ops::{ControlFlow, Range},
    sync::Arc,
};

pub use norms::{TensorNorms, norms};
pub use parts::differences;
use parts::{Part, cut, parts};
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
    /// Where the last epoch stood before it was closed: all its steps done.
    closed: Option<Position>,
    pacer: Pacer,
    listener: Option<Arc<Recorder>>,
    stamps: Option<Stamps>,
    beside: Option<Box<dyn Beside + 'a>>,
}

impl<'a> Trainer<'a> {
    /// Compiles the plans, proves the variants that are a user's files, and puts the initial weights on the device.
    ///
    /// # Errors
    /// [`Error::DataFit`] where model and data do not belong together, [`Error::Dataset`] where the data's own fields do
    /// not, [`Error::Option`] for numbers that make no sense, and whatever the plan reports.
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
        let (at_once, in_parts) = (options.images_at_once(), options.parts() > 1);
        let longest = [&data.train, &data.test].into_iter().chain(&data.validation).map(Split::len).max();
        let (mut slots, mut images) = (0, 0);
        let longest = longest.unwrap_or(1).max(1);
        for batch in [options.batch, at_once] {
            let steps = cut(&options, data, batch).steps_per_chunk(longest);
            // No step has more images than there are.
            slots = slots.max(steps * batch.min(longest).div_ceil(at_once));
            images = images.max(steps.saturating_mul(batch).min(longest));
        }
        let feed = FeedBuffers::new(context, images, data.pixels(), slots)?;
        let mut arenas = Arenas::with_optimizer(context, &parameters, slots, &options.optimizer)?;
        if in_parts {
            arenas = arenas.in_parts(context)?;
        }
        let plan = async |mode| {
            let Options { optimizer, objective, .. } = &options;
            let mut program = model.program_with(mode, at_once, slots, optimizer, objective)?;
            if in_parts && mode == Mode::Train {
                program = program.in_parts();
            }
            let averaged = arenas.averaged();
            let arenas = if mode == Mode::Train { &arenas } else { &averaged };
            Plan::compile(context, program, arenas, &options.variants).await
        };
        let (train_plan, evaluate_plan) = (plan(Mode::Train).await?, plan(Mode::Evaluate).await?);
        let nodes = [&train_plan, &evaluate_plan].into_iter().flat_map(|plan| &plan.program.nodes);
        chosen::prove(context, nodes, &options.variants).await?;
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
            closed: None,
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
        self.closed = Some(position);
        self.position =
            Position { epoch: epoch + 1, best: position.best, watch: position.watch, ..Position::default() };
        Ok(ControlFlow::Continue(position.metrics()))
    }

    fn cut(&self) -> Cut {
        cut(&self.options, self.data, self.options.batch)
    }

    /// What the device needs to know about the parts of the steps of a chunk whose first is step `first` of its epoch.
    fn steps(&self, parts: &[Part], first: u64) -> Vec<Step> {
        let Options { seed, schedule, epochs, objective, .. } = &self.options;
        let per_epoch = self.steps_per_epoch();
        parts
            .iter()
            .enumerate()
            .map(|(slot, part)| {
                let number = self.position.epoch * per_epoch + first + part.step as u64;
                let drops = self.position.watch.drops;
                let factor = schedule.factor_after(drops, number, per_epoch, *epochs);
                let momentum = schedule.momentum(number, per_epoch, *epochs);
                let step = Step {
                    first: part.rows.first,
                    rows: part.rows.rows,
                    slot: slot as u32,
                    mixed: objective.augment.mixed(*seed, number),
                    share: part.share,
                    part: part.number,
                    ..Step::default()
                };
                // Rows are counted from 0 in each part, which must not draw the same numbers.
                let seed = if part.number == 0 { *seed } else { split_mix(*seed ^ u64::from(part.number)) };
                self.options.optimizer_at(number).fill(step, number, factor, momentum).keyed(seed, number)
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
        let mut under_way: VecDeque<(Submitted, Vec<Part>, f64)> = VecDeque::new();
        // The parts of a step are one to whoever hears of it.
        let mut whole = StepResult::default();
        let mut each = |part: &Part, result: &StepResult| {
            whole.add(result);
            match part.last {
                true => each(&std::mem::take(&mut whole)),
                false => Ok(ControlFlow::Continue(())),
            }
        };
        let at_once = self.options.images_at_once();
        let cut = if mode == Mode::Train { self.cut() } else { cut(&self.options, self.data, at_once) };
        let mut flow = ControlFlow::Continue(());
        let mut number = span.start;
        let (listener, context) = (self.listener.clone(), self.context);
        let hears = listener.as_deref();
        let mut stream = Stream::heard(split, order, cut, number as usize, listener.clone());
        while number < span.end
            && let Some(chunk) = note(hears, Activity::Starve, || stream.next())
        {
            let mut parts = parts(&chunk.steps, at_once);
            note(hears, Activity::Upload, || {
                self.feed.upload(context, &chunk.batch, &self.steps(&parts, number));
            });
            let wanted = chunk.steps.len().min(usize::try_from(span.end - number).unwrap_or(usize::MAX));
            number += wanted as u64;
            parts.retain(|part| part.step < wanted);
            let mut next = 0;
            // A step that has begun is finished.
            while next < parts.len() && (flow.is_continue() || parts[next].number > 0) {
                self.idle()?;
                let plan = if mode == Mode::Train { &self.train_plan } else { &self.evaluate_plan };
                let mut group = next..parts.len().min(next + self.pacer.steps());
                if flow.is_break() {
                    group.end = group.clone().find(|n| parts[*n].last).map_or(group.end, |last| last + 1);
                }
                let last = |n: usize| parts[n].last;
                let encoded = note(hears, Activity::Encode, || {
                    let (feed, arenas, stamps) = (&self.feed, &self.arenas, self.stamps.as_ref());
                    plan.encode_parts(context, feed, arenas, group.clone(), &last, stamps)
                });
                let submitted = note(hears, Activity::Submit, || encoded.submit(context));
                under_way.push_back((submitted, parts[group.clone()].to_vec(), clock::seconds()));
                next = group.end;
                if under_way.len() > 1 && self.collect(&mut under_way, &mut each)?.is_break() {
                    flow = ControlFlow::Break(());
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
        under_way: &mut VecDeque<(Submitted, Vec<Part>, f64)>,
        each: &mut impl FnMut(&Part, &StepResult) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let Some((submitted, parts, begun)) = under_way.pop_front() else {
            return Ok(ControlFlow::Continue(()));
        };
        let listener = self.listener.as_deref();
        let at = submitted.at;
        let finished =
            note(listener, Activity::Wait, || submitted.finish(self.context, self.stamps.as_ref()))?;
        self.pacer.observe(parts.len(), begun);
        if let Some(listener) = listener {
            let images = parts.iter().map(|part| u64::from(part.rows.rows)).sum();
            let device = finished.device.first().copied().flatten();
            let done = clock::seconds();
            listener.submission(Submission { steps: parts.len(), images, submitted: at, done, device });
        }
        let mut flow = ControlFlow::Continue(());
        for (part, [loss_sum, hits]) in parts.iter().zip(finished.results) {
            let (loss_sum, hits) = (f64::from(loss_sum), f64::from(hits));
            if each(part, &StepResult { rows: part.rows.rows, loss_sum, hits })?.is_break() {
                flow = ControlFlow::Break(());
            }
        }
        Ok(flow)
    }
}
