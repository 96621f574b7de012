//! ONNX: export of trained networks, import of ONNX files, and an executor that runs single operators of ONNX on
//! wgrad's kernels. The executor compares these with ONNX's own test cases.

/// Weights of recurrent layers in the orders of ONNX and wgrad.
mod recurrence;
/// Attributes of operators; windows and their padding.
mod attributes;
/// Recognition of files that are not ONNX.
mod format;
/// Single operators on wgrad's kernels, against ONNX's own test cases.
pub mod execute;
/// Export of networks as ONNX files.
pub mod export;
/// Weights in a file next to the model.
pub mod external;
/// Import of ONNX files as networks.
pub mod import;
/// The messages of the ONNX format.
pub mod proto;
/// Tables: their encoding in a file.
pub mod table;
/// Tensors in host memory, and the movement of their elements.
pub mod tensor;

use crate::{Error, Result};
use prost::Message;
use proto::ModelProto;

/// Parses the bytes of an ONNX file; `what` names it in errors.
///
/// # Errors
/// [`Error::Onnx`] where the bytes are not an ONNX model.
pub fn read(what: &str, bytes: &[u8]) -> Result<ModelProto> {
    let fail = |message: String| Error::Onnx { what: what.to_string(), message };
    if let Some(other) = format::other(bytes) {
        return Err(fail(format!("is not an ONNX file: {other}")));
    }
    let model = ModelProto::decode(bytes)
        .map_err(|e| fail(format!("is not an ONNX file ({e}); was something else saved under this name?")))?;
    match &model.graph {
        Some(graph) if !graph.output.is_empty() => Ok(model),
        _ => Err(fail("is not an ONNX model: it has no graph with an output".into())),
    }
}

/// The bytes of an ONNX file.
pub fn write(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// The bytes of a file with one tensor, in the format of ONNX's test cases.
pub fn tensor_bytes(tensor: &tensor::Tensor, name: &str) -> Vec<u8> {
    tensor.to_proto(name).encode_to_vec()
}

/// Reads a file with one tensor; `what` names it in errors.
///
/// # Errors
/// [`Error::Onnx`] where the bytes are not a tensor, or its type is not supported.
pub fn read_tensor(what: &str, bytes: &[u8]) -> Result<tensor::Tensor> {
    let fail = |message: String| Error::Onnx { what: what.to_string(), message };
    let proto =
        proto::TensorProto::decode(bytes).map_err(|e| fail(format!("is not an ONNX tensor ({e})")))?;
    tensor::Tensor::from_proto(&proto).map_err(fail)
}
