//! Networks and weights as the bytes of files, and the way back.

use crate::{arrays, errors::Failure, network::Network};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};
use std::{fs, path::Path};
use wgrad::{checkpoint::Checkpoint, error::io_error, preprocessing::Preprocessing};
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
        false => {
            let next = "name a file of `save` or `save_weights`";
            let bytes =
                fs::read(place).map_err(|e| Failure::from(io_error("cannot read", place, next)(e)))?;
            Checkpoint::from_bytes(path, &bytes, parameters).map_err(Failure::from)?
        }
    };
    arrays::unpack(py, parameters, state.for_use().weights)
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

impl Network {
    /// Reads the network of an ONNX file with the compile arguments of the JSON `text`, and its tensors by name.
    pub fn of_onnx(what: &str, bytes: &[u8], text: &str) -> Result<(Self, Vec<f32>), Failure> {
        let file = onnx::read(what, bytes)?;
        let found = import::import(what, &file, &import::Options::default())?;
        let [height, width, channels] = found.model.input_shape;
        let input = if (height, width) == (1, 1) { vec![channels] } else { vec![height, width, channels] };
        let mut loaded: Loaded = keras::compiled_as(Path::new(what), found.model, input, text)?;
        loaded.rescaled = found.bytes;
        Ok((Self::of(loaded)?, found.weights))
    }
}
