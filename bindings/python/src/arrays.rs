//! Arrays of NumPy as images, labels and weights of the engine, and the way back.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyDict, PySlice},
};
use wgrad::{
    data::Split,
    metrics::Metrics,
    program::{Parameter, arena_len},
};

/// Mean loss, and the accuracy, or loss and accuracy of each of several outputs.
pub type Means = (f64, Py<PyAny>);

/// Images in the engine's format.
pub struct Images {
    /// Their values: one byte each, or the bytes of an f32.
    pub bytes: Vec<u8>,
    /// True if values are f32.
    pub floats: bool,
    /// Number of images.
    pub count: usize,
}

const CONTIGUOUS: &str = "an array is not contiguous; use numpy.ascontiguousarray";

/// Copies images of uint8 or float32, of `values` values each. Floats are multiplied by `scale`, unless it is 1.
pub fn images(x: &Bound<'_, PyAny>, values: usize, scale: f32) -> PyResult<Images> {
    let counted = |shape: &[usize], len: usize| {
        let count = shape.first().copied().unwrap_or(0);
        match count * values == len {
            true => Ok(count),
            false => Err(PyValueError::new_err(format!(
                "x has shape {shape:?}, expected {values} values in each row"
            ))),
        }
    };
    if let Ok(x) = x.extract::<PyReadonlyArrayDyn<'_, u8>>() {
        let slice = x.as_slice().map_err(|_| PyValueError::new_err(CONTIGUOUS))?;
        let count = counted(x.shape(), slice.len())?;
        return Ok(Images { bytes: slice.to_vec(), floats: false, count });
    }
    let x: PyReadonlyArrayDyn<'_, f32> =
        x.extract().map_err(|_| PyTypeError::new_err("x is no array of uint8 or float32"))?;
    let slice = x.as_slice().map_err(|_| PyValueError::new_err(CONTIGUOUS))?;
    let count = counted(x.shape(), slice.len())?;
    let mut bytes = bytemuck::cast_slice::<f32, u8>(slice).to_vec();
    if scale != 1.0 {
        for number in bytes.as_chunks_mut::<4>().0 {
            *number = (f32::from_ne_bytes(*number) * scale).to_ne_bytes();
        }
    }
    Ok(Images { bytes, floats: true, count })
}

/// Copies labels: int64 class indices, or float32 numbers for a regression.
pub fn labels(y: &Bound<'_, PyAny>, numbers: bool) -> PyResult<Vec<u32>> {
    if numbers {
        let y: PyReadonlyArrayDyn<'_, f32> =
            y.extract().map_err(|_| PyTypeError::new_err("y is no array of float32"))?;
        return Ok(y.as_array().iter().map(|number| number.to_bits()).collect());
    }
    let y: PyReadonlyArrayDyn<'_, i64> =
        y.extract().map_err(|_| PyTypeError::new_err("y is no array of int64"))?;
    let label = |label: &i64| {
        u32::try_from(*label)
            .map_err(|_| PyValueError::new_err(format!("y has the label {label}, expected a class from 0")))
    };
    y.as_array().iter().map(label).collect()
}

/// Images and their labels, `each` an image, as a split.
pub fn split(images: Images, labels: Vec<u32>, each: usize) -> PyResult<Split> {
    if images.count * each != labels.len() {
        return Err(PyValueError::new_err(format!(
            "x has {} rows and y has {} labels, expected {each} a row",
            images.count,
            labels.len()
        )));
    }
    Ok(Split { images: images.bytes.into(), labels: labels.into(), each })
}

/// The numbers of images in the engine's format.
pub fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|number| f32::from_ne_bytes(*number)).collect()
}

/// Outputs as an array of rows of `width` numbers.
pub fn rows(py: Python<'_>, outputs: Vec<f32>, width: usize) -> PyResult<Bound<'_, PyArray2<f32>>> {
    let count = outputs.len() / width.max(1);
    PyArray1::from_vec(py, outputs).reshape([count, width])
}

/// Means as Python gets them: the loss, and the accuracy, or of several outputs an array of loss and accuracy of each.
pub fn means(py: Python<'_>, metrics: &Metrics) -> PyResult<Means> {
    if metrics.heads.is_empty() {
        return Ok((metrics.loss, metrics.accuracy.into_pyobject(py)?.into_any().unbind()));
    }
    Ok((metrics.loss, PyArray1::from_vec(py, metrics.heads.concat()).into_any().unbind()))
}

/// The tensors of an arena by name: views of one array, which owns it, so that nothing is copied.
pub fn unpack<'py>(
    py: Python<'py>,
    parameters: &[Parameter],
    arena: Vec<f32>,
) -> PyResult<Bound<'py, PyDict>> {
    let whole = PyArray1::from_vec(py, arena);
    let named = PyDict::new(py);
    for p in parameters {
        let part = PySlice::new(py, p.offset as isize, (p.offset + p.len()) as isize, 1);
        named.set_item(&p.name, whole.get_item(part)?.call_method1("reshape", (p.shape.clone(),))?)?;
    }
    Ok(named)
}

/// Copies tensors of float32 by name into an arena.
pub fn pack(parameters: &[Parameter], named: &Bound<'_, PyDict>) -> PyResult<Vec<f32>> {
    let mut arena = vec![0.0; arena_len(parameters)];
    for p in parameters {
        let fail = |got: String| {
            PyValueError::new_err(format!(
                "weights of `{}`: got {got}, expected {:?} of float32",
                p.name, p.shape
            ))
        };
        let value = named.get_item(&p.name)?.ok_or_else(|| fail("none".into()))?;
        let value: PyReadonlyArrayDyn<'_, f32> =
            value.extract().map_err(|_| fail(value.get_type().to_string()))?;
        if value.shape() != p.shape {
            return Err(fail(format!("{:?}", value.shape())));
        }
        for (to, from) in arena[p.offset..p.offset + p.len()].iter_mut().zip(value.as_array().iter()) {
            *to = *from;
        }
    }
    Ok(arena)
}
