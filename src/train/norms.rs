//! Norms of a network's tensors, of their gradients, and of their changes over an epoch.

use crate::program::Parameter;
use serde::{Deserialize, Serialize};

/// The norms of a tensor after an epoch. All are Euclidean: the root of the sum of squares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorNorms {
    /// Name of the tensor, such as `dense_1.kernel`.
    pub name: String,
    /// Number of elements.
    pub elements: usize,
    /// Norm of the weights.
    pub weights: f64,
    /// Norm of the gradient in the epoch's last step, before any clipping; `None` if the tensor is not trained or
    /// its gradient is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient: Option<f64>,
    /// Norm of the change over the epoch; `None` if the weights at its start are unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<f64>,
}

/// Computes the norms of all `parameters` from the current weights, the weights `before` the epoch, and the gradients,
/// which are empty if unknown.
pub fn norms(
    parameters: &[Parameter],
    weights: &[f32],
    before: Option<&[f32]>,
    gradients: &[f32],
) -> Vec<TensorNorms> {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let of = |p: &Parameter| {
        let now = || part(weights, p).map(|v| f64::from(*v));
        let moved = |before: &[f32]| {
            norm(&mut now().zip(part(before, p)).map(|(now, before)| now - f64::from(*before)))
        };
        TensorNorms {
            name: p.name.clone(),
            elements: p.len(),
            weights: norm(&mut now()),
            gradient: (p.trained && !gradients.is_empty())
                .then(|| norm(&mut part(gradients, p).map(|v| f64::from(*v)))),
            change: before.map(moved),
        }
    };
    parameters.iter().map(of).collect()
}

fn part<'a>(arena: &'a [f32], p: &Parameter) -> impl Iterator<Item = &'a f32> {
    arena.iter().skip(p.offset).take(p.len())
}

#[cfg(test)]
mod tests {
    use super::norms;
    use crate::{initializer::Initializer, program::Parameter};

    #[test]
    fn each_tensor_has_its_own_norms() {
        let parameter = |name: &str, offset, trained| Parameter {
            name: name.into(),
            shape: vec![2],
            initializer: Initializer::Zeros,
            offset,
            trained,
        };
        let parameters = [parameter("a", 0, true), parameter("b", 64, false)];
        let (mut weights, mut before, mut gradients) = (vec![9f32; 128], vec![9f32; 128], vec![9f32; 128]);
        (weights[0], weights[1], weights[64], weights[65]) = (3.0, 4.0, 0.0, 1.0);
        (before[0], before[1], before[64], before[65]) = (3.0, 2.0, 0.0, 1.0);
        (gradients[0], gradients[1]) = (-6.0, 8.0);
        let found = norms(&parameters, &weights, Some(&before), &gradients);
        let numbers: Vec<_> = found.iter().map(|t| (t.weights, t.gradient, t.change)).collect();
        assert_eq!(numbers, [(5.0, Some(10.0), Some(2.0)), (1.0, None, Some(0.0))]);
        assert_eq!(norms(&parameters, &weights, None, &gradients)[0].change, None);
    }
}
