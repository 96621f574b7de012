//! Predictions, the outputs of a network for many inputs, and evaluations.

use crate::{arrays, device, errors::Failure, network::Network, worker};
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pollster::block_on;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};
use std::sync::{
    Mutex,
    mpsc::{Sender, channel},
};
use wgrad::{
    checkpoint::Checkpoint, gpu::Context, model::Model, predict::Predictor, preprocessing::Preprocessing,
    selection::Choices,
};

/// Progress of a prediction.
enum Event {
    /// The outputs of further inputs.
    Rows(Vec<Vec<f32>>),
    Failed(Failure),
    Done,
}

/// Everything that a prediction needs.
struct Work {
    model: Model,
    input: Preprocessing,
    weights: Vec<f32>,
    images: Vec<u8>,
    batch: usize,
    device: String,
}

impl Work {
    /// Predicts batch after batch, until nobody listens any more.
    async fn run(&self, events: &Sender<Event>) -> Result<(), Failure> {
        let context: Context = device::open(&self.device)?;
        let state = Checkpoint { weights: self.weights.clone(), ..Checkpoint::default() };
        let (model, input) = (&self.model, &self.input);
        let predictor =
            Predictor::of_network(&context, model, input, &state, self.batch, &Choices::default()).await?;
        for part in self.images.chunks(predictor.batch() * input.bytes(model.pixels())) {
            if events.send(Event::Rows(predictor.outputs(part).await?)).is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// The outputs of the network for each row of `x`, (rows, outputs).
#[pyfunction]
#[pyo3(signature = (network, weights, x, *, batch_size, device))]
pub fn predict<'py>(
    py: Python<'py>,
    network: &Network,
    weights: &Bound<'py, PyDict>,
    x: &Bound<'py, PyAny>,
    batch_size: usize,
    device: String,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let images = network.images(x)?;
    let Some(input) = network.loaded.preprocessing(images.floats) else {
        return Err(PyValueError::new_err("x is of uint8, expected float32 for this network"));
    };
    let (count, outputs) = (images.count, network.outputs()?);
    let work = Work {
        model: network.loaded.model.clone(),
        input,
        weights: arrays::pack(&network.parameters, weights)?,
        images: images.bytes,
        batch: batch_size.min(count.max(1)),
        device,
    };
    let (send, receive) = channel();
    worker::start(move || {
        let end = match block_on(work.run(&send)) {
            Ok(()) => Event::Done,
            Err(failure) => Event::Failed(failure),
        };
        // Nobody listens after an interruption.
        let _heard = send.send(end);
    })?;
    let receive = Mutex::new(receive);
    let mut all = Vec::with_capacity(count * outputs);
    loop {
        match worker::next(py, &receive)? {
            Event::Rows(rows) => rows.iter().for_each(|row| all.extend_from_slice(row)),
            Event::Failed(failure) => return Err(failure.into()),
            Event::Done => return PyArray1::from_vec(py, all).reshape([count, outputs]),
        }
    }
}

/// Mean loss and accuracy of the network on the rows of `x` and the labels `y`.
#[pyfunction]
#[pyo3(signature = (network, weights, x, y, *, batch_size, device))]
pub fn evaluate(
    py: Python<'_>,
    network: &Network,
    weights: &Bound<'_, PyDict>,
    x: &Bound<'_, PyAny>,
    y: &Bound<'_, PyAny>,
    batch_size: usize,
    device: String,
) -> PyResult<(f64, f64)> {
    let numbers = network.loss.is_regression();
    let images = network.images(x)?;
    let data = network.dataset(images.floats, arrays::split(images, arrays::labels(y, numbers)?)?, None)?;
    let state = Checkpoint { weights: arrays::pack(&network.parameters, weights)?, ..Checkpoint::default() };
    let model = network.loaded.model.clone();
    let (send, receive) = channel();
    worker::start(move || {
        let found = block_on(async {
            let context = device::open(&device)?;
            let (split, none) = (&data.test, Choices::default());
            let found =
                wgrad::evaluate::evaluate(&context, &model, &state, &data, split, batch_size, &none, |_| ());
            Ok::<_, Failure>(found.await?.metrics)
        });
        // Nobody listens after an interruption.
        let _heard = send.send(found);
    })?;
    let found = worker::next(py, &Mutex::new(receive))??;
    Ok((found.loss, found.accuracy))
}
