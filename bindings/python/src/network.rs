//! A network that Keras described, with what `compile` said of its training.

use crate::{
    arrays,
    errors::{Failure, spelled},
};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};
use std::path::Path;
use wgrad::{
    data::{Dataset, Split},
    loss::Loss,
    model::Output,
    preprocessing::Preprocessing,
    program::Parameter,
};
use wgrad_formats::keras::{self, Loaded};

/// A network read from the JSON of `model.to_json()`.
#[pyclass(frozen, module = "wgrad._wgrad")]
pub struct Network {
    /// The network, and what its file said of it.
    pub loaded: Loaded,
    /// Its tensors.
    pub parameters: Vec<Parameter>,
    /// Its loss.
    pub loss: Loss,
    /// What is known of it as a module of PyTorch.
    pub module: Module,
}

/// One of several outputs of a network.
#[pyclass(frozen, get_all, module = "wgrad._wgrad")]
pub struct Several {
    /// Its name.
    pub name: String,
    /// Its shape, without the batch.
    pub output: Vec<usize>,
    /// Number of its values.
    pub outputs: usize,
    /// Number of its labels.
    pub labels: usize,
    /// Number of classes that its labels may have; 0 where they are numbers.
    pub classes: usize,
    /// Name of its loss.
    pub loss: String,
    /// True if its labels are rows with a 1 at their class.
    pub one_hot: bool,
    /// True if it gives logits for the loss, not probabilities.
    pub gives_logits: bool,
}

/// What is known of a network as a module of PyTorch.
#[derive(Clone, Copy, Default)]
pub struct Module {
    /// True if the caller's inputs have their channels first.
    pub channels_first: bool,
    /// True if the module ends in the logarithm of softmax, which the network lacks.
    pub log_softmax: bool,
}

/// Row of a summary: name, class, output shape, number of parameters, and how many of these are not trained.
type Row = (String, &'static str, Vec<usize>, usize, usize);

#[pymethods]
impl Network {
    /// Reads the JSON text of a network; `name` names it in errors.
    #[new]
    fn new(text: &str, name: &str) -> PyResult<Self> {
        Ok(Self::of(keras::parse(Path::new(name), text, None).map_err(Failure::from)?)?)
    }

    /// Reads the network of a `.keras` file, with its tensors by name.
    #[staticmethod]
    fn load<'py>(py: Python<'py>, path: &str) -> PyResult<(Self, Bound<'py, PyDict>)> {
        let path = Path::new(path);
        let network = Self::of(keras::load(path, None).map_err(Failure::from)?)?;
        let state = keras::checkpoint(path, &network.parameters).map_err(Failure::from)?;
        let weights = arrays::unpack(py, &network.parameters, state.weights)?;
        Ok((network, weights))
    }

    /// Reads the network of an ONNX file, with its tensors by name. `what` names the file in errors; the JSON `text` has
    /// the compile arguments. `module` is the shape of an input without the batch, of a module of PyTorch that was
    /// exported for training.
    #[staticmethod]
    #[pyo3(signature = (what, bytes, text, module=None))]
    fn onnx<'py>(
        py: Python<'py>,
        what: &str,
        bytes: &[u8],
        text: &str,
        module: Option<Vec<usize>>,
    ) -> PyResult<(Self, Bound<'py, PyDict>)> {
        let (network, weights) = py.detach(|| Self::of_onnx(what, bytes, text, module.as_deref()))?;
        let weights = arrays::unpack(py, &network.parameters, weights)?;
        Ok((network, weights))
    }

    /// Shape of an input, without the batch.
    #[getter]
    fn input(&self) -> Vec<usize> {
        self.loaded.input.clone()
    }

    /// Name and shape of each input, in the order in which a row has their values.
    #[getter]
    fn inputs(&self) -> Vec<(String, Vec<usize>)> {
        self.loaded.inputs.clone()
    }

    /// Number of values of an input.
    #[getter]
    pub fn values(&self) -> usize {
        self.loaded.model.pixels()
    }

    /// Number of outputs.
    #[getter]
    pub fn outputs(&self) -> PyResult<usize> {
        Ok(self.loaded.model.outputs().map_err(Failure::from)?)
    }

    /// Shape of an output, without the batch.
    #[getter]
    fn output(&self) -> PyResult<Vec<usize>> {
        Ok(self.loaded.model.output_shape().map_err(Failure::from)?)
    }

    /// Of each of several outputs, in the order in which a row has their values and labels; empty for a network with one.
    #[getter]
    fn several(&self) -> PyResult<Vec<Several>> {
        let outputs = self.loaded.model.several_outputs().map_err(Failure::from)?;
        let of = |(n, output): (usize, Output)| Several {
            one_hot: self.loaded.one_hot_outputs.get(n).copied().unwrap_or_default(),
            loss: output.loss.to_string(),
            outputs: output.values.len(),
            labels: output.labels.len(),
            classes: output.classes(),
            gives_logits: !output.ends_in_loss,
            output: output.shape,
            name: output.name,
        };
        Ok(outputs.into_iter().enumerate().map(of).collect())
    }

    /// True if several outputs are a dictionary, not a list.
    #[getter]
    fn keyed(&self) -> bool {
        self.loaded.keyed
    }

    /// Number of labels of an input: 1, or one for each place that the network predicts.
    #[getter]
    pub fn labels(&self) -> PyResult<usize> {
        Ok(self.loaded.model.labels().map_err(Failure::from)?)
    }

    /// Number of classes that labels may have; 0 where they are numbers.
    #[getter]
    pub fn classes(&self) -> PyResult<usize> {
        match self.numbers()? {
            true => Ok(0),
            false => Ok(self.loaded.model.classes().map_err(Failure::from)?),
        }
    }

    /// True if the output has a mask, by which the loss is weighted.
    #[getter]
    fn masked(&self) -> PyResult<bool> {
        Ok(self.loaded.model.masked().map_err(Failure::from)?)
    }

    /// Name of the loss.
    #[getter]
    fn loss(&self) -> String {
        self.loss.to_string()
    }

    /// True if the outputs are logits for the loss, not probabilities.
    #[getter]
    fn gives_logits(&self) -> bool {
        !self.loss.is_regression() && !self.loaded.model.ends_in(self.loss.activation())
    }

    /// True if labels are rows with a 1 at their class.
    #[getter]
    fn one_hot(&self) -> bool {
        self.loaded.one_hot
    }

    /// True if inputs have their channels, or features, before height and width, or time.
    #[getter]
    fn channels_first(&self) -> bool {
        self.module.channels_first
    }

    /// True if the logarithm of softmax follows the outputs.
    #[getter]
    fn log_softmax(&self) -> bool {
        self.module.log_softmax
    }

    /// True if images of uint8 enter the device as bytes.
    #[getter]
    fn takes_bytes(&self) -> bool {
        self.loaded.preprocessing(false).is_some()
    }

    /// Name of the optimizer; `None` if there is none, or one that wgrad lacks.
    #[getter]
    fn optimizer(&self) -> Option<&'static str> {
        self.loaded.optimizer.map(|optimizer| optimizer.name())
    }

    /// The base learning rate of the optimizer.
    #[getter]
    fn learning_rate(&self) -> Option<f64> {
        self.loaded.optimizer.map(|optimizer| optimizer.learning_rate)
    }

    /// Reasons why the network cannot be trained as it was compiled; empty if it can.
    #[getter]
    fn obstacles(&self) -> Vec<String> {
        let Loaded { missing_loss, missing_optimizer, .. } = &self.loaded;
        missing_loss.iter().chain(missing_optimizer).map(|why| spelled(why).into_owned()).collect()
    }

    /// What was left out of the network, a sentence each.
    #[getter]
    fn left_out(&self) -> Vec<String> {
        self.loaded.left_out.iter().map(|note| spelled(note).into_owned()).collect()
    }

    /// Initialisers that wgrad lacks, a sentence each.
    #[getter]
    fn missing_initializers(&self) -> Vec<String> {
        self.loaded.initializers.iter().map(|note| spelled(note).into_owned()).collect()
    }

    /// Name, shape, and whether it is trained, of each tensor, layer by layer.
    #[getter]
    fn tensors(&self) -> Vec<(String, Vec<usize>, bool)> {
        self.parameters.iter().map(|p| (p.name.clone(), p.shape.clone(), p.trained)).collect()
    }

    /// Initial tensors by name.
    fn initial_weights<'py>(&self, py: Python<'py>, seed: u64) -> PyResult<Bound<'py, PyDict>> {
        let weights = self.loaded.model.initial_weights(seed).map_err(Failure::from)?;
        arrays::unpack(py, &self.parameters, weights)
    }

    /// The layers, first to last.
    fn summary(&self) -> PyResult<Vec<Row>> {
        let rows = self.loaded.model.summary().map_err(Failure::from)?;
        Ok(rows
            .into_iter()
            .map(|row| (row.name, row.kind, row.output, row.parameters, row.not_trained))
            .collect())
    }
}

impl Network {
    /// A network that was read.
    pub fn of(loaded: Loaded) -> Result<Self, Failure> {
        let (parameters, loss) = (loaded.model.parameters()?, loaded.model.loss()?);
        Ok(Self { loaded, parameters, loss, module: Module::default() })
    }

    /// True if labels are numbers: of a regression, or shares at several places.
    fn numbers(&self) -> PyResult<bool> {
        Ok(self.loaded.model.takes_numbers().map_err(Failure::from)?)
    }

    /// Copies images of uint8 or float32 as the network takes them.
    pub fn images(&self, x: &Bound<'_, PyAny>) -> PyResult<arrays::Images> {
        // Bytes are divided by 255 on the device.
        let scale = if self.loaded.rescaled { 1.0 / 255.0 } else { 1.0 };
        arrays::images(x, self.values(), scale)
    }

    /// Copies images of the kind that was chosen: float32, or uint8.
    pub fn images_of(&self, x: &Bound<'_, PyAny>, floats: bool) -> PyResult<arrays::Images> {
        let images = self.images(x)?;
        let kind = |floats| if floats { "float32" } else { "uint8" };
        match images.floats == floats {
            true => Ok(images),
            false => Err(PyValueError::new_err(format!(
                "x is of {}, expected {}, as the arrays before it",
                kind(images.floats),
                kind(floats)
            ))),
        }
    }

    /// Copies images of the kind that was chosen, and their labels.
    pub fn split(&self, x: &Bound<'_, PyAny>, y: &Bound<'_, PyAny>, floats: bool) -> PyResult<Split> {
        let labels = arrays::labels(y, self.numbers()?)?;
        arrays::split(self.images_of(x, floats)?, labels, self.labels()?)
    }

    /// Images of zeros, with labels of zeros: they stand for data that arrives later.
    pub fn blank(&self, floats: bool, rows: usize) -> PyResult<Split> {
        let bytes = vec![0; rows * self.preprocessing(floats)?.bytes(self.values())];
        let each = self.labels()?;
        Ok(Split { images: bytes.into(), labels: vec![0; rows * each].into(), each })
    }

    /// The format of inputs of float32, or of uint8.
    pub fn preprocessing(&self, floats: bool) -> PyResult<Preprocessing> {
        let found = self.loaded.preprocessing(floats);
        found.ok_or_else(|| PyValueError::new_err("x is of uint8, expected float32 for this network"))
    }

    /// The data set of a training or an evaluation. Its test part, which every data set has, shares the memory of the
    /// training part.
    pub fn dataset(&self, floats: bool, train: Split, validation: Option<Split>) -> PyResult<Dataset> {
        let mut input = self.preprocessing(floats)?;
        input.numbers = self.numbers()?;
        let [height, width, channels] = self.loaded.model.input_shape;
        Ok(Dataset {
            name: "x, y".into(),
            source: "arrays of NumPy".into(),
            height,
            width,
            channels,
            input,
            classes: (0..self.classes()?).map(|class| class.to_string()).collect(),
            test: train.clone(),
            train,
            validation,
            digest: String::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            table: None,
        })
    }
}
