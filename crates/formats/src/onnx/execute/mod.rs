//! Runs small ONNX graphs on wgrad's kernels, operator by operator. The host moves numbers: it reshapes,
//! transposes, slices, concatenates, repeats and pads tensors, and computes shapes. All other arithmetic is a
//! dispatch on the device.

mod case;
mod device;
mod elementwise;
mod loss;
mod movement;
mod normalize;
mod optimizer;
mod product;
mod recurrent;
mod reduce;
mod unfold;
mod window;

pub use case::{Outcome, run_case};
pub use device::Device;

use super::{
    attributes::Node,
    proto::{GraphProto, kind},
    tensor::Tensor,
};
use std::collections::BTreeMap;
use wgrad::Error;

/// The reason why an operator was not run.
#[derive(Debug)]
pub enum Refusal {
    /// wgrad has no kernel for the operator, or not for this form of it.
    NotSupported(String),
    /// The device failed.
    Failed(Error),
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::NotSupported(message)
    }
}

impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        Self::NotSupported(message.to_string())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The outputs of an operator, or its refusal.
pub(super) type Outputs = Result<Vec<Tensor>, Refusal>;

/// An operator with its inputs.
pub(super) struct Use<'a> {
    pub node: Node<'a>,
    pub inputs: Vec<Option<&'a Tensor>>,
    /// True if the inputs follow from shapes and constants alone, so that the host may compute with integers.
    pub known: bool,
}

impl<'a> Use<'a> {
    /// The input with the index `n`, which must exist.
    pub fn input(&self, n: usize) -> Result<&'a Tensor, String> {
        self.optional(n).ok_or_else(|| format!("input {} is missing", n + 1))
    }

    /// The input with the index `n`, if there is one.
    pub fn optional(&self, n: usize) -> Option<&'a Tensor> {
        self.inputs.get(n).copied().flatten()
    }

    /// Integers from an input or, in older versions of the operator, from an attribute.
    pub fn ints(&self, n: usize, attribute: &str) -> Result<Option<Vec<i64>>, String> {
        match self.optional(n) {
            Some(tensor) => Ok(Some(tensor.wholes()?.to_vec())),
            None => Ok(self.node.ints(attribute).map(<[i64]>::to_vec)),
        }
    }

    /// Number of outputs that the graph uses.
    pub fn outputs(&self) -> usize {
        self.node.0.output.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1)
    }
}

/// Runs `graph` on tensors for its inputs. Returns the tensors of its outputs.
///
/// # Errors
/// [`Refusal`], with the operator.
pub async fn run(device: &Device<'_>, graph: &GraphProto, inputs: Vec<Tensor>) -> Outputs {
    let mut values: BTreeMap<&str, (Tensor, bool)> = BTreeMap::new();
    for initializer in &graph.initializer {
        values.insert(&initializer.name, (Tensor::from_proto(initializer)?, true));
    }
    let given = graph.input.iter().filter(|input| !graph.initializer.iter().any(|t| t.name == input.name));
    for (input, tensor) in given.zip(inputs) {
        values.insert(&input.name, (tensor, false));
    }
    for node in &graph.node {
        let name = |message: String| match node.domain.as_str() {
            "" | "ai.onnx" => format!("{}: {message}", node.op_type),
            domain => format!("{domain}.{}: {message}", node.op_type),
        };
        let named = |refusal| match refusal {
            Refusal::NotSupported(message) => Refusal::NotSupported(name(message)),
            other => other,
        };
        let found: Vec<Option<&(Tensor, bool)>> =
            node.input.iter().map(|name| values.get(name.as_str())).collect();
        if let Some(missing) = node.input.iter().zip(&found).find(|(name, v)| !name.is_empty() && v.is_none())
        {
            return Err(Refusal::NotSupported(name(format!(
                "it takes `{}`, which no node gives",
                missing.0
            ))));
        }
        let shape_only = ["Shape", "Size", "Constant"].contains(&node.op_type.as_str());
        let known = shape_only || found.iter().flatten().all(|(_, known)| *known);
        let inputs = found.iter().map(|value| value.map(|(tensor, _)| tensor)).collect();
        let outputs = operator(device, &Use { node: Node(node), inputs, known }).await.map_err(named)?;
        for (name, tensor) in node.output.iter().zip(outputs).filter(|(name, _)| !name.is_empty()) {
            values.insert(name, (tensor, known));
        }
    }
    graph
        .output
        .iter()
        .map(|output| match values.get(output.name.as_str()) {
            Some((tensor, _)) => Ok(tensor.clone()),
            None => Err(Refusal::NotSupported(format!("no node gives the output `{}`", output.name))),
        })
        .collect()
}

async fn operator(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    if let Some(outputs) = movement::operator(u)? {
        return Ok(outputs);
    }
    // No kernel works on integers; the host may compute them only for shapes.
    let integers = u.inputs.iter().flatten().any(|t| t.kind != kind::FLOAT);
    match u.node.op() {
        op @ ("Add" | "Sub" | "Mul" | "Div" | "Neg" | "Range" | "Cast" | "CastLike") if integers => {
            movement::whole(op, u).map_err(Refusal::from)
        }
        "Conv" => window::conv(device, u).await,
        "ConvTranspose" => window::conv_transpose(device, u).await,
        "MaxPool" | "GlobalMaxPool" => window::max_pool(device, u).await,
        "AveragePool" | "GlobalAveragePool" => window::average_pool(device, u).await,
        "LpPool" => window::lp_pool(device, u).await,
        "Gemm" => product::gemm(device, u).await,
        "MatMul" => product::matmul(device, u).await,
        "BatchNormalization" => normalize::batch(device, u).await,
        "LayerNormalization" => normalize::layer(device, u).await,
        "InstanceNormalization" => normalize::instance(device, u).await,
        "GroupNormalization" => normalize::group(device, u).await,
        "MeanVarianceNormalization" => normalize::mean_variance(device, u).await,
        "RMSNormalization" => normalize::root_mean_square(device, u).await,
        "LRN" => normalize::local_response(device, u).await,
        "Softmax" | "LogSoftmax" => loss::softmax(device, u).await,
        "SoftmaxCrossEntropyLoss" => loss::cross_entropy(device, u).await,
        "NegativeLogLikelihoodLoss" => loss::negative_log_likelihood(device, u).await,
        "RNN" | "LSTM" | "GRU" => recurrent::recurrent(device, u).await,
        "Adam" | "Momentum" => optimizer::optimizer(device, u).await,
        op if op.starts_with("Reduce") || op.starts_with("Arg") || op == "LpNormalization" => {
            reduce::reduce(device, u).await
        }
        _ => elementwise::elementwise(device, u).await,
    }
}

/// The result of an operator that the host can compute: moved numbers, and integers of shapes. `None` for other
/// operators.
///
/// # Errors
/// An error in words, where the inputs of such an operator do not fit.
pub(super) fn shapes_only(u: &Use<'_>) -> Result<Option<Vec<Tensor>>, String> {
    let said = |refusal| match refusal {
        Refusal::NotSupported(message) => message,
        Refusal::Failed(error) => error.to_string(),
    };
    if let Some(outputs) = movement::operator(u).map_err(said)? {
        return Ok(Some(outputs));
    }
    match u.node.op() {
        op @ ("Add" | "Sub" | "Mul" | "Div" | "Neg" | "Range") => movement::whole(op, u).map(Some),
        _ => Ok(None),
    }
}
