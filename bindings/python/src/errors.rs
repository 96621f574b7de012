//! Errors of the library as Python's exceptions. Messages name fields of the library in backticks, with a dot before
//! them; here they become Python's arguments.

use pyo3::{
    PyErr,
    exceptions::{PyFloatingPointError, PyOSError, PyRuntimeError, PyValueError},
};
use std::borrow::Cow;

/// A failure of work on a device.
pub enum Failure {
    /// An error of the engine.
    Engine(wgrad::Error),
    /// An error of a network's description.
    Formats(wgrad_formats::Error),
    /// An error of a data set.
    Data(wgrad_data::Error),
    /// The process was forked after its device had been opened.
    Forked,
    /// A failure of the program, in its words.
    #[cfg(feature = "tool")]
    Said(String),
}

impl From<wgrad::Error> for Failure {
    fn from(error: wgrad::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<wgrad_formats::Error> for Failure {
    fn from(error: wgrad_formats::Error) -> Self {
        match error {
            wgrad_formats::Error::Engine(error) => Self::Engine(error),
            other => Self::Formats(other),
        }
    }
}

impl From<wgrad_data::Error> for Failure {
    fn from(error: wgrad_data::Error) -> Self {
        match error {
            wgrad_data::Error::Engine(error) => Self::Engine(error),
            other => Self::Data(other),
        }
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        use wgrad::Error as E;
        match failure {
            Failure::Forked => PyRuntimeError::new_err(
                "this process was forked from one that had opened the device, which a fork cannot use; start processes with \
                 multiprocessing.set_start_method(\"spawn\")",
            ),
            #[cfg(feature = "tool")]
            Failure::Said(words) => PyValueError::new_err(spelled(&words).into_owned()),
            Failure::Data(error) => PyValueError::new_err(spelled(&error.to_string()).into_owned()),
            Failure::Formats(error) => PyValueError::new_err(spelled(&error.to_string()).into_owned()),
            Failure::Engine(E::Diverged { epoch, step, loss }) => PyFloatingPointError::new_err(format!(
                "the loss became {loss} at step {step} of epoch {epoch}: training stopped; try a lower learning_rate, or \
                 global_clipnorm=1.0 in the optimizer"
            )),
            Failure::Engine(error) => {
                let words = spelled(&error.to_string()).into_owned();
                match error {
                    E::Io { .. } => PyOSError::new_err(words),
                    E::NoAdapter { .. }
                    | E::Device { .. }
                    | E::Untrusted { .. }
                    | E::TooLarge { .. }
                    | E::Shader { .. }
                    | E::Bind { .. }
                    | E::Images { .. } => PyRuntimeError::new_err(words),
                    _ => PyValueError::new_err(words),
                }
            }
        }
    }
}

/// Fields of the library with other names in Python.
const FIELDS: &[(&str, &str)] = &[("adapter", "device"), ("batch", "batch_size")];

/// Items of the library, and what Python has in their place.
const ITEMS: &[(&str, &str)] = &[
    ("gpu::list", "wgrad.adapters()"),
    ("Trainer::new", "wgrad.fit"),
    ("Predictor::outputs", "wgrad.predict"),
    ("wgrad_lab::measure", "wgrad lab"),
];

/// `text` with the names of fields and items as Python has them.
pub fn spelled(text: &str) -> Cow<'_, str> {
    if !text.contains('`') {
        return text.into();
    }
    let mut spelled = String::new();
    for (n, part) in text.split('`').enumerate() {
        if n % 2 == 0 {
            spelled.push_str(part);
            continue;
        }
        if let Some((_, python)) = ITEMS.iter().find(|(item, _)| *item == part) {
            spelled.push_str(python);
        } else if let Some(field) = part.strip_prefix('.') {
            let (name, value) = field.split_once(" = ").map_or((field, None), |(n, v)| (n, Some(v)));
            let name = FIELDS.iter().find(|(own, _)| *own == name).map_or(name, |(_, python)| python);
            spelled.push_str(name);
            if let Some(value) = value {
                spelled.push('=');
                spelled.push_str(value);
            }
        } else {
            spelled.push('`');
            spelled.push_str(part);
            spelled.push('`');
        }
    }
    spelled.into()
}
