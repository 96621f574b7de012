//! Measurements of the library: variants of shaders, the kernels of a network, a training step; and explanations. Each
//! works in a thread of its own and tells its progress. Python gets plain rows, as JSON.

use crate::{arrays, device, errors::Failure, network::Network, worker};
use numpy::PyArray1;
use pollster::block_on;
use pyo3::{prelude::*, types::PyDict};
use std::{
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
};
use wgrad::{
    checkpoint::Checkpoint,
    explain::{Explainer, Explanation},
    gpu::guarded,
};

/// What the thread of a measurement tells.
enum Event<T> {
    /// What it does now.
    Said(String),
    Done(T),
    Failed(Failure),
}

/// The way to tell Python what is done now. The work ends there once Python no longer waits for it.
pub struct Telling<T> {
    events: Sender<Event<T>>,
    over: Arc<AtomicBool>,
}

impl<T> Telling<T> {
    /// Tells what is done now.
    pub fn say(&self, text: &str) {
        if self.over.load(Ordering::Relaxed) {
            // No bug, so no report of a panic: the measurements have no other way out.
            resume_unwind(Box::new("interrupted"));
        }
        drop(self.events.send(Event::Said(text.to_string())));
    }
}

/// Does `work` in a thread, and passes to `told` what it says. An exception, of `told` or of Ctrl-C, ends the work where
/// it next says something.
fn during<T: Send + 'static>(
    py: Python<'_>,
    told: Option<&Bound<'_, PyAny>>,
    work: impl AsyncFnOnce(&Telling<T>) -> Result<T, Failure> + Send + 'static,
) -> PyResult<T> {
    let (events, heard) = channel();
    let over = Arc::new(AtomicBool::new(false));
    let telling = Telling { events, over: over.clone() };
    worker::start(move || {
        let event = match block_on(guarded(work(&telling))) {
            Ok(found) => Event::Done(found),
            Err(failure) => Event::Failed(failure),
        };
        // Nobody listens after an interruption.
        let _heard = telling.events.send(event);
    })?;
    let heard = std::sync::Mutex::new(heard);
    let stopped = |error: PyErr| {
        over.store(true, Ordering::Relaxed);
        error
    };
    loop {
        match worker::next(py, &heard).map_err(stopped)? {
            Event::Said(text) => {
                if let Some(told) = told {
                    told.call1((text,)).map_err(stopped)?;
                }
            }
            Event::Done(found) => return Ok(found),
            Event::Failed(failure) => return Err(failure.into()),
        }
    }
}

/// What `explain` gives: the outputs before the last softmax or sigmoid, the gradient of the score, and name, shape and
/// values of the output of each layer.
type Explained<'py> =
    (Bound<'py, PyAny>, Bound<'py, PyAny>, Vec<(String, Bound<'py, PyAny>)>, Option<String>);

/// Explains the network's outputs for the rows of `x`: for each row, `outputs` has the output whose score is
/// differentiated. The last part is a picture of the first row as HTML, where rows are pictures.
#[pyfunction]
pub fn explain<'py>(
    py: Python<'py>,
    network: Py<Network>,
    weights: &Bound<'py, PyDict>,
    x: &Bound<'py, PyAny>,
    outputs: Vec<usize>,
    floats: bool,
    device: String,
) -> PyResult<Explained<'py>> {
    let known = network.get();
    let images = known.images_of(x, floats)?;
    let input = known.preprocessing(floats)?;
    let weights = arrays::pack(&known.parameters, weights)?;
    let state = Checkpoint { weights, ..Checkpoint::default() };
    let model = known.loaded.model.clone();
    let (shape, rows) = (model.input_shape, images.count);
    let found = during(py, None, async move |_: &Telling<Explanation>| {
        let context = device::open(&device)?;
        let explainer = Explainer::new(&context, &model, &input, &state, rows, true).await?;
        Ok(explainer.explain(&images.bytes, &outputs).await?)
    })?;
    let picture = pictures(shape, &found);
    let array = |values: Vec<f32>, shape: &[usize]| -> PyResult<Bound<'py, PyAny>> {
        PyArray1::from_vec(py, values).call_method1("reshape", ([&[rows], shape].concat(),))
    };
    let layers = found.layers.into_iter().map(|layer| Ok((layer.layer, array(layer.values, &layer.shape)?)));
    let layers = layers.collect::<PyResult<_>>()?;
    let logits = array(found.logits, &[known.outputs()?])?;
    Ok((logits, array(found.gradient, &shape)?, layers, picture))
}

#[cfg(feature = "measuring")]
fn pictures(shape: [usize; 3], found: &Explanation) -> Option<String> {
    let drawn = wgrad_report::runs::explained(shape, found);
    let all: Vec<String> = drawn.iter().map(|gallery| gallery.svg().to_string()).collect();
    (!all.is_empty()).then(|| all.concat())
}

#[cfg(not(feature = "measuring"))]
fn pictures(_: [usize; 3], _: &Explanation) -> Option<String> {
    None
}

#[cfg(feature = "measuring")]
pub use measured::{lab, profile, tune, tuned};
#[cfg(not(feature = "measuring"))]
pub use missing::{lab, profile, tune};

#[cfg(feature = "measuring")]
mod measured {
    use super::{Telling, during};
    use crate::{arrays, device, errors::Failure, errors::spelled, network::Network};
    use pyo3::{prelude::*, types::PyDict};
    use serde_json::json;
    use std::{
        collections::BTreeMap,
        path::{Path, PathBuf},
    };
    use wgrad::{
        checkpoint::Checkpoint,
        gpu::{AdapterRecord, Context, Options},
        kernels,
        model::Model,
        objective::Objective,
        op::user_file,
        preprocessing::Preprocessing,
        train::{self, Trainer},
    };
    use wgrad_files::calendar;
    use wgrad_lab::{
        folder,
        measure::{Lab, measure},
        measurement::{Conditions, peaks},
        profile::{self as profiles, dispatches::LayerRow, trace::Trace},
        request::{Request, patience},
        row, tune as tuning,
        tune::{
            Event, Line, Settings, State,
            cache::{Cache, Entry, Found, Place},
        },
        workload,
    };
    use wgrad_report::lab::About;

    fn about(what: &str) -> About {
        About { command: what.to_string(), date: calendar::today() }
    }

    /// Proves, then times, variants of an operation: those that are named, or all, and those of `files`. Returns the rows
    /// as JSON, and a page.
    #[pyfunction]
    #[pyo3(signature = (op, *, size, variants, files, activation, seconds, cases, seed, device, told))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    pub fn lab(
        py: Python<'_>,
        op: String,
        size: Option<String>,
        variants: Vec<String>,
        files: Vec<PathBuf>,
        activation: Option<String>,
        seconds: f64,
        cases: Option<usize>,
        seed: u64,
        device: String,
        told: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(String, String)> {
        during(py, told.as_ref(), async move |telling: &Telling<_>| {
            let found = match kernels::op(&op) {
                Err(_) if folder::is_folder(&op) => folder::read(Path::new(&op)),
                known => known,
            }?;
            let call = workload::wanted(found, activation.as_deref(), size.as_deref())?;
            let named = variants.iter().map(|name| found.find(name));
            let mut chosen = named.collect::<wgrad::Result<Vec<_>>>()?;
            if variants.is_empty() {
                chosen.extend(found.variants().iter().cloned());
            }
            for path in &files {
                chosen.push(user_file::read(found, path)?);
            }
            // Kernels that may hang get a device of their own.
            let adapter = device.parse().unwrap_or_default();
            let mut lab = Lab::open(Options { adapter, ..Options::default() }).await?;
            let mut peak = None;
            if seconds > 0.0 {
                telling.say("measuring this adapter's peaks");
                peak = Some(peaks::measure(&lab.context, seconds.min(2.0)).await?);
            }
            let timeout = patience(&call);
            let refused = BTreeMap::new();
            let request = Request { call, variants: chosen, refused, seconds, timeout, seed, cases };
            let mut rows = measure(&mut lab, &request, peak.as_ref(), &mut |said| telling.say(said)).await?;
            row::sort(&mut rows);
            let page = wgrad_report::lab::measured(&about(&format!("wgrad.lab({op:?})")), &rows);
            Ok((json!(rows).to_string(), spelled(&page.html()).into_owned()))
        })
    }

    /// The choices of the tuner for a training, from the user's cache.
    pub fn tuned(
        context: &Context,
        model: &Model,
        input: &Preprocessing,
        options: &train::Options,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let cache = Cache::from_env();
        if !cache.folder.as_ref().is_some_and(|folder| folder.is_dir()) {
            return Ok(BTreeMap::new());
        }
        let train::Options { optimizer, objective, .. } = options;
        let uses = tuning::uses(model, input, options.images_at_once(), optimizer, objective)?;
        Ok(cache.find(context, &uses)?.tuned)
    }

    /// How a network is trained, as it was compiled.
    fn options(network: &Network, batch: usize) -> train::Options {
        let objective = Objective { label_smoothing: network.loaded.label_smoothing, ..Objective::default() };
        let optimizer = network.loaded.optimizer.unwrap_or_default();
        train::Options { batch, optimizer, objective, ..train::Options::default() }
    }

    /// Chooses the fastest correct variant for each operation of a network within `seconds`, and keeps the choices.
    /// Returns a row for each as JSON.
    #[pyfunction]
    #[pyo3(signature = (network, *, floats, batch_size, seconds, again, device, told))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    pub fn tune(
        py: Python<'_>,
        network: Py<Network>,
        floats: bool,
        batch_size: usize,
        seconds: f64,
        again: bool,
        device: String,
        told: Option<Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let known = network.get();
        let (model, input) = (known.loaded.model.clone(), known.preprocessing(floats)?);
        let train::Options { optimizer, objective, .. } = options(known, batch_size);
        during(py, told.as_ref(), async move |telling: &Telling<_>| {
            let uses = tuning::uses(&model, &input, batch_size, &optimizer, &objective)?;
            let context = device::open(&device)?;
            let cache = Cache::from_env();
            cache.try_storing()?;
            let adapter = device.parse().unwrap_or_default();
            let mut lab = Lab::with(context, Options { adapter, ..Options::default() });
            let found = if again { Found::default() } else { cache.find(&lab.context, &uses)? };
            found.notes.iter().for_each(|note| telling.say(note));
            let place = Place::of(&lab.context);
            // What a short tuning chose is measured again.
            let whole = found.tuned.iter().filter(|(call, _)| !found.quick.contains(*call));
            let known = whole.map(|(call, chosen)| (call.clone(), chosen.clone())).collect();
            let settings = Settings { seconds, known, ..Settings::default() };
            let mut kept = Ok(());
            let outcomes = tuning::tune(&mut lab, &uses, &settings, &mut |event| match event {
                Event::Doing(what) => telling.say(what),
                Event::Done(outcome) => {
                    if let (State::Decided(decision), true) = (&outcome.state, kept.is_ok()) {
                        let (chosen, gain) = (&decision.chosen, decision.gain);
                        kept =
                            cache.store(&Entry::new(&place, &outcome.call, &outcome.default, chosen, gain));
                    }
                }
            })
            .await?;
            kept?;
            let record = AdapterRecord::of(&lab.context);
            let lines: Vec<Line<'_>> = outcomes.iter().map(|one| Line::new(one, &record)).collect();
            Ok(json!(lines).to_string())
        })
    }

    /// Measures for `seconds` where a step of a training on `x` and `y` spends its time. Returns the rows as JSON, a page,
    /// and a trace for ui.perfetto.dev.
    #[pyfunction]
    #[pyo3(signature = (network, weights, x, y, *, floats, batch_size, seconds, device, told))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    pub fn profile(
        py: Python<'_>,
        network: Py<Network>,
        weights: &Bound<'_, PyDict>,
        x: &Bound<'_, PyAny>,
        y: &Bound<'_, PyAny>,
        floats: bool,
        batch_size: usize,
        seconds: f64,
        device: String,
        told: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(String, String, String)> {
        let known = network.get();
        let data = known.dataset(floats, known.split(x, y, floats)?, None)?;
        let weights = arrays::pack(&known.parameters, weights)?;
        let state = Checkpoint { weights, ..Checkpoint::default() };
        let (model, mut options) = (known.loaded.model.clone(), options(known, batch_size));
        during(py, told.as_ref(), async move |telling: &Telling<_>| {
            let context = device::open(&device)?;
            let fitting = options.fitting(&context, &model, &data)?;
            options.cut_for(fitting);
            // If a batch is computed in parts, one part is measured.
            (options.batch, options.at_once) = (options.images_at_once(), None);
            options.variants.tuned = tuned(&context, &model, &data.input, &options)?;
            let conditions = Conditions::of(&context, &model.name, &data.name, options.batch);
            let mut trainer = Trainer::new(&context, &model, data, options).await?;
            trainer.restore(&state);
            let request = profiles::Request { seconds, wall: false };
            let say = &mut |said: &str| telling.say(said);
            let found = profiles::measure(&context, &mut trainer, conditions, request, None, say).await?;
            let page = wgrad_report::profile::profiled(&about("wgrad.profile"), &found)?;
            let rows = json!({
                "dispatches": found.dispatches, "layers": LayerRow::of(&found.dispatches), "step": found.step,
                "host": found.host, "peaks": found.peaks, "conditions": found.conditions,
            });
            let trace = json!(Trace::of(&found)).to_string();
            Ok((rows.to_string(), spelled(&page.html()).into_owned(), trace))
        })
    }
}

#[cfg(not(feature = "measuring"))]
mod missing {
    use crate::network::Network;
    use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyDict};
    use std::path::PathBuf;

    fn missing<T>() -> PyResult<T> {
        Err(PyRuntimeError::new_err(
            "this package was built without the lab; build it with its feature `measuring`",
        ))
    }

    /// Says that the lab is not in this package.
    #[pyfunction]
    #[pyo3(signature = (op, *, size, variants, files, activation, seconds, cases, seed, device, told))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    pub fn lab(
        op: String,
        size: Option<String>,
        variants: Vec<String>,
        files: Vec<PathBuf>,
        activation: Option<String>,
        seconds: f64,
        cases: Option<usize>,
        seed: u64,
        device: String,
        told: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(String, String)> {
        drop((op, size, variants, files, activation, seconds, cases, seed, device, told));
        missing()
    }

    /// Says that the tuner is not in this package.
    #[pyfunction]
    #[pyo3(signature = (network, *, floats, batch_size, seconds, again, device, told))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    pub fn tune(
        network: Py<Network>,
        floats: bool,
        batch_size: usize,
        seconds: f64,
        again: bool,
        device: String,
        told: Option<Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        drop((network, floats, batch_size, seconds, again, device, told));
        missing()
    }

    /// Says that the profiler is not in this package.
    #[pyfunction]
    #[pyo3(signature = (network, weights, x, y, *, floats, batch_size, seconds, device, told))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    pub fn profile(
        network: Py<Network>,
        weights: Bound<'_, PyDict>,
        x: Bound<'_, PyAny>,
        y: Bound<'_, PyAny>,
        floats: bool,
        batch_size: usize,
        seconds: f64,
        device: String,
        told: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(String, String, String)> {
        drop((network, weights, x, y, floats, batch_size, seconds, device, told));
        missing()
    }
}

/// The page of `wgrad report` about runs. `told` hears what it does.
#[pyfunction]
#[pyo3(signature = (runs, *, image, last, curves, seconds, device, told))]
#[allow(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
pub fn report(
    py: Python<'_>,
    runs: Vec<std::path::PathBuf>,
    image: usize,
    last: bool,
    curves: bool,
    seconds: Option<f64>,
    device: String,
    told: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    #[cfg(feature = "tool")]
    return during(py, told.as_ref(), async move |telling: &Telling<String>| {
        telling.say("making the report");
        let wanted = wgrad_cli::Reported { runs, image, last, curves, seconds, device };
        wgrad_cli::report(wanted).await.map_err(Failure::Said)
    });
    #[cfg(not(feature = "tool"))]
    {
        drop((py, runs, image, last, curves, seconds, device, told));
        Err(pyo3::exceptions::PyRuntimeError::new_err(
            "this package was built without the program wgrad, which makes reports; build it with its feature `tool`",
        ))
    }
}
