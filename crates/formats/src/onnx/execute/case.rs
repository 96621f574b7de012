//! Runs ONNX's own test cases: a folder with `model.onnx` and `test_data_set_*`, which hold input tensors and
//! expected output tensors. In this module, only this file reads files.

use super::{Device, Refusal, run};
use crate::onnx::{
    read, read_tensor,
    tensor::{Data, Tensor},
};
use crate::{Error, Result, error::io_error};
use std::{fs, path::Path};

/// ONNX's own tolerances: |got - expected| ≤ ABSOLUTE + RELATIVE · |expected|.
const RELATIVE: f64 = 1e-3;
const ABSOLUTE: f64 = 1e-7;

/// Outcome of a test case.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every element is within the tolerance.
    Passed {
        /// Number of dispatches that computed the result; 0 where numbers were only moved.
        dispatches: usize,
    },
    /// wgrad has no kernel for an operator, or for this form of it.
    NotSupported {
        /// The operator and the reason.
        reason: String,
    },
    /// At least one element differs.
    Failed {
        /// The largest difference, in words.
        reason: String,
    },
}

/// Runs the case in `folder`.
///
/// # Errors
/// [`wgrad::Error::Io`] and [`Error::Onnx`] where it cannot be read; [`wgrad::Error::Device`] where the device
/// fails.
pub async fn run_case(device: &Device<'_>, folder: &Path) -> Result<Outcome> {
    let bytes =
        |path: &Path| fs::read(path).map_err(io_error("cannot read", path, "is it a test case of ONNX?"));
    let path = folder.join("model.onnx");
    let model = read(&path.display().to_string(), &bytes(&path)?)?;
    let Some(graph) = &model.graph else { return Ok(Outcome::NotSupported { reason: "no graph".into() }) };
    device.dispatches();
    let mut dispatches = 0;
    for set in 0.. {
        let data = folder.join(format!("test_data_set_{set}"));
        if set > 0 && !data.is_dir() {
            break;
        }
        let mut lists = [Vec::new(), Vec::new()];
        for (list, (kind, values)) in
            lists.iter_mut().zip([("input", &graph.input), ("output", &graph.output)])
        {
            for (n, value) in values.iter().enumerate() {
                let file = data.join(format!("{kind}_{n}.pb"));
                if value.r#type.as_ref().is_none_or(|t| t.tensor_type.is_none()) {
                    return Ok(Outcome::NotSupported { reason: "values that are not tensors".into() });
                }
                match read_tensor(&file.display().to_string(), &bytes(&file)?) {
                    Ok(tensor) => list.push(tensor),
                    Err(Error::Onnx { message, .. }) => return Ok(Outcome::NotSupported { reason: message }),
                    Err(other) => return Err(other),
                }
            }
        }
        let [inputs, expected] = lists;
        let found = match run(device, graph, inputs).await {
            Ok(found) => found,
            Err(Refusal::NotSupported(reason)) => return Ok(Outcome::NotSupported { reason }),
            Err(Refusal::Failed(error)) => return Err(error.into()),
        };
        for ((output, got), expected) in graph.output.iter().zip(&found).zip(&expected) {
            if let Some(reason) = difference(&output.name, got, expected) {
                return Ok(Outcome::Failed { reason });
            }
        }
        dispatches += device.dispatches();
    }
    Ok(Outcome::Passed { dispatches })
}

/// Describes the element with the largest difference, if one exceeds the tolerance. NaN differs from every number.
fn difference(name: &str, got: &Tensor, expected: &Tensor) -> Option<String> {
    if got.shape != expected.shape || got.kind != expected.kind {
        return Some(format!(
            "{name} is {:?} of type {}, expected {:?} of type {}",
            got.shape, got.kind, expected.shape, expected.kind
        ));
    }
    let numbers = |t: &Tensor| -> Vec<f64> {
        match &t.data {
            Data::Real(values) => values.iter().map(|v| f64::from(*v)).collect(),
            Data::Whole(values) => values.iter().map(|v| *v as f64).collect(),
        }
    };
    let excess = |(got, expected): (&f64, &f64)| {
        let same = got == expected || got.is_nan() && expected.is_nan();
        let allowed = (got - expected).abs() <= ABSOLUTE + RELATIVE * expected.abs();
        if same || allowed { 0.0 } else { (got - expected).abs().max(f64::MIN_POSITIVE) }
    };
    let (got, expected) = (numbers(got), numbers(expected));
    let errors: Vec<f64> = got.iter().zip(&expected).map(excess).collect();
    let wrong = errors.iter().filter(|e| **e != 0.0).count();
    let worst =
        (0..errors.len()).filter(|n| errors[*n] != 0.0).max_by(|a, b| errors[*a].total_cmp(&errors[*b]))?;
    Some(format!(
        "{name}[{worst}] is {:e}, expected {:e}; {wrong} of {} elements differ",
        got[worst],
        expected[worst],
        got.len()
    ))
}
