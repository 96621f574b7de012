//! The extension module `wgrad._wgrad`: networks, trainings and predictions of the engine, as Python objects. It
//! translates arrays, arguments and errors, and decides nothing: the library does. Work on a device runs in a thread
//! of its own, so that Python's threads and signals go on meanwhile.

/// Arrays of NumPy as images and labels, and tensors as arrays.
mod arrays;
/// Data sets of the library.
mod data;
/// Open devices, by the name that was asked for.
mod device;
/// Errors of the library as Python's exceptions, in Python's words.
mod errors;
/// Networks and weights as files.
mod files;
/// Measurements, and explanations.
mod measuring;
/// A network that Keras described.
mod network;
/// Charts.
mod pictures;
/// Predictions and evaluations.
mod prediction;
/// Ranks of one training, which MPI started.
mod team;
/// The program wgrad.
mod tool;
/// A training.
mod training;
/// Threads that work on a device while Python waits.
mod worker;

/// Functions and classes that the Python sources of the package use.
#[pyo3::pymodule]
mod _wgrad {
    #[pymodule_export]
    use super::{
        data::load_data,
        device::{adapters, close},
        files::{keras_weights, onnx_file, onnx_origins, read_fitting, read_weights, safetensors},
        measuring::{explain, lab, profile, report, tune},
        network::{Network, Several},
        pictures::{curves, dark_style, drawing},
        prediction::{Evaluation, Prediction},
        team::{Team, device_of, launched},
        tool::main,
        training::Training,
        worker::finish,
    };
}
