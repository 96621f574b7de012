//! The training loop: chunks of images go in, loss and hits come out, everything between stays on the
//! device. It reads results of work that is already done and never waits inside a step; it knows no files.

use crate::{
    Error, Result,
    checkpoint::{Checkpoint, Position},
    clock,
    data::{
        Dataset, Split,
        stream::{BUDGET, Cut, Order, Rows, Stream},
    },
    feed::Step,
    gpu::{Arenas, Context, FeedBuffers, Plan, Submitted},
    loss::Loss,
    model::Model,
    objective::Objective,
    op::Choices,
    optim::Sgd,
    pacer::Pacer,
    program::{Mode, Parameter},
    schedule::Schedule,
    user_file,
};
use std::{collections::VecDeque, ops::ControlFlow};

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
    pub optimizer: Sgd,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// Whether each epoch visits the images in an order of its own.
    pub shuffle: bool,
    /// Variants chosen by hand or tuned.
    pub variants: Choices,
    /// Bytes of images that are handed to the device at once.
    pub budget: usize,
    /// What it makes of images and labels; of older runs nothing but the plain loss is known.
    #[serde(default, skip_serializing_if = "Objective::is_plain")]
    pub objective: Objective,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: 128,
            epochs: 5,
            seed: 0,
            optimizer: Sgd::default(),
            schedule: Schedule::default(),
            shuffle: true,
            variants: Choices::default(),
            budget: BUDGET,
            objective: Objective::default(),
        }
    }
}

/// Mean loss and accuracy over some images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The mean loss; of classes, cross-entropy in nats.
    pub loss: f64,
    /// Share of images whose class is found, in [0, 1]; of a regression, those whose number rounds to the label.
    pub accuracy: f64,
    /// How many images.
    pub images: u64,
}

impl Metrics {
    /// What says which weights are best, the larger the better, from 0: the accuracy; of a regression, whose accuracy is
    /// coarse, a falling function of the loss.
    pub fn judged(&self, loss: Loss) -> f64 {
        if loss.is_regression() { 1.0 / (1.0 + self.loss) } else { self.accuracy }
    }
}

impl Position {
    /// The metrics of the epoch so far.
    pub fn metrics(&self) -> Metrics {
        let images = self.seen.max(1) as f64;
        Metrics { loss: self.loss_sum / images, accuracy: self.hits / images, images: self.seen }
    }

    /// Counts a step.
    pub(crate) fn count(&mut self, result: &StepResult) {
        self.step += 1;
        self.seen += u64::from(result.rows);
        self.loss_sum += result.loss_sum;
        self.hits += result.hits;
    }
}

/// What one step computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepResult {
    /// Images in its batch.
    pub rows: u32,
    /// Sum of their losses, before the update.
    pub loss_sum: f64,
    /// How many of them were right.
    pub hits: f64,
}

impl StepResult {
    /// Mean loss of the batch.
    pub fn loss(&self) -> f64 {
        self.loss_sum / f64::from(self.rows.max(1))
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
        options.optimizer.validate()?;
        if options.batch == 0 {
            return Err(Error::Option { name: "--batch", got: "0".into(), expected: "at least 1" });
        }
        fits(model, data)?;
        options.objective.validate(data.classes.len())?;
        if options.objective.label_smoothing > 0.0 && model.loss()?.is_regression() {
            let got = format!("{} with {}", options.objective.label_smoothing, model.loss()?);
            return Err(Error::Option {
                name: "--label-smoothing",
                got,
                expected: "0 where no classes are told",
            });
        }
        let parameters = model.parameters()?;
        let cut = Cut { batch: options.batch, pixels: data.pixels(), budget: options.budget };
        let longest = [&data.train, &data.test].into_iter().chain(&data.validation).map(Split::len).max();
        let slots = cut.steps_per_chunk(longest.unwrap_or(0));
        let images = (slots * options.batch).min(longest.unwrap_or(1).max(1));
        let feed = FeedBuffers::new(context, images, data.pixels(), slots)?;
        let arenas = Arenas::new(context, &parameters, slots)?;
        let plan = async |mode| {
            let Options { batch, optimizer, objective, .. } = &options;
            let program = model.program_with(mode, *batch, slots, optimizer, objective)?;
            Plan::compile(context, program, &arenas, &options.variants).await
        };
        let (train_plan, evaluate_plan) = (plan(Mode::Train).await?, plan(Mode::Evaluate).await?);
        let nodes = [&train_plan, &evaluate_plan].into_iter().flat_map(|plan| &plan.program.nodes);
        user_file::prove(context, nodes, &options.variants).await?;
        context.write(&arenas.parameters, &model.initial_weights(options.seed)?);
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

    /// Reads the whole state back.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub async fn checkpoint(&self) -> Result<Checkpoint> {
        let arenas = [&self.arenas.parameters, &self.arenas.velocities];
        let words = self.context.read_words(&arenas).await?;
        let mut floats = words.into_iter().map(|w| w.into_iter().map(f32::from_bits).collect());
        let (weights, velocities) = (floats.next().unwrap_or_default(), floats.next().unwrap_or_default());
        Ok(Checkpoint { weights, velocities, position: self.position })
    }

    /// Goes on from `checkpoint`; one without velocities starts them from zero.
    pub fn restore(&mut self, checkpoint: &Checkpoint) {
        self.context.write(&self.arenas.parameters, &checkpoint.weights);
        if checkpoint.velocities.is_empty() {
            self.context.write(&self.arenas.velocities, &vec![0f32; self.arenas.velocities.len]);
        } else {
            self.context.write(&self.arenas.velocities, &checkpoint.velocities);
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
        mut each: impl FnMut(&Position, &StepResult) -> ControlFlow<()>,
    ) -> Result<ControlFlow<(), Metrics>> {
        let (data, seed, epoch) = (self.data, self.options.seed, self.position.epoch);
        let order = if self.options.shuffle { Order::Shuffled { seed, epoch } } else { Order::File };
        let mut position = self.position;
        let first = position.step;
        let flow = self
            .run(Mode::Train, &data.train, order, first, |result| {
                if !result.loss_sum.is_finite() {
                    let (epoch, step) = (position.epoch + 1, position.step + 1);
                    return Err(Error::Diverged { epoch, step, loss: result.loss() });
                }
                position.count(result);
                Ok(each(&position, result))
            })
            .await?;
        self.position = position;
        if flow.is_break() && position.step < self.steps_per_epoch() {
            return Ok(ControlFlow::Break(()));
        }
        self.position = Position { epoch: epoch + 1, best: position.best, ..Position::default() };
        Ok(ControlFlow::Continue(position.metrics()))
    }

    /// Loss and accuracy on `split`, with the weights as they are.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub async fn evaluate(&mut self, split: &Split) -> Result<Metrics> {
        let mut total = Position::default();
        let all = self
            .run(Mode::Evaluate, split, Order::File, 0, |result| {
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
        let Options { seed, optimizer, schedule, epochs, objective, .. } = &self.options;
        let per_epoch = self.steps_per_epoch();
        rows.iter()
            .enumerate()
            .map(|(slot, rows)| {
                let number = self.position.epoch * per_epoch + first + slot as u64;
                let factor = schedule.factor(number, per_epoch, *epochs);
                let learning_rate = (optimizer.learning_rate * factor) as f32;
                let step = Step {
                    first: rows.first,
                    rows: rows.rows,
                    slot: slot as u32,
                    learning_rate,
                    mixed: objective.augment.mixed(*seed, number),
                    ..Step::default()
                };
                step.keyed(*seed, number)
            })
            .collect()
    }

    /// Streams `split` through a plan from step `first` on. Two submissions are on their way at any time, so
    /// that the device has work while the host looks at the results of the one before.
    async fn run(
        &mut self,
        mode: Mode,
        split: &Split,
        order: Order,
        first: u64,
        mut each: impl FnMut(&StepResult) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let mut under_way: VecDeque<(Submitted, Vec<Rows>, f64)> = VecDeque::new();
        let mut flow = ControlFlow::Continue(());
        let mut number = first;
        for chunk in Stream::start(split, order, self.cut(), first as usize) {
            self.feed.upload(self.context, &chunk.batch, &self.steps(&chunk.steps, number));
            number += chunk.steps.len() as u64;
            let mut next = 0;
            while next < chunk.steps.len() && flow.is_continue() {
                let plan = if mode == Mode::Train { &self.train_plan } else { &self.evaluate_plan };
                let group = next..chunk.steps.len().min(next + self.pacer.steps());
                let submitted = plan.submit(self.context, &self.feed, &self.arenas, group.clone());
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
        let results = submitted.results(self.context)?;
        self.pacer.observe(rows.len(), begun);
        let mut flow = ControlFlow::Continue(());
        for (rows, result) in rows.iter().zip(results) {
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
