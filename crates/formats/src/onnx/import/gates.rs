//! Activations of recurrent operators, with their parameters.

use super::Said;
use crate::onnx::attributes::Node;
use wgrad::{layers::ActivationName, op::activations};

/// The activations of states and of gates.
pub(super) fn activations(node: &Node<'_>, directions: usize) -> Said<(ActivationName, ActivationName)> {
    let names = node.texts("activations");
    let each = match node.op() {
        "RNN" => 1,
        "GRU" => 2,
        _ => 3,
    };
    let own = names.get(..each).unwrap_or_default();
    let alike = names.chunks(each).all(|chunk| chunk == own);
    if !names.is_empty() && (names.len() != each * directions || !alike)
        || each == 3 && own.get(1) != own.get(2)
    {
        return Err(format!("the activations {}", names.join(", ")));
    }
    let numbers = |name: &str, takes: &[&str], default: fn(&str) -> f32| -> Said<Vec<f32>> {
        let given = node.attribute(name).map_or(&[][..], |a| &a.floats);
        // Each direction has its own parameters, in the order of the activations that take one.
        let per = own.iter().filter(|own| takes.contains(&own.as_str())).count();
        let apart = given.chunks(per.max(1)).any(|chunk| chunk != &given[..per.min(given.len())]);
        if !given.is_empty() && (given.len() != per * directions || apart) {
            return Err(format!(
                "{name} of {} numbers for the activations {}",
                given.len(),
                names.join(", ")
            ));
        }
        let mut given = given.iter();
        Ok(own
            .iter()
            .map(|own| match takes.contains(&own.as_str()) {
                true => given.next().copied().unwrap_or(default(own)),
                false => 0.0,
            })
            .collect())
    };
    let alpha = |name: &str| match name {
        "LeakyRelu" => 0.01,
        "HardSigmoid" => 0.2,
        _ => 1.0,
    };
    let beta = |name: &str| if name == "HardSigmoid" { 0.5 } else { 0.0 };
    let alphas = numbers("activation_alpha", &["Affine", "LeakyRelu", "Elu", "HardSigmoid"], alpha)?;
    let betas = numbers("activation_beta", &["Affine", "HardSigmoid"], beta)?;
    if each == 3 && (alphas.get(1) != alphas.get(2) || betas.get(1) != betas.get(2)) {
        return Err(format!("the activations {} with different numbers", names.join(", ")));
    }
    let known = |name: &str, n: usize| -> Said<ActivationName> {
        let number = |list: &[f32]| list.get(n).copied().unwrap_or(0.0);
        let close = |a: f32, b: f32| (number(&alphas) - a).abs() < 1e-6 && (number(&betas) - b).abs() < 1e-6;
        let found = match name {
            "Relu" => "relu",
            "Tanh" => "tanh",
            "Sigmoid" => "sigmoid",
            "Softsign" => "softsign",
            "Softplus" => "softplus",
            "Affine" if close(1.0, 0.0) => "linear",
            "LeakyRelu" if close(0.2, 0.0) => "leaky_relu",
            "Elu" if close(1.0, 0.0) => "elu",
            "HardSigmoid" if close(1.0 / 6.0, 0.5) => "hard_sigmoid",
            other => return Err(format!("the activation {other} with these numbers")),
        };
        activations::activation(found).map(ActivationName::Elementwise).map_err(|e| e.to_string())
    };
    let at = |n: usize, default: &str| known(own.get(n).map_or(default, String::as_str), n);
    match each {
        1 => Ok((at(0, "Tanh")?, known("Sigmoid", 0)?)),
        _ => Ok((at(1, "Tanh")?, at(0, "Sigmoid")?)),
    }
}
