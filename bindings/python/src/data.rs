//! Data sets of the library as arrays.

use crate::{arrays::floats, errors::Failure};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::{IntoPyObjectExt, prelude::*};
use wgrad::data::{Dataset, Split};
use wgrad_data::{DataSpec, Places, Reading, download};

/// Images and labels of a part.
type Part<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Reads a data set, by its name or from a path, and fetches a published one if it is not here. Returns the training part,
/// the test part, and the names of the classes. `maxlen` and `num_words` are those of [`Reading`]. Images are (rows,
/// height, width, channels) of uint8 or float32, labels int64, or float32 for numbers.
#[pyfunction]
#[pyo3(signature = (name, maxlen = None, num_words = None))]
pub fn load_data<'py>(
    py: Python<'py>,
    name: String,
    maxlen: Option<usize>,
    num_words: Option<usize>,
) -> PyResult<(Part<'py>, Part<'py>, Vec<String>)> {
    let read = move || -> Result<Dataset, Failure> {
        let spec: DataSpec = name.parse()?;
        let options = download::Options::default();
        let reading = Reading { maxlen, num_words, ..Reading::default() };
        Ok(wgrad_data::load_or_fetch_with(&spec, &Places::from_env(), &reading, None, &options, &mut |_| ())?)
    };
    let data = py.detach(read)?;
    let part = |split: &Split| part(py, &data, split);
    Ok((part(&data.train)?, part(&data.test)?, data.classes.clone()))
}

fn part<'py>(py: Python<'py>, data: &Dataset, split: &Split) -> PyResult<Part<'py>> {
    let all: Vec<usize> = (0..split.len()).collect();
    let batch = py.detach(|| split.batch(&all, data.pixels()));
    let shape = [batch.labels.len(), data.height, data.width, data.channels];
    let x = match data.input.floats {
        true => PyArray1::from_vec(py, floats(&batch.images)).reshape(shape)?.into_bound_py_any(py)?,
        false => PyArray1::from_vec(py, batch.images).reshape(shape)?.into_bound_py_any(py)?,
    };
    let y = match data.input.numbers {
        true => {
            let numbers = batch.labels.iter().map(|bits| f32::from_bits(*bits)).collect();
            PyArray1::from_vec(py, numbers).into_bound_py_any(py)?
        }
        false => {
            let classes = batch.labels.iter().map(|class| i64::from(*class)).collect();
            PyArray1::from_vec(py, classes).into_bound_py_any(py)?
        }
    };
    Ok((x, y))
}
