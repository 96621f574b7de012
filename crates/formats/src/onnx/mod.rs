//! ONNX: trained networks as ONNX files, ONNX files as networks, and an executor that runs single operators of ONNX on
//! wgrad's kernels, to hold them against ONNX's own test cases.

/// Weights of recurrent layers in both orders.
mod recurrence;
/// How an operator's attributes are read; windows and their padding.
mod attributes;
/// What a file is that is none of ONNX's.
mod format;
/// Single operators on wgrad's kernels, against ONNX's own test cases.
pub mod execute;
/// Networks as ONNX files.
pub mod export;
/// Weights in a file beside the model.
pub mod external;
/// ONNX files as networks.
pub mod import;
/// The messages of the ONNX format.
pub mod proto;
/// Tables: what a file holds of them.
pub mod table;
/// Tensors of the host, and how their numbers move.
pub mod tensor;

use crate::{Error, Result};
use prost::Message;
use proto::ModelProto;

/// Parses the bytes of an ONNX file; `what` names it in errors.
///
/// # Errors
/// [`Error::Onnx`] where they are no ONNX model.
pub fn read(what: &str, bytes: &[u8]) -> Result<ModelProto> {
    let fail = |message: String| Error::Onnx { what: what.to_string(), message };
    if let Some(other) = format::other(bytes) {
        return Err(fail(format!("is no ONNX file: {other}")));
    }
    let model = ModelProto::decode(bytes)
        .map_err(|e| fail(format!("is no ONNX file ({e}); was something else saved under this name?")))?;
    match &model.graph {
        Some(graph) if !graph.output.is_empty() => Ok(model),
        _ => Err(fail("is no ONNX model: it has no graph with an output".into())),
    }
}

/// The bytes of an ONNX file.
pub fn write(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// The bytes of a file with one tensor, as ONNX's test cases have them.
pub fn tensor_bytes(tensor: &tensor::Tensor, name: &str) -> Vec<u8> {
    tensor.to_proto(name).encode_to_vec()
}

/// Reads a file with one tensor; `what` names it in errors.
///
/// # Errors
/// [`Error::Onnx`] where it is none, or of a type that wgrad does not take.
pub fn read_tensor(what: &str, bytes: &[u8]) -> Result<tensor::Tensor> {
    let fail = |message: String| Error::Onnx { what: what.to_string(), message };
    let proto = proto::TensorProto::decode(bytes).map_err(|e| fail(format!("is no ONNX tensor ({e})")))?;
    tensor::Tensor::from_proto(&proto).map_err(fail)
}
