//! Activations: an argument of other layers, and a layer by itself.

use super::{MaskRule, Place, Rules};
use crate::{
    kernels::{ACTIVATION_FORWARD, ACTIVATION_GRAD, SOFTMAX_FORWARD, SOFTMAX_GRAD},
    op::{
        Activation as Elementwise, At, Call,
        activations::{self, LINEAR},
    },
    program::{Builder, ValueId},
};
use std::fmt;

/// An activation: element by element, or softmax over the last axis.
#[derive(Clone, Copy)]
pub enum ActivationName {
    /// One of [`activations::ACTIVATIONS`].
    Elementwise(&'static Elementwise),
    /// exp(x) / Σ exp(x) over the last axis.
    Softmax,
}

impl ActivationName {
    /// Keras's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Elementwise(activation) => activation.name,
            Self::Softmax => "softmax",
        }
    }

    /// Returns true if the activation is the identity.
    pub fn is_linear(&self) -> bool {
        self.name() == "linear"
    }

    /// The activation that a kernel can apply to its own output, or `linear`. In a pass with gradients, an activation
    /// whose derivative needs its input cannot be fused: that input must be kept, so the activation is a separate
    /// dispatch.
    pub(super) fn fusible(&self, training: bool) -> &'static Elementwise {
        match self {
            Self::Elementwise(activation) if activation.at == At::Output || !training => activation,
            _ => &LINEAR,
        }
    }
}

impl Default for ActivationName {
    fn default() -> Self {
        Self::Elementwise(&LINEAR)
    }
}

impl fmt::Debug for ActivationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for ActivationName {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl std::str::FromStr for ActivationName {
    type Err = crate::Error;

    fn from_str(name: &str) -> crate::Result<Self> {
        match name {
            "softmax" => Ok(Self::Softmax),
            _ => Ok(Self::Elementwise(activations::activation(name)?)),
        }
    }
}

impl serde::Serialize for ActivationName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> serde::Deserialize<'de> for ActivationName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// Appends softmax over the last axis of `x`.
pub(crate) fn softmax(b: &mut Builder, label: &str, x: ValueId, shape: &[usize]) -> ValueId {
    let y = b.batched(&format!("{label} softmax"), shape);
    b.call(label, softmax_call(b, &SOFTMAX_FORWARD, shape), &[("y", y), ("x", x)]);
    y
}

fn softmax_call(b: &Builder, op: &'static crate::op::Op, shape: &[usize]) -> Call {
    let classes = shape.last().copied().unwrap_or(1);
    let rows = b.batch() * shape.iter().product::<usize>() / classes.max(1);
    Call::new(op, &[("ROWS", rows), ("CLASSES", classes)])
}

/// Appends the gradient of softmax, computed from `dy` and the output `y`.
pub(crate) fn softmax_grad(
    b: &mut Builder,
    label: &str,
    dy: ValueId,
    y: ValueId,
    shape: &[usize],
) -> ValueId {
    let dx = b.batched(&format!("d {label}"), shape);
    b.call(label, softmax_call(b, &SOFTMAX_GRAD, shape), &[("dx", dx), ("dy", dy), ("y", y)]);
    dx
}

/// `Activation(activation)`: an activation as a layer.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// The activation, by Keras's name.
    pub activation: ActivationName,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Activation {
    /// Creates the layer from the name of an activation.
    ///
    /// # Errors
    /// [`crate::Error::Unknown`] with the known names.
    pub fn new(name: &str) -> crate::Result<Self> {
        Ok(Self { activation: name.parse()?, name: None })
    }
}

impl Rules for Activation {
    fn slug(&self) -> &'static str {
        "activation"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Passes
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        Ok(input.to_vec())
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let fused = self.activation.fusible(b.differentiates());
        let fits = place.alone && self.activation.name() == fused.name;
        if self.activation.is_linear() || fits && b.absorb(place.x, fused) {
            return place.x;
        }
        apply(b, self.activation, &place.name, place.x, &place.output, &mut place.saved)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        if !wanted || place.saved.is_empty() {
            return wanted.then_some(dy);
        }
        let dx = apply_grad(b, self.activation, &place.name, dy, place.saved[0], &place.output);
        Some(b.through_fused(&place.name, place.x, dx))
    }
}

/// Appends an activation as a separate dispatch and pushes to `saved` the value that its gradient needs.
fn apply(
    b: &mut Builder,
    activation: ActivationName,
    label: &str,
    x: ValueId,
    shape: &[usize],
    saved: &mut Vec<ValueId>,
) -> ValueId {
    let ActivationName::Elementwise(activation) = activation else {
        let y = softmax(b, label, x, shape);
        saved.push(y);
        return y;
    };
    let y = b.batched(&format!("{label} {}", activation.name), shape);
    let call = Call::new(&ACTIVATION_FORWARD, &[("COUNT", b.batch() * shape.iter().product::<usize>())]);
    b.call(label, call.activated(activation), &[("y", y), ("x", x)]);
    saved.push(if activation.at == At::Output { y } else { x });
    y
}

/// Appends the gradient of [`apply`].
fn apply_grad(
    b: &mut Builder,
    activation: ActivationName,
    label: &str,
    dy: ValueId,
    saved: ValueId,
    shape: &[usize],
) -> ValueId {
    let ActivationName::Elementwise(activation) = activation else {
        return softmax_grad(b, label, dy, saved, shape);
    };
    let dx = b.batched(&format!("d {label}"), shape);
    let call = Call::new(&ACTIVATION_GRAD, &[("COUNT", b.batch() * shape.iter().product::<usize>())]);
    b.call(label, call.activated(activation), &[("dx", dx), ("dy", dy), ("at", saved)]);
    dx
}

/// Appends the activation of a layer, unless the layer's kernel has already applied it.
pub(super) fn finish(b: &mut Builder, activation: ActivationName, place: &mut Place, y: ValueId) -> ValueId {
    if activation.fusible(b.differentiates()).name == activation.name() {
        return y;
    }
    apply(b, activation, &place.name, y, &place.output, &mut place.saved)
}

/// Appends the gradient of [`finish`].
pub(super) fn finish_grad(
    b: &mut Builder,
    activation: ActivationName,
    place: &Place,
    dy: ValueId,
) -> ValueId {
    match place.saved.last() {
        Some(saved) if activation.fusible(b.differentiates()).name != activation.name() => {
            apply_grad(b, activation, &place.name, dy, *saved, &place.output)
        }
        _ => dy,
    }
}
