//! Activations that are separate layers with arguments in Keras. Each maps to an existing operation: a named
//! activation, or the rectifier of `PReLU` with a fixed slope below zero. Arguments without an operation are an error
//! that lists the supported ones.

use super::{Activation, MaskRule, Place, Rules, activation::ActivationName};
use crate::{
    kernels::{PRELU_FORWARD, PRELU_GRAD_INPUT},
    op::{Call, Op, activations},
    program::{Builder, ValueId},
    range::is_held,
};

/// The computation that implements an activation layer.
pub enum By {
    /// A named activation.
    Name(ActivationName),
    /// y = x above zero, slope · x below.
    Slope(f64),
}

fn named(activation: &'static crate::op::Activation) -> By {
    By::Name(ActivationName::Elementwise(activation))
}

fn sloped(slope: f64) -> Result<By, String> {
    match slope {
        0.0 => Ok(named(&activations::RELU)),
        0.2 => Ok(named(&activations::LEAKY_RELU)),
        _ if is_held(slope) => Ok(By::Slope(slope)),
        _ => Err(format!(
            "has negative_slope = {slope:e}; expected 0, or a number from 1.2e-38 to 3.4e38 of either sign"
        )),
    }
}

/// `ReLU(max_value=None, negative_slope=0.0, threshold=0.0)`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReLU {
    /// Upper bound of the output: none, or 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_value: Option<f64>,
    /// Slope below zero.
    pub negative_slope: f64,
    /// Inputs below it use the negative slope; only 0 is supported.
    pub threshold: f64,
    /// A name for reports and files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl ReLU {
    /// Returns the computation that implements the layer.
    ///
    /// # Errors
    /// A message for arguments that no kernel computes.
    pub fn by(&self) -> Result<By, String> {
        let Self { max_value, negative_slope, threshold, .. } = *self;
        match max_value {
            _ if threshold != 0.0 => Err(format!("has threshold = {threshold}; only 0 is supported")),
            None => sloped(negative_slope),
            Some(6.0) if negative_slope == 0.0 => Ok(named(&activations::RELU6)),
            Some(most) => Err(format!(
                "has max_value = {most} and negative_slope = {negative_slope}; supported are max_value = 6 \
                 with negative_slope = 0, and any slope without max_value"
            )),
        }
    }
}

/// `LeakyReLU(negative_slope=0.3)`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeakyReLU {
    /// Slope below zero.
    pub negative_slope: f64,
    /// A name for reports and files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Default for LeakyReLU {
    fn default() -> Self {
        Self { negative_slope: 0.3, name: None }
    }
}

impl LeakyReLU {
    /// Returns the computation that implements the layer.
    ///
    /// # Errors
    /// A message for arguments that no kernel computes.
    pub fn by(&self) -> Result<By, String> {
        sloped(self.negative_slope)
    }
}

/// `ELU(alpha=1.0)`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ELU {
    /// Negated limit of the output below zero; only 1 is supported.
    pub alpha: f64,
    /// A name for reports and files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Default for ELU {
    fn default() -> Self {
        Self { alpha: 1.0, name: None }
    }
}

impl ELU {
    /// Returns the computation that implements the layer.
    ///
    /// # Errors
    /// A message for arguments that no kernel computes.
    pub fn by(&self) -> Result<By, String> {
        match self.alpha {
            1.0 => Ok(named(&activations::ELU)),
            alpha => Err(format!("has alpha = {alpha}; only 1 is supported")),
        }
    }
}

/// `Softmax(axis=-1)`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Softmax {
    /// Axis along which the outputs sum to 1; only -1, the last, is supported.
    pub axis: i64,
    /// A name for reports and files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Default for Softmax {
    fn default() -> Self {
        Self { axis: -1, name: None }
    }
}

impl Softmax {
    /// Returns the computation that implements the layer.
    ///
    /// # Errors
    /// A message for arguments that no kernel computes.
    pub fn by(&self) -> Result<By, String> {
        match self.axis {
            -1 => Ok(By::Name(ActivationName::Softmax)),
            axis => Err(format!("has axis = {axis}; only -1, the last, is supported")),
        }
    }
}

impl By {
    fn layer(activation: ActivationName, name: Option<&str>) -> Activation {
        Activation { activation, name: name.map(str::to_string) }
    }

    fn forward(self, b: &mut Builder, place: &mut Place, name: Option<&str>) -> ValueId {
        let slope = match self {
            Self::Name(activation) => return Self::layer(activation, name).forward(b, place),
            Self::Slope(slope) => slope,
        };
        let y = b.batched(&place.name, &place.output);
        let alpha = b.constant("slope", vec![slope as f32]);
        b.call(&place.name, call(&PRELU_FORWARD, b, place), &[("y", y), ("x", place.x), ("alpha", alpha)]);
        place.saved.push(alpha);
        y
    }

    fn backward(
        self,
        b: &mut Builder,
        place: &Place,
        dy: ValueId,
        wanted: bool,
        name: Option<&str>,
    ) -> Option<ValueId> {
        if let Self::Name(activation) = self {
            return Self::layer(activation, name).backward(b, place, dy, wanted);
        }
        let alpha = *place.saved.first()?;
        wanted.then(|| {
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            let call = call(&PRELU_GRAD_INPUT, b, place).activated(b.fused(place.x));
            b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("x", place.x), ("alpha", alpha)]);
            dx
        })
    }
}

/// The call of `op` with one slope for all elements.
fn call(op: &'static Op, b: &Builder, place: &Place) -> Call {
    Call::new(op, &[("ITEMS", b.batch() * place.input.iter().product::<usize>()), ("A", 1)])
}

macro_rules! rules {
    ($($kind:ident $slug:literal $mask:expr),+) => {
        $(impl Rules for $kind {
            fn slug(&self) -> &'static str {
                $slug
            }

            fn given_name(&self) -> Option<&str> {
                self.name.as_deref()
            }

            fn mask_rule(&self) -> MaskRule {
                $mask
            }

            fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
                self.by().map(|_| input.to_vec())
            }

            // `output_shape` has already refused a layer for which `by` returns an error.
            fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
                self.by().map_or(place.x, |by| by.forward(b, place, self.given_name()))
            }

            fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
                self.by().map_or(None, |by| by.backward(b, place, dy, wanted, self.given_name()))
            }
        })+
    };
}

rules! {
    ReLU "re_lu" MaskRule::Passes,
    LeakyReLU "leaky_re_lu" MaskRule::Passes,
    ELU "elu" MaskRule::Passes,
    Softmax "softmax" MaskRule::Refuses("Keras applies it to the last axes; take Activation with softmax, which passes it on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_operation_is_refused_with_what_there_is() {
        let refused = |layer: &dyn Rules, words: &[&str]| {
            let message = layer.output_shape(&[3]).expect_err("nothing computes it");
            assert!(words.iter().all(|word| message.contains(word)), "{message}");
        };
        refused(&ReLU { max_value: Some(3.0), ..ReLU::default() }, &["max_value = 3", "max_value = 6"]);
        refused(
            &ReLU { max_value: Some(6.0), negative_slope: 0.1, ..ReLU::default() },
            &["negative_slope = 0.1"],
        );
        refused(&ReLU { threshold: 1.0, ..ReLU::default() }, &["threshold = 1", "only 0"]);
        refused(&LeakyReLU { negative_slope: f64::NAN, name: None }, &["negative_slope = NaN"]);
        refused(&ELU { alpha: 0.5, name: None }, &["alpha = 0.5", "only 1"]);
        refused(&Softmax { axis: 1, name: None }, &["axis = 1", "-1"]);
        for layer in
            [&ReLU::default() as &dyn Rules, &LeakyReLU::default(), &ELU::default(), &Softmax::default()]
        {
            assert_eq!(layer.output_shape(&[3]), Ok(vec![3]));
        }
    }
}
