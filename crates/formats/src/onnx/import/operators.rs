//! Which operators are read. All nodes are looked at before any is read, so that what is not there is named before shapes
//! that do not fit.

use super::{Said, known, located, pointwise, written::Step};
use crate::onnx::attributes::Node;
use std::collections::BTreeSet;

/// The operators that can be read where they follow from the image, for messages and documentation.
pub const OPERATORS: &[&str] = &[
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "Div",
    "Dropout",
    "Elu",
    "Exp",
    "Flatten",
    "GRU",
    "Gather",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LSTM",
    "LayerNormalization",
    "LeakyRelu",
    "LogSoftmax",
    "MatMul",
    "MaxPool",
    "Mish",
    "Mul",
    "PRelu",
    "Pad",
    "RNN",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Selu",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Softsign",
    "Squeeze",
    "Sub",
    "Swish",
    "Tanh",
    "Transpose",
    "Unsqueeze",
];

/// Operators on constants and shapes, worked out while a file is read.
const WORKED_OUT: &[&str] = &[
    "Add",
    "Cast",
    "CastLike",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "DepthToSpace",
    "Div",
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Mul",
    "Neg",
    "Pad",
    "Range",
    "Reshape",
    "Shape",
    "Size",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Sub",
    "Tile",
    "Transpose",
    "Unsqueeze",
];

/// Whether every step is one that is read, with attributes that are; `inputs` are those of the file.
///
/// # Errors
/// In words, the first that is not: by its operator, or else by an attribute.
pub(super) fn all_are_read(steps: &[Step<'_>], inputs: &[&str]) -> Said<()> {
    // What follows from the image, and not from its shape alone.
    let mut follows: BTreeSet<&str> = inputs.iter().copied().collect();
    let nodes =
        || steps.iter().filter_map(|step| if let Step::Node(node) = step { Some(*node) } else { None });
    for step in steps {
        let node = step.node();
        let op = node.op_type.as_str();
        let from_image = step.inputs().any(|name| follows.contains(name)) && !["Shape", "Size"].contains(&op);
        if from_image {
            follows.extend(node.output.iter().map(String::as_str));
        }
        let Step::Node(node) = step else { continue };
        let message = match (node.domain.as_str(), from_image) {
            ("" | "ai.onnx", true) if OPERATORS.contains(&op) => continue,
            ("" | "ai.onnx", false) if WORKED_OUT.contains(&op) => continue,
            ("" | "ai.onnx", true) => {
                let part = match pointwise::known(op) {
                    true => {
                        "is read only as a part of an activation that wgrad has, such as gelu, and this is none"
                    }
                    false => "is not supported",
                };
                format!("{part}; supported are {}", OPERATORS.join(", "))
            }
            ("" | "ai.onnx", false) => {
                format!(
                    "is not supported for what follows from constants alone; fold constants first, for example by \
                     `onnxsim`. Supported are {}",
                    WORKED_OUT.join(", ")
                )
            }
            (domain, _) => format!("the operator is of {domain}; only ONNX's own are known"),
        };
        return Err(located(node, &message));
    }
    for node in nodes() {
        known::attributes(&Node(node)).map_err(|message| located(node, &message))?;
    }
    Ok(())
}
