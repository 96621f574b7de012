//! An activation, as an argument of other layers and as a layer by itself.

use super::{Place, Rules};
use crate::{
    kernels::{self, ACTIVATION_FORWARD, ACTIVATION_GRAD, LINEAR, SOFTMAX_FORWARD, SOFTMAX_GRAD},
    op::{Activation as Elementwise, Call},
    program::{Builder, ValueId},
};
use std::fmt;

/// Which activation: element by element, or softmax over the last axis.
#[derive(Clone, Copy)]
pub enum ActivationName {
    /// One of [`kernels::ACTIVATIONS`].
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

    /// Whether it does nothing.
    pub fn is_linear(&self) -> bool {
        self.name() == "linear"
    }

    /// The part that a kernel can apply to what it writes.
    pub(super) fn fusible(&self) -> &'static Elementwise {
        match self {
            Self::Elementwise(activation) => activation,
            Self::Softmax => &LINEAR,
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
            _ => Ok(Self::Elementwise(kernels::activation(name)?)),
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

/// Appends the gradient of softmax: from `dy` and its output `y`.
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

/// `Activation(activation)`: an activation by itself.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// Keras's name of it.
    pub activation: ActivationName,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Activation {
    /// The activation of that name.
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

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        Ok(input.to_vec())
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let y = match self.activation {
            ActivationName::Softmax => softmax(b, &place.name, place.x, &place.output),
            ActivationName::Elementwise(activation) => {
                let y = b.batched(&place.name, &place.output);
                let count = b.batch() * place.output.iter().product::<usize>();
                let call = Call::new(&ACTIVATION_FORWARD, &[("COUNT", count)]).activated(activation);
                b.call(&place.name, call, &[("y", y), ("x", place.x)]);
                y
            }
        };
        place.saved = vec![y];
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        if !wanted {
            return None;
        }
        let y = place.saved[0];
        let dx = match self.activation {
            ActivationName::Softmax => softmax_grad(b, &place.name, dy, y, &place.output),
            ActivationName::Elementwise(activation) => {
                let dx = b.batched(&format!("d {}", place.name), &place.input);
                let count = b.batch() * place.output.iter().product::<usize>();
                let call = Call::new(&ACTIVATION_GRAD, &[("COUNT", count)]).activated(activation);
                b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("y", y)]);
                dx
            }
        };
        Some(b.through_fused(&place.name, place.x, dx))
    }
}

/// The part of a layer's own activation that its kernel could not apply: softmax.
pub(super) fn finish(b: &mut Builder, activation: ActivationName, place: &mut Place, y: ValueId) -> ValueId {
    if !matches!(activation, ActivationName::Softmax) {
        return y;
    }
    let p = softmax(b, &place.name, y, &place.output);
    place.saved.push(p);
    p
}

/// The gradient before [`finish`].
pub(super) fn finish_grad(
    b: &mut Builder,
    activation: ActivationName,
    place: &Place,
    dy: ValueId,
) -> ValueId {
    match (activation, place.saved.last()) {
        (ActivationName::Softmax, Some(p)) => softmax_grad(b, &place.name, dy, *p, &place.output),
        _ => dy,
    }
}
