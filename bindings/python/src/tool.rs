//! The program wgrad, for the command that the package installs.

use pyo3::prelude::*;

/// Runs the program wgrad with the arguments that follow the first `words` words of this process's command line, and
/// returns its exit code. `python` is the path of the Python that runs it.
#[cfg(feature = "tool")]
#[pyfunction]
pub fn main(py: Python<'_>, python: std::path::PathBuf, words: usize) -> u8 {
    use std::process::ExitCode;
    let code = py.detach(|| wgrad_cli::main_in(wgrad_cli::Interpreter { path: python, words }));
    (0..=u8::MAX).find(|n| ExitCode::from(*n) == code).unwrap_or(1)
}

/// Says that the program is not in this package.
#[cfg(not(feature = "tool"))]
#[pyfunction]
pub fn main(python: std::path::PathBuf, words: usize) -> PyResult<u8> {
    use pyo3::exceptions::PyRuntimeError;
    let _unused = (python, words);
    Err(PyRuntimeError::new_err(
        "this package was built without the program wgrad; build it with `cargo build --release`, or the package with its \
         feature `tool`",
    ))
}
