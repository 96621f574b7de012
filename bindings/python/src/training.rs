//! A training: the engine's trainer in a thread of its own, which does what Python asks for and tells what happens.

use crate::{
    arrays::{self, Means},
    device,
    errors::Failure,
    network::Network,
    team::Team,
    worker::{self, Heard},
};
use numpy::{PyArray1, PyReadonlyArray1};
use pollster::block_on;
use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
    types::PyDict,
};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
};
use wgrad::{
    Error,
    checkpoint::{Checkpoint, Position},
    data::{Dataset, Split},
    gpu::guarded,
    metrics::{Metrics, StepResult},
    model::Model,
    objective::Objective,
    program::Parameter,
    train::{Options, Progress, Seen, Trainer},
};

/// A weight of each row.
type Weights = Option<Arc<[f32]>>;

/// The variant that was tuned for each call.
type Tuned = BTreeMap<String, String>;

/// What Python asks for.
enum Command {
    /// In a team, to compile for so many images at once, with these variants: what all ranks have agreed on.
    Compile { fitting: usize, tuned: Tuned },
    /// To train as many steps, at most to the end of the epoch.
    Train { steps: u64, outputs: bool },
    /// To train a step on rows that arrived, with their weights and, if it changes, the learning rate.
    Step { split: Split, weights: Weights, rate: Option<f64>, outputs: bool },
    /// To begin the means of an epoch of such steps.
    Begin { epoch: u64 },
    /// To evaluate the validation part.
    Evaluate { outputs: bool },
    /// To evaluate rows that arrived, with their weights.
    Judge { data: Box<Dataset>, weights: Weights, outputs: bool },
    /// The complete state.
    State,
    /// To go on with other weights.
    Weights(Vec<f32>),
    /// The learning rates of the next steps; the last one stays.
    Rates(Vec<f64>),
}

/// What happens.
enum Event {
    /// The device is open, as a rank of a team: what its adapter can do.
    Prepared(Prepared),
    /// The kernels are compiled; steps in an epoch.
    Ready(u64),
    /// A batch is done: its index in the epoch, and the means of the epoch so far.
    Batch(u64, Metrics),
    /// The rows of a batch, their outputs, and the means of the pass so far.
    Outputs(Vec<u32>, Vec<f32>, Metrics),
    /// The step on rows that arrived is done; the means of the epoch so far.
    Stepped(Metrics),
    /// The steps are done; true at the end of an epoch.
    Trained(bool, Metrics),
    /// The evaluation is done, unless it was interrupted.
    Evaluated(Option<Metrics>),
    State(Box<Checkpoint>),
    /// A command without an answer was carried out.
    Done,
    Failed(Failure),
}

/// What the adapter of a rank can do, before all ranks agree.
#[derive(Clone)]
struct Prepared {
    /// Images that it computes at once.
    fitting: usize,
    tuned: Tuned,
    adapter: String,
}

/// Everything that a training needs.
struct Setup {
    model: Model,
    data: Dataset,
    options: Options,
    state: Checkpoint,
    /// Weights of the training and of the validation rows.
    weights: [Weights; 2],
    device: String,
    team: Option<wgrad::team::Team>,
}

impl Setup {
    /// Carries out commands until there are no more.
    async fn run(
        mut self,
        commands: &Receiver<Command>,
        events: &Sender<Event>,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        // Nobody listens after an interruption; the loop below then ends.
        let tell = |event| drop(events.send(event));
        let context = device::open(&self.device)?;
        // The images of this rank.
        let whole = self.options.batch;
        self.options.batch = self.team.as_ref().map_or(whole, |team| team.share().most(whole));
        let fitting = self.options.fitting(&context, &self.model, &self.data)?;
        self.options.cut_for(fitting);
        #[cfg(feature = "measuring")]
        {
            let tuned = crate::measuring::tuned(&context, &self.model, &self.data.input, &self.options)?;
            self.options.variants.tuned = tuned;
        }
        if self.team.is_some() {
            let (tuned, adapter) = (self.options.variants.tuned.clone(), context.describe());
            tell(Event::Prepared(Prepared { fitting, tuned, adapter }));
            let Ok(Command::Compile { fitting, tuned }) = commands.recv() else { return Ok(()) };
            self.options.variants.tuned = tuned;
            self.options.cut_for(fitting);
        }
        self.options.batch = whole;
        let mut trainer = match self.team.clone() {
            None => Trainer::new(&context, &self.model, self.data, self.options).await?,
            Some(team) => Trainer::in_team(&context, &self.model, self.data, self.options, team).await?,
        };
        trainer.restore(&self.state);
        trainer.share_state().await?;
        drop(self.state);
        let flow =
            || if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let see = |outputs: bool| {
            let events = events.clone();
            let see = move |seen: &Seen<'_>| {
                let Seen { images, outputs, so_far } = seen;
                drop(events.send(Event::Outputs(images.to_vec(), outputs.clone(), *so_far)));
            };
            outputs.then(|| Box::new(see) as Box<dyn FnMut(&Seen<'_>)>)
        };
        tell(Event::Ready(trainer.steps_per_epoch()));
        // The step at which the epoch of rows that arrive began, and its number.
        let (mut began, mut in_epoch) = (0, 0);
        while let Ok(command) = commands.recv() {
            tell(match command {
                Command::Train { steps, outputs } => {
                    trainer.see(see(outputs));
                    trainer.weigh(self.weights[0].clone())?;
                    let each = |position: &Position, _: &StepResult| {
                        tell(Event::Batch(position.step - 1, position.metrics()));
                        flow()
                    };
                    match trainer.advance(steps, each).await? {
                        Progress::Finished(metrics) => Event::Trained(true, metrics),
                        Progress::Paused => Event::Trained(false, trainer.position().metrics()),
                    }
                }
                Command::Begin { epoch } => {
                    trainer.restart_metrics();
                    (began, in_epoch) = (trainer.position().step, epoch);
                    Event::Done
                }
                Command::Step { split, weights, rate, outputs } => {
                    trainer.see(see(outputs));
                    trainer.weigh(weights)?;
                    rate.map_or(Ok(()), |rate| trainer.set_learning_rate(rate))?;
                    match trainer.train_on(&split).await {
                        Ok(_) => Event::Stepped(trainer.position().metrics()),
                        // Other rows may still be trained on.
                        Err(error @ Error::Dataset { .. }) => Event::Failed(error.into()),
                        Err(Error::Diverged { step, loss, .. }) => {
                            return Err(
                                Error::Diverged { epoch: in_epoch + 1, step: step - began, loss }.into()
                            );
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Command::Judge { data, weights, outputs } => {
                    trainer.see(see(outputs));
                    trainer.weigh(weights)?;
                    match data.check() {
                        Err(error) => Event::Failed(error.into()),
                        Ok(()) => {
                            let found = trainer.evaluate_while(&data.train, |_| flow()).await?;
                            Event::Evaluated(found.map(|judged| judged.metrics))
                        }
                    }
                }
                Command::Evaluate { outputs } => {
                    trainer.see(see(outputs));
                    trainer.weigh(self.weights[1].clone())?;
                    let data = trainer.data().clone();
                    let split = data.validation.as_ref().unwrap_or(&data.test);
                    Event::Evaluated(
                        trainer.evaluate_while(split, |_| flow()).await?.map(|judged| judged.metrics),
                    )
                }
                Command::State => Event::State(Box::new(trainer.checkpoint().await?)),
                Command::Weights(weights) => {
                    let state = trainer.checkpoint().await?;
                    trainer.restore(&Checkpoint { weights, ..state });
                    trainer.share_state().await?;
                    Event::Done
                }
                Command::Rates(rates) => {
                    trainer.set_learning_rates(&rates)?;
                    Event::Done
                }
                // It came before.
                Command::Compile { .. } => Event::Done,
            });
        }
        Ok(())
    }
}

/// A training of a network on arrays.
#[pyclass(frozen, module = "wgrad._wgrad")]
pub struct Training {
    network: Py<Network>,
    floats: bool,
    parameters: Vec<Parameter>,
    outputs: usize,
    steps: Mutex<u64>,
    prepared: Option<Prepared>,
    /// True after a failure of the work on the device.
    failed: AtomicBool,
    commands: Mutex<Sender<Command>>,
    events: Mutex<Receiver<Event>>,
    stop: Arc<AtomicBool>,
}

#[pymethods]
impl Training {
    /// Compiles the network for training on `x` and `y`, and for evaluation on `validation`. Without `x` and `y` it trains
    /// on rows that arrive, of float32 if `floats`, else of uint8. If `weighted`, these may have weights. As a rank of a
    /// `team`, it opens the device; `compile` does the rest.
    #[new]
    #[pyo3(signature = (network, x, y, validation, *, batch_size, epochs, seed, shuffle, device, weights, slots, steps_before, class_weight, sample_weight, validation_weight, in_turn, floats, weighted, team=None))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn new(
        py: Python<'_>,
        network: Py<Network>,
        x: Option<Bound<'_, PyAny>>,
        y: Option<Bound<'_, PyAny>>,
        validation: Option<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
        batch_size: usize,
        epochs: u64,
        seed: u64,
        shuffle: bool,
        device: String,
        weights: &Bound<'_, PyDict>,
        slots: BTreeMap<String, Bound<'_, PyDict>>,
        steps_before: u64,
        class_weight: Vec<f64>,
        sample_weight: Option<PyReadonlyArray1<'_, f32>>,
        validation_weight: Option<PyReadonlyArray1<'_, f32>>,
        in_turn: bool,
        floats: bool,
        weighted: bool,
        team: Option<Py<Team>>,
    ) -> PyResult<Self> {
        let owner = network.clone_ref(py);
        let network = network.get();
        let model = &network.loaded.model;
        let Some(optimizer) = network.loaded.optimizer else {
            return Err(PyValueError::new_err(
                "the network was compiled without an optimizer; call compile(optimizer=...)",
            ));
        };
        let train = match (&x, &y) {
            (Some(x), Some(y)) => network.split(x, y, floats)?,
            _ => network.blank(floats, batch_size)?,
        };
        let validation = validation.map(|(x, y)| network.split(&x, &y, floats)).transpose()?;
        let data = network.dataset(floats, train, validation)?;
        let example_weights = [weights_of(sample_weight), weights_of(validation_weight)];
        let objective = Objective {
            example_weights: weighted || example_weights.iter().any(Option::is_some),
            label_smoothing: network.loaded.label_smoothing,
            class_weight,
            ..Objective::default()
        };
        let mut options = Options {
            batch: batch_size,
            epochs,
            seed,
            optimizer,
            steps_before,
            shuffle,
            objective,
            ..Options::default()
        };
        if in_turn {
            // Python acts between any two steps, so no step is uploaded ahead of its turn.
            options.budget = 1;
        }
        let pack =
            |(name, slot): (String, Bound<'_, PyDict>)| Ok((name, arrays::pack(&network.parameters, &slot)?));
        let state = Checkpoint {
            weights: arrays::pack(&network.parameters, weights)?,
            slots: slots.into_iter().map(pack).collect::<PyResult<_>>()?,
            ..Checkpoint::default()
        };
        let team = team.map(|team| team.get().team.clone());
        let setup =
            Setup { model: model.clone(), data, options, state, weights: example_weights, device, team };
        let (send_command, commands) = channel();
        let (send, events) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stops = stop.clone();
        worker::start(move || {
            if let Err(failure) = block_on(guarded(setup.run(&commands, &send, &stops))) {
                // Nobody listens after an interruption.
                let _heard = send.send(Event::Failed(failure));
            }
        })?;
        let mut training = Self {
            network: owner,
            floats,
            parameters: network.parameters.clone(),
            outputs: network.outputs()?,
            steps: Mutex::new(0),
            prepared: None,
            failed: AtomicBool::new(false),
            commands: Mutex::new(send_command),
            events: Mutex::new(events),
            stop,
        };
        match training.first(py)? {
            Event::Prepared(prepared) => training.prepared = Some(prepared),
            event => training.ready(&event),
        }
        Ok(training)
    }

    /// As a rank of a team: the images that this device computes at once, the tuned variant of each call, and the name of
    /// the adapter.
    #[getter]
    fn prepared(&self) -> Option<(usize, Tuned, String)> {
        self.prepared.clone().map(|Prepared { fitting, tuned, adapter }| (fitting, tuned, adapter))
    }

    /// As a rank of a team: compiles the network together with the other ranks, all with the same arguments.
    fn compile(&self, py: Python<'_>, fitting: usize, tuned: Tuned) -> PyResult<()> {
        self.ask(Command::Compile { fitting, tuned })?;
        let event = self.next(py)?;
        self.ready(&event);
        Ok(())
    }

    /// Whether the work on the device has failed. Other ranks may then wait for this one.
    #[getter]
    fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Steps in an epoch.
    #[getter]
    fn steps_per_epoch(&self) -> u64 {
        *self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Trains `steps` steps, or to the end of the epoch. `on_batch` gets the index of each batch, and the mean loss and
    /// accuracy of the epoch so far, and ends the training by returning true. `on_outputs` gets the rows of each batch,
    /// the network's outputs for them, (rows, outputs), and the same means. Returns whether the epoch is over, and its
    /// mean loss and accuracy so far.
    #[pyo3(signature = (steps=None, on_batch=None, on_outputs=None))]
    fn train(
        &self,
        py: Python<'_>,
        steps: Option<u64>,
        on_batch: Option<Bound<'_, PyAny>>,
        on_outputs: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(bool, f64, Py<PyAny>)> {
        let outputs = on_outputs.is_some();
        self.ask(Command::Train { steps: steps.unwrap_or(u64::MAX), outputs })?;
        let end = self.listen(py, on_batch, on_outputs)?;
        let Event::Trained(over, metrics) = end else { return Err(unexpected()) };
        let (loss, accuracy) = arrays::means(py, &metrics)?;
        Ok((over, loss, accuracy))
    }

    /// Mean loss and accuracy on the validation part; `on_outputs` is as for `train`. None if another rank of the team has
    /// ended it.
    #[pyo3(signature = (on_outputs=None))]
    fn evaluate(&self, py: Python<'_>, on_outputs: Option<Bound<'_, PyAny>>) -> PyResult<Option<Means>> {
        self.ask(Command::Evaluate { outputs: on_outputs.is_some() })?;
        let end = self.listen(py, None, on_outputs)?;
        evaluated(py, end)
    }

    /// Begins an epoch of steps on rows that arrive; `epoch` counts from 0.
    fn begin(&self, py: Python<'_>, epoch: u64) -> PyResult<()> {
        self.ask(Command::Begin { epoch })?;
        self.next(py).map(|_| ())
    }

    /// Sends the rows of a step, with their weights if there are any and, if it changes, the learning rate. It does not
    /// wait: `done` does. With `outputs`, the step's outputs are read from the device.
    #[pyo3(signature = (x, y, sample_weight=None, learning_rate=None, outputs=false))]
    fn step(
        &self,
        x: &Bound<'_, PyAny>,
        y: &Bound<'_, PyAny>,
        sample_weight: Option<PyReadonlyArray1<'_, f32>>,
        learning_rate: Option<f64>,
        outputs: bool,
    ) -> PyResult<()> {
        let split = self.network.get().split(x, y, self.floats)?;
        let weights = weights_of(sample_weight);
        self.ask(Command::Step { split, weights, rate: learning_rate, outputs })
    }

    /// Waits for the oldest step that was sent. Returns the mean loss and accuracy of the epoch so far; `on_outputs` is as
    /// for `train`.
    #[pyo3(signature = (on_outputs=None))]
    fn done(&self, py: Python<'_>, on_outputs: Option<Bound<'_, PyAny>>) -> PyResult<Means> {
        let end = self.listen(py, None, on_outputs)?;
        let Event::Stepped(metrics) = end else { return Err(unexpected()) };
        arrays::means(py, &metrics)
    }

    /// Mean loss and accuracy on rows that arrive, at most as many as a batch has; `on_outputs` is as for `train`. None if
    /// another rank of the team has ended it.
    #[pyo3(signature = (x, y, sample_weight=None, on_outputs=None))]
    fn judge(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        y: &Bound<'_, PyAny>,
        sample_weight: Option<PyReadonlyArray1<'_, f32>>,
        on_outputs: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Option<Means>> {
        let network = self.network.get();
        let data = network.dataset(self.floats, network.split(x, y, self.floats)?, None)?;
        let weights = weights_of(sample_weight);
        self.ask(Command::Judge { data: Box::new(data), weights, outputs: on_outputs.is_some() })?;
        let end = self.listen(py, None, on_outputs)?;
        evaluated(py, end)
    }

    /// The tensors by name, and those of the optimizer's state by the name of the state.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyDict>, Bound<'py, PyDict>)> {
        self.ask(Command::State)?;
        let Event::State(state) = self.next(py)? else { return Err(unexpected()) };
        let slots = PyDict::new(py);
        for (name, arena) in state.slots {
            slots.set_item(name, arrays::unpack(py, &self.parameters, arena)?)?;
        }
        Ok((arrays::unpack(py, &self.parameters, state.weights)?, slots))
    }

    /// Goes on with these tensors.
    fn set_weights(&self, py: Python<'_>, weights: &Bound<'_, PyDict>) -> PyResult<()> {
        self.ask(Command::Weights(arrays::pack(&self.parameters, weights)?))?;
        self.next(py).map(|_| ())
    }

    /// Sets the learning rates of the next steps; the last one stays.
    fn set_learning_rates(&self, py: Python<'_>, rates: Vec<f64>) -> PyResult<()> {
        self.ask(Command::Rates(rates))?;
        self.next(py).map(|_| ())
    }
}

/// Weights as the trainer takes them.
fn weights_of(weights: Option<PyReadonlyArray1<'_, f32>>) -> Weights {
    weights.map(|weights| weights.as_array().iter().copied().collect())
}

/// The error for an event that answers another question.
fn unexpected() -> PyErr {
    PyRuntimeError::new_err("the training was interrupted")
}

/// The means of an evaluation, unless another rank ended it.
fn evaluated(py: Python<'_>, end: Event) -> PyResult<Option<Means>> {
    let Event::Evaluated(found) = end else { return Err(unexpected()) };
    found.map(|metrics| arrays::means(py, &metrics)).transpose()
}

impl Training {
    /// Notes the steps of an epoch, once the kernels are compiled.
    fn ready(&self, event: &Event) {
        if let Event::Ready(steps) = event {
            *self.steps.lock().unwrap_or_else(PoisonError::into_inner) = *steps;
        }
    }

    fn ask(&self, command: Command) -> PyResult<()> {
        let sent = self.commands.lock().unwrap_or_else(PoisonError::into_inner).send(command);
        sent.map_err(|_| PyRuntimeError::new_err("the training has ended; start another"))
    }

    /// The first event, unless a signal raises an exception while kernels are compiled.
    fn first(&self, py: Python<'_>) -> PyResult<Event> {
        match worker::next(py, &self.events)? {
            Event::Failed(failure) => Err(failure.into()),
            event => Ok(event),
        }
    }

    /// The answer to a command. An exception of Ctrl-C waits for it, so that no later command gets it.
    fn next(&self, py: Python<'_>) -> PyResult<Event> {
        self.listen(py, None, None)
    }

    /// Passes events to Python until the work is done. An exception, of a callback or of Ctrl-C, stops the work between
    /// two steps and is raised then.
    fn listen(
        &self,
        py: Python<'_>,
        on_batch: Option<Bound<'_, PyAny>>,
        on_outputs: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Event> {
        let mut raised: Option<PyErr> = None;
        let halt = |raised: &mut Option<PyErr>, error: Option<PyErr>| {
            self.stop.store(true, Ordering::Relaxed);
            *raised = raised.take().or(error);
        };
        let heard = loop {
            let event = match worker::wait(py, &self.events) {
                Heard::Event(event) => event,
                Heard::Raised(error) => {
                    halt(&mut raised, Some(error));
                    continue;
                }
                Heard::Gone(error) => break Err(error),
            };
            match event {
                Event::Batch(index, metrics) => {
                    if let (Some(on_batch), false) = (&on_batch, self.stop.load(Ordering::Relaxed)) {
                        let over = arrays::means(py, &metrics)
                            .and_then(|(loss, accuracy)| on_batch.call1((index, loss, accuracy)));
                        match over.and_then(|over| over.is_truthy()) {
                            Ok(false) => {}
                            Ok(true) => halt(&mut raised, None),
                            Err(error) => halt(&mut raised, Some(error)),
                        }
                    }
                }
                Event::Outputs(rows, outputs, metrics) => {
                    if let (Some(on_outputs), None) = (&on_outputs, &raised) {
                        let rows = PyArray1::from_vec(py, rows);
                        let outputs = arrays::rows(py, outputs, self.outputs);
                        let call = outputs.and_then(|outputs| {
                            let (loss, accuracy) = arrays::means(py, &metrics)?;
                            on_outputs.call1((rows, outputs, loss, accuracy))
                        });
                        if let Err(error) = call {
                            halt(&mut raised, Some(error));
                        }
                    }
                }
                Event::Failed(failure) => break Err(failure.into()),
                end => break Ok(end),
            }
        };
        self.stop.store(false, Ordering::Relaxed);
        if heard.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        match raised {
            Some(error) => Err(error),
            None => heard,
        }
    }
}
