//! Elementwise operators as functions in f64.

use crate::onnx::{
    attributes::Node,
    proto::{NodeProto, kind},
};
use std::collections::BTreeMap;
use wgrad::op::activations;

/// A constant with one element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar {
    pub value: f64,
    /// Number of axes.
    pub rank: usize,
}

/// True if an operator works elementwise and can be evaluated here.
pub(super) fn known(op: &str) -> bool {
    const KNOWN: [&str; 46] = [
        "Abs",
        "Add",
        "Cast",
        "Celu",
        "Clip",
        "Div",
        "Elu",
        "Equal",
        "Erf",
        "Exp",
        "Gelu",
        "Greater",
        "GreaterOrEqual",
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "LeakyRelu",
        "Less",
        "LessOrEqual",
        "Log",
        "Max",
        "Mean",
        "Min",
        "Mish",
        "Mul",
        "Neg",
        "Not",
        "PRelu",
        "Pow",
        "Reciprocal",
        "Relu",
        "Selu",
        "Sigmoid",
        "Sign",
        "Softplus",
        "Softsign",
        "Sqrt",
        "Sub",
        "Sum",
        "Swish",
        "Tanh",
        "ThresholdedRelu",
        "Where",
        "And",
        "Or",
        "Ceil",
    ];
    KNOWN.contains(&op)
}

/// Evaluates `nodes`, in order, with `points` as the value `input`. Returns the value `output`; `None` where a node
/// is used in another way than elementwise.
pub(super) fn evaluate(
    nodes: &[&NodeProto],
    scalars: &BTreeMap<&str, Scalar>,
    input: &str,
    output: &str,
    points: &[f64],
) -> Option<Vec<f64>> {
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::from([(input, points.to_vec())]);
    for node in nodes {
        let mut inputs: Vec<Option<Vec<f64>>> = Vec::new();
        for name in &node.input {
            inputs.push(match (name.as_str(), scalars.get(name.as_str())) {
                ("", _) => None,
                (_, Some(scalar)) => Some(vec![scalar.value; points.len()]),
                (name, None) => Some(values.get(name)?.clone()),
            });
        }
        let made: Option<Vec<f64>> = (0..points.len())
            .map(|n| {
                let x: Vec<Option<f64>> =
                    inputs.iter().map(|list| list.as_ref().map(|list| list[n])).collect();
                apply(&Node(node), &x)
            })
            .collect();
        values.insert(node.output.first()?, made?);
    }
    values.remove(output)
}

/// Evaluates a node for one element.
fn apply(node: &Node<'_>, x: &[Option<f64>]) -> Option<f64> {
    let at = |n: usize| x.get(n).copied().flatten();
    let truth = |value: bool| f64::from(u8::from(value));
    if let Some(name) = node.activation() {
        return at(0).map(activations::activation(name).ok()?.value);
    }
    let all = || x.iter().copied().collect::<Option<Vec<f64>>>().filter(|all| !all.is_empty());
    let alpha = |default: f32| f64::from(node.float("alpha", default));
    Some(match node.op() {
        "Identity" => at(0)?,
        // Casts to other types round.
        "Cast" => match node.int("to", 0) as i32 {
            kind::FLOAT | kind::DOUBLE => at(0)?,
            kind::BOOL => truth(at(0)? != 0.0),
            _ => return None,
        },
        "Abs" => at(0)?.abs(),
        "Neg" => -at(0)?,
        "Sign" => at(0)?.partial_cmp(&0.0).map_or(f64::NAN, |order| f64::from(order as i8)),
        "Ceil" => at(0)?.ceil(),
        "Exp" => at(0)?.exp(),
        "Log" => at(0)?.ln(),
        "Sqrt" => at(0)?.sqrt(),
        "Reciprocal" => 1.0 / at(0)?,
        // This uses erf(x) = 2 Φ(√2 x) - 1; x Φ(x) is GELU.
        "Erf" => 2.0 * activations::normal(at(0)? * std::f64::consts::SQRT_2) - 1.0,
        "Add" => at(0)? + at(1)?,
        "Sub" => at(0)? - at(1)?,
        "Mul" => at(0)? * at(1)?,
        "Div" => at(0)? / at(1)?,
        "Pow" => at(0)?.powf(at(1)?),
        "Max" => all()?.into_iter().fold(f64::NEG_INFINITY, f64::max),
        "Min" => all()?.into_iter().fold(f64::INFINITY, f64::min),
        "Sum" => all()?.into_iter().sum(),
        "Mean" => all()?.iter().sum::<f64>() / x.len() as f64,
        "Equal" => truth(at(0)? == at(1)?),
        "Greater" => truth(at(0)? > at(1)?),
        "GreaterOrEqual" => truth(at(0)? >= at(1)?),
        "Less" => truth(at(0)? < at(1)?),
        "LessOrEqual" => truth(at(0)? <= at(1)?),
        "Not" => truth(at(0)? == 0.0),
        "And" => truth(at(0)? != 0.0 && at(1)? != 0.0),
        "Or" => truth(at(0)? != 0.0 || at(1)? != 0.0),
        "Where" => at(if at(0)? != 0.0 { 1 } else { 2 })?,
        "Clip" => {
            let bound = |n: usize, name: &str| at(n).or_else(|| node.attribute(name)?.f.map(f64::from));
            at(0)?
                .max(bound(1, "min").unwrap_or(f64::NEG_INFINITY))
                .min(bound(2, "max").unwrap_or(f64::INFINITY))
        }
        "PRelu" | "LeakyRelu" => {
            let slope = if node.op() == "PRelu" { at(1)? } else { alpha(0.01) };
            if at(0)? < 0.0 { slope * at(0)? } else { at(0)? }
        }
        "Elu" if at(0)? < 0.0 => alpha(1.0) * at(0)?.exp_m1(),
        "Celu" if at(0)? < 0.0 => alpha(1.0) * (at(0)? / alpha(1.0)).exp_m1(),
        "Elu" | "Celu" => at(0)?,
        "ThresholdedRelu" => {
            if at(0)? > alpha(1.0) {
                at(0)?
            } else {
                0.0
            }
        }
        "HardSigmoid" => (alpha(0.2) * at(0)? + f64::from(node.float("beta", 0.5))).clamp(0.0, 1.0),
        "Swish" => at(0)? / (1.0 + (-alpha(1.0) * at(0)?).exp()),
        "Selu" => {
            let (alpha, gamma) = (alpha(1.673_263_2), f64::from(node.float("gamma", 1.050_701)));
            gamma * if at(0)? > 0.0 { at(0)? } else { alpha * at(0)?.exp_m1() }
        }
        _ => return None,
    })
}
