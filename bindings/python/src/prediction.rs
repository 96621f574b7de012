//! Predictions, the outputs of a network for inputs, and evaluations. Both compile the network once, for any number of
//! arrays: a thread of their own takes one after the other.

use crate::{
    arrays::{self, Means},
    device,
    errors::Failure,
    network::Network,
    worker::{self, Asks},
};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pollster::block_on;
use pyo3::{prelude::*, types::PyDict};
use std::{
    ops::ControlFlow,
    sync::mpsc::{Receiver, Sender, channel},
};
use wgrad::{
    checkpoint::Checkpoint,
    data::{Dataset, Split},
    evaluate::{Evaluator, Seen},
    gpu::guarded,
    metrics::Metrics,
    predict::Predictor,
    preprocessing::Preprocessing,
    selection::Choices,
};

/// Answer to an array.
enum Answer {
    /// The outputs of further inputs, (rows, outputs).
    Rows(Vec<f32>),
    /// The rows of a batch, their outputs, and the means so far.
    Outputs(Vec<u32>, Vec<f32>, Metrics),
    /// The array is done; the means of an evaluation.
    Done(Metrics),
    Failed(Failure),
}

/// Starts a thread that does `work` with the requests that arrive, and reports its failure.
fn serve<R: Send + 'static>(
    work: impl AsyncFnOnce(Receiver<R>, &Sender<Answer>) -> Result<(), Failure> + Send + 'static,
) -> PyResult<Asks<R, Answer>> {
    let (ask, requests) = channel();
    let (send, answers) = channel();
    worker::start(move || {
        if let Err(failure) = block_on(guarded(work(requests, &send))) {
            // Nobody listens after an interruption.
            let _heard = send.send(Answer::Failed(failure));
        }
    })?;
    Ok(Asks::new(ask, answers))
}

/// A network on a device, for the outputs of arrays.
#[pyclass(frozen, module = "wgrad._wgrad")]
pub struct Prediction {
    network: Py<Network>,
    asks: Asks<Vec<u8>, Answer>,
    floats: bool,
    outputs: usize,
}

#[pymethods]
impl Prediction {
    /// Compiles the network for float32, or for uint8, in batches of at most `batch_size` rows.
    #[new]
    #[pyo3(signature = (network, weights, *, floats, batch_size, device))]
    fn new(
        py: Python<'_>,
        network: Py<Network>,
        weights: &Bound<'_, PyDict>,
        floats: bool,
        batch_size: usize,
        device: String,
    ) -> PyResult<Self> {
        let known = network.get();
        let input: Preprocessing = known.preprocessing(floats)?;
        let weights = arrays::pack(&known.parameters, weights)?;
        let state = Checkpoint { weights, ..Checkpoint::default() };
        let (model, outputs) = (known.loaded.model.clone(), known.outputs()?);
        let pixels = input.bytes(model.pixels());
        let asks = serve(async move |requests: Receiver<Vec<u8>>, answers: &Sender<Answer>| {
            let context = device::open(&device)?;
            let choices = Choices::default();
            let made = Predictor::of_network(&context, &model, &input, &state, batch_size, &choices);
            let predictor = made.await?;
            drop(state);
            while let Ok(images) = requests.recv() {
                for part in images.chunks(predictor.batch() * pixels) {
                    if answers.send(Answer::Rows(predictor.outputs(part).await?.concat())).is_err() {
                        return Ok(());
                    }
                }
                drop(answers.send(Answer::Done(Metrics::default())));
            }
            Ok(())
        })?;
        Ok(Self { network: network.clone_ref(py), asks, floats, outputs })
    }

    /// The outputs for each row of `x`, (rows, outputs).
    fn outputs<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let images = self.network.get().images_of(x, self.floats)?;
        let count = images.count;
        self.asks.ask(images.bytes)?;
        let mut all = Vec::with_capacity(count * self.outputs);
        loop {
            match self.asks.next(py)? {
                Answer::Rows(rows) => all.extend(rows),
                Answer::Failed(failure) => return Err(failure.into()),
                _ => return PyArray1::from_vec(py, all).reshape([count, self.outputs]),
            }
        }
    }
}

/// An array to evaluate: the data, and the weights of its rows.
type Part = (Dataset, Option<Vec<f32>>, bool);

/// A network on a device, for its loss and metrics on arrays.
#[pyclass(frozen, module = "wgrad._wgrad")]
pub struct Evaluation {
    network: Py<Network>,
    asks: Asks<Part, Answer>,
    floats: bool,
    outputs: usize,
}

#[pymethods]
impl Evaluation {
    /// Compiles the network for float32, or for uint8, in batches of at most `batch_size` rows, of arrays of usually
    /// `rows` rows. If `weighted`, each row may have a weight.
    #[new]
    #[pyo3(signature = (network, weights, *, floats, rows, weighted, batch_size, device))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn new(
        py: Python<'_>,
        network: Py<Network>,
        weights: &Bound<'_, PyDict>,
        floats: bool,
        rows: usize,
        weighted: bool,
        batch_size: usize,
        device: String,
    ) -> PyResult<Self> {
        let known = network.get();
        let weights = arrays::pack(&known.parameters, weights)?;
        let state = Checkpoint { weights, ..Checkpoint::default() };
        let (model, outputs) = (known.loaded.model.clone(), known.outputs()?);
        let template = known.dataset(floats, known.blank(floats, 1)?, None)?;
        let asks = serve(async move |requests: Receiver<Part>, answers: &Sender<Answer>| {
            let context = device::open(&device)?;
            let (sizes, choices) = ((batch_size, rows), Choices::default());
            let made = Evaluator::new(&context, &model, &state, &template, sizes, weighted, &choices);
            let mut evaluator = made.await?;
            drop((state, template));
            while let Ok((data, weights, outputs)) = requests.recv() {
                // Nobody listens after an interruption.
                let see = |seen: &Seen<'_>| {
                    let sent = answers.send(match outputs {
                        true => Answer::Outputs(seen.images.to_vec(), seen.outputs.clone(), seen.so_far),
                        false => Answer::Rows(Vec::new()),
                    });
                    if sent.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                };
                let found = evaluator.evaluate(&data, &data.train, weights.as_deref(), see).await?;
                let Some(found) = found else { break };
                drop(answers.send(Answer::Done(found.metrics)));
            }
            Ok(())
        })?;
        Ok(Self { network: network.clone_ref(py), asks, floats, outputs })
    }

    /// Mean loss and accuracy on the rows of `x` and the labels `y`, with the weights of the rows if there are any.
    /// `on_outputs` gets the rows of each batch, the network's outputs for them, (rows, outputs), and the means so far.
    #[pyo3(signature = (x, y, sample_weight=None, on_outputs=None))]
    fn evaluate(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        y: &Bound<'_, PyAny>,
        sample_weight: Option<PyReadonlyArray1<'_, f32>>,
        on_outputs: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Means> {
        let network = self.network.get();
        let split: Split = network.split(x, y, self.floats)?;
        let data = network.dataset(self.floats, split, None)?;
        let weights = sample_weight.map(|weights| weights.as_array().iter().copied().collect());
        self.asks.ask((data, weights, on_outputs.is_some()))?;
        loop {
            match self.asks.next(py)? {
                Answer::Outputs(rows, outputs, metrics) => {
                    if let Some(on_outputs) = &on_outputs {
                        let outputs = arrays::rows(py, outputs, self.outputs)?;
                        let (loss, accuracy) = arrays::means(py, &metrics)?;
                        on_outputs.call1((PyArray1::from_vec(py, rows), outputs, loss, accuracy))?;
                    }
                }
                Answer::Failed(failure) => return Err(failure.into()),
                Answer::Done(metrics) => return arrays::means(py, &metrics),
                Answer::Rows(_) => {}
            }
        }
    }
}
