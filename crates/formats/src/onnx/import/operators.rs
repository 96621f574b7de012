//! The supported operators. All nodes are checked before any is imported, so that an unsupported operator is
//! reported before shapes that do not fit.

use super::{Said, known, located, pointwise, written::Step};
use crate::onnx::attributes::Node;
use std::collections::BTreeSet;

/// Operators that are supported on values that depend on the image, for messages and documentation.
pub const OPERATORS: &[&str] = &[
    "Add",
    "Attention",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "ConvTranspose",
    "Div",
    "Dropout",
    "Einsum",
    "Elu",
    "Exp",
    "Expand",
    "Flatten",
    "GRU",
    "Gather",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LSTM",
    "LayerNormalization",
    "LeakyRelu",
    "LogSoftmax",
    "LpNormalization",
    "MatMul",
    "Max",
    "MaxPool",
    "Mean",
    "Min",
    "Mish",
    "Mul",
    "PRelu",
    "Pad",
    "RMSNormalization",
    "RNN",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Resize",
    "Selu",
    "SequenceAt",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Softsign",
    "Split",
    "SplitToSequence",
    "Squeeze",
    "Sub",
    "Sum",
    "Swish",
    "Tanh",
    "Transpose",
    "Unsqueeze",
    "Where",
];

/// Operators on constants and shapes, which are evaluated during the import.
const WORKED_OUT: &[&str] = &[
    "Add",
    "And",
    "Cast",
    "CastLike",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "DepthToSpace",
    "Div",
    "Dropout",
    "Equal",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Max",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Pad",
    "Range",
    "ReduceProd",
    "Reshape",
    "SequenceAt",
    "Shape",
    "Size",
    "Slice",
    "SpaceToDepth",
    "Split",
    "SplitToSequence",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tile",
    "Transpose",
    "Trilu",
    "Unsqueeze",
    "Where",
];

/// Checks that every step and its attributes are supported; `inputs` are those of the file.
///
/// # Errors
/// Names the first step that is not supported, by its operator or by an attribute, in words.
pub(super) fn all_are_read(steps: &[Step<'_>], inputs: &[&str]) -> Said<()> {
    // The values that depend on the image, and not only on its shape.
    let mut follows: BTreeSet<&str> = inputs.iter().copied().collect();
    let nodes =
        || steps.iter().filter_map(|step| if let Step::Node(node) = step { Some(*node) } else { None });
    for step in steps {
        let node = step.node();
        let op = node.op_type.as_str();
        // The second input of CastLike is only asked for its type.
        let read = if op == "CastLike" { 1 } else { usize::MAX };
        let from_image =
            step.inputs().take(read).any(|name| follows.contains(name)) && !["Shape", "Size"].contains(&op);
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
                        "is only read as part of an activation that wgrad has, such as gelu, and is not part of one here"
                    }
                    false => "is not supported",
                };
                format!("{part}; supported are {}", OPERATORS.join(", "))
            }
            ("" | "ai.onnx", false) => {
                format!(
                    "is not supported on constants alone; fold constants first, for example by \
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
