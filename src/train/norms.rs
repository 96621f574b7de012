//! How large the tensors of a network are, how large their gradients, and how far an epoch moved them.

use crate::program::Parameter;
use serde::{Deserialize, Serialize};

/// A tensor after an epoch. Norms are Euclidean: the root of the sum of squares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorNorms {
    /// `dense_1.kernel`.
    pub name: String,
    /// Its number of elements.
    pub elements: usize,
    /// The norm of its numbers.
    pub weights: f64,
    /// The norm of its gradient in the epoch's last step, before any clipping; nothing where it is not trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient: Option<f64>,
    /// The norm of what the epoch added to it; nothing where its beginning is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<f64>,
}

/// The norms of all `parameters` from their arenas: the weights now, as they were `before` the epoch, the gradients,
/// which are empty where none are known.
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
