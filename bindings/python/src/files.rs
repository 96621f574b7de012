//! Networks and weights as the bytes of files, and the way back.

use crate::{
    arrays,
    errors::Failure,
    network::{Module, Network},
};
use numpy::PyArray1;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};
use std::{fs, path::Path};
use wgrad::{checkpoint::Checkpoint, error::io_error, layers::Activation, preprocessing::Preprocessing};
use wgrad_formats::{
    keras::{self, Loaded},
    onnx::{self, export, import},
};

/// Tensors by name as the bytes of Keras's `.weights.h5` for the network that the JSON `text` describes.
#[pyfunction]
pub fn keras_weights<'py>(
    py: Python<'py>,
    network: &Network,
    text: &str,
    weights: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyBytes>> {
    let arena = arrays::pack(&network.parameters, weights)?;
    let bytes = keras::weights_bytes(text, &network.parameters, &arena).map_err(Failure::from)?;
    Ok(PyBytes::new(py, &bytes))
}

/// Tensors by name as the bytes of a safetensors file.
#[pyfunction]
pub fn safetensors<'py>(
    py: Python<'py>,
    network: &Network,
    weights: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyBytes>> {
    let weights = arrays::pack(&network.parameters, weights)?;
    let state = Checkpoint { weights, ..Checkpoint::default() };
    Ok(PyBytes::new(py, &state.to_bytes(&network.parameters).map_err(Failure::from)?))
}

/// The tensors of a network in a file, by name: safetensors, `.weights.h5` or `.keras`.
#[pyfunction]
pub fn read_weights<'py>(py: Python<'py>, network: &Network, path: &str) -> PyResult<Bound<'py, PyDict>> {
    let (place, parameters) = (Path::new(path), &network.parameters);
    let state = match keras::has_weights(place) {
        true => keras::checkpoint(place, parameters).map_err(Failure::from)?,
        false => Checkpoint::from_bytes(path, &bytes(place)?, parameters).map_err(Failure::from)?,
    };
    arrays::unpack(py, parameters, state.for_use().weights)
}

/// Tensors by name; and each layer that a file does not fit, with the reason.
type Fitting<'py> = (Bound<'py, PyDict>, Vec<(String, String)>);

/// The tensors of a network of which the layers that fit are from a file; and each other layer with the reason.
#[pyfunction]
pub fn read_fitting<'py>(
    py: Python<'py>,
    network: &Network,
    weights: &Bound<'py, PyDict>,
    path: &str,
) -> PyResult<Fitting<'py>> {
    let (place, parameters) = (Path::new(path), &network.parameters);
    let begin = arrays::pack(parameters, weights)?;
    let (state, skipped) = match keras::has_weights(place) {
        true => keras::fitting(place, parameters, begin).map_err(Failure::from)?,
        false => Checkpoint::fitting(path, &bytes(place)?, parameters, begin).map_err(Failure::from)?,
    };
    let skipped = skipped.into_iter().map(|skipped| (skipped.layer, skipped.reason)).collect();
    Ok((arrays::unpack(py, parameters, state.for_use().weights)?, skipped))
}

fn bytes(path: &Path) -> PyResult<Vec<u8>> {
    let next = "name a file of `save` or `save_weights`";
    Ok(fs::read(path).map_err(|e| Failure::from(io_error("cannot read", path, next)(e)))?)
}

/// The network with its tensors as the bytes of an ONNX file. Its input are the numbers that the network takes; bytes, if
/// it begins with a division by 255.
#[pyfunction]
pub fn onnx_file<'py>(
    py: Python<'py>,
    network: &Network,
    weights: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyBytes>> {
    let arena = arrays::pack(&network.parameters, weights)?;
    let rescaled = network.loaded.rescaled;
    let input = Preprocessing { floats: !rescaled, ..Preprocessing::default() };
    let options = export::Options { raw_pixels: rescaled, ..export::Options::default() };
    let file = export::export(&network.loaded.model, &input, &arena, &options).map_err(Failure::from)?;
    Ok(PyBytes::new(py, &onnx::write(&file)))
}

/// For each tensor of the network of an ONNX file, the places of its elements among those of `tensors`, given by name
/// and number of elements, one after the other: two arrays, since a weight may be the sum of two elements; -1 stands for
/// none. `module` is as for `Network.onnx`.
#[pyfunction]
pub fn onnx_origins<'py>(
    py: Python<'py>,
    what: &str,
    bytes: &[u8],
    module: Vec<usize>,
    tensors: Vec<(String, usize)>,
) -> PyResult<Bound<'py, PyDict>> {
    let found = py.detach(|| -> Result<_, Failure> {
        let (file, options) = (onnx::read(what, bytes)?, options_of(Some(&module)));
        let parameters = import::import(what, &file, &options)?.model.parameters()?;
        Ok((parameters, import::origins(what, &file, &options, &tensors)?))
    });
    let (parameters, origins) = found?;
    let named = PyDict::new(py);
    for p in &parameters {
        let own = &origins[p.offset..p.offset + p.len()];
        let place = |origin: u32| if origin == import::NOWHERE { -1 } else { i64::from(origin) };
        let [first, second] =
            [0, 1].map(|n| PyArray1::from_iter(py, own.iter().map(|origins| place(origins[n]))));
        named.set_item(&p.name, (first, second))?;
    }
    Ok(named)
}

/// How a file is imported: that of a module of PyTorch, whose input without the batch is `module`, has its channels first,
/// and one axis is a row of numbers.
fn options_of(module: Option<&[usize]>) -> import::Options {
    let Some(module) = module else { return import::Options::default() };
    let input_shape = if let [numbers] = module { Some([1, 1, *numbers]) } else { None };
    let layout = (module.len() == 3).then_some(export::Layout::Nchw);
    import::Options { input_shape, layout, training: true, ..import::Options::default() }
}

impl Network {
    /// Reads the network of an ONNX file with the compile arguments of the JSON `text`, and its tensors by name.
    pub fn of_onnx(
        what: &str,
        bytes: &[u8],
        text: &str,
        module: Option<&[usize]>,
    ) -> Result<(Self, Vec<f32>), Failure> {
        let file = onnx::read(what, bytes)?;
        let mut found = import::import(what, &file, &options_of(module))?;
        // wgrad's own files give logits first, also where the network itself ends in probabilities.
        let last = file.metadata(export::ACTIVATION).filter(|last| *last != "linear");
        if let (Some(last), None) = (last, module) {
            found.model.loss = Some(found.model.loss()?);
            let (activation, name) = (last.parse()?, Some(export::PROBABILITIES.to_string()));
            found.model = found.model.add(Activation { activation, name });
        }
        let [height, width, channels] = found.model.input_shape;
        let own = if (height, width) == (1, 1) { vec![channels] } else { vec![height, width, channels] };
        let input = module.map_or(own, <[usize]>::to_vec);
        let mut loaded: Loaded = keras::compiled_as(Path::new(what), found.model, input, text)?;
        loaded.rescaled = found.bytes;
        let network = Self::of(loaded)?;
        let (channels_first, log_softmax) = (found.channels_first, found.log_softmax);
        // Files that are no modules get their images in the network's order.
        let channels_first = channels_first && module.is_some();
        Ok((Self { module: Module { channels_first, log_softmax }, ..network }, found.weights))
    }
}
