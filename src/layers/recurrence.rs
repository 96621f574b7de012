//! The part that all recurrent layers share: arguments in one form, parameters, forward and backward in one direction.
//!
//! One product with the input serves all steps. Each step is a product of the state with the recurrent kernel and a
//! dispatch for the gates. The backward pass does the same in reverse. The gradients of the weights are again one
//! product each, over all steps.

mod steps;

use super::{ActivationName, MaskRule};
use crate::{
    initializer::{Initializer, KernelInitializer},
    op::{Activation, At},
    program::{ParameterId, ValueId},
};
pub(super) use steps::Run;

/// The kind of recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// One product and one activation.
    Simple,
    /// Four gates and a cell state.
    Lstm,
    /// Three gates, with the reset gate after the product.
    Gru,
}

impl Cell {
    /// Number of products of `units` in each step.
    pub fn gates(self) -> usize {
        match self {
            Self::Simple => 1,
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }
}

/// A recurrent layer in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrence {
    /// The kind of cell.
    pub cell: Cell,
    /// Size of the state.
    pub units: usize,
    /// Activation of the states.
    pub activation: ActivationName,
    /// Activation of the gates; ignored by a cell without gates.
    pub recurrent_activation: ActivationName,
    /// True if a bias is added.
    pub use_bias: bool,
    /// True for the state after every step as output; false for the last state only.
    pub sequences: bool,
    /// True to process the steps from last to first.
    pub backwards: bool,
    /// True to output the step processed last first; set for the second of two directions.
    pub flip: bool,
    /// True for zeros as the output of the steps that a mask leaves out.
    pub zero: bool,
    /// Initial values of the weights of the input.
    pub kernel: KernelInitializer,
    /// Initial values of the weights of the state.
    pub recurrent_kernel: KernelInitializer,
    /// True if the bias of an LSTM's forget gate starts at one.
    pub open: bool,
}

/// The context of one direction: its label, its input (time, features) and its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub label: &'a str,
    pub x: ValueId,
    /// Which steps count, (batch, time).
    pub mask: Option<ValueId>,
    pub input: &'a [usize],
    pub parameters: &'a [ParameterId],
}

impl Site<'_> {
    fn time(&self) -> usize {
        self.input[0]
    }

    fn features(&self) -> usize {
        self.input[1]
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(super) fn is_no(value: &bool) -> bool {
    !value
}

/// Keras's default activation of states.
pub(super) fn tanh() -> ActivationName {
    ActivationName::Elementwise(&crate::op::activations::TANH)
}

/// Keras's default activation of gates.
pub(super) fn sigmoid() -> ActivationName {
    ActivationName::Elementwise(&crate::op::activations::SIGMOID)
}

/// Keras's default initializer of recurrent kernels.
pub(super) fn orthogonal() -> KernelInitializer {
    KernelInitializer::Orthogonal
}

impl Recurrence {
    /// Returns the shape of the output for an input (time, features), or an error that says what does not fit.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if self.units == 0 {
            return Err("units is 0; it needs at least one".into());
        }
        let ActivationName::Elementwise(Activation { at: At::Output, .. }) = self.activation else {
            return Err(format!(
                "activation is {}; the gradient of a recurrent layer follows from its states, so choose one like \
                 tanh, sigmoid, relu, softsign or linear",
                self.activation.name()
            ));
        };
        if !["sigmoid", "hard_sigmoid"].contains(&self.recurrent_activation.name()) {
            return Err(format!(
                "recurrent_activation is {}, expected sigmoid or hard_sigmoid",
                self.recurrent_activation.name()
            ));
        }
        let [time, _] = input else {
            let total: usize = input.iter().product();
            let rows = input.first().copied().unwrap_or(1).max(1);
            return Err(format!(
                "it takes (time, features), got {input:?}; put Reshape before it, such as target_shape = [{rows}, {}]",
                total / rows
            ));
        };
        Ok(if self.sequences { vec![*time, self.units] } else { vec![self.units] })
    }

    /// Kernel, recurrent kernel and bias, in Keras's shapes and order of gates.
    pub fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let (features, units) = (input.last().copied().unwrap_or(1), self.units);
        let columns = self.cell.gates() * units;
        let mut all = vec![
            ("kernel", vec![features, columns], self.kernel.of([features, columns], columns)),
            ("recurrent_kernel", vec![units, columns], self.recurrent_kernel.of([units, columns], columns)),
        ];
        let start = match self.open && self.cell == Cell::Lstm {
            true => Initializer::OnesWithin { from: units, to: 2 * units },
            false => Initializer::Zeros,
        };
        if self.use_bias {
            let shape = if self.cell == Cell::Gru { vec![2, columns] } else { vec![columns] };
            all.push(("bias", shape, start));
        }
        all
    }

    /// What the layer does with a mask.
    pub fn mask_rule(&self) -> MaskRule {
        match (self.sequences, self.zero) {
            (true, true) if self.backwards != self.flip => MaskRule::Refuses(
                "with go_backwards, its output is in the other order, and so would be its zeros",
            ),
            (true, _) => MaskRule::Passes,
            (false, false) => MaskRule::Drops,
            (false, true) => {
                MaskRule::Refuses("zero_output_for_mask is true, which takes return_sequences = true")
            }
        }
    }

    /// Number of tensors that [`Recurrence::parameters`] lists.
    pub fn tensors(&self) -> usize {
        2 + usize::from(self.use_bias)
    }
}

/// Implements `Rules`, in one direction, for a struct with a method `recurrence`.
macro_rules! one_direction {
    ($layer:ident, $slug:literal) => {
        impl super::Rules for $layer {
            fn slug(&self) -> &'static str {
                $slug
            }

            fn given_name(&self) -> Option<&str> {
                self.name.as_deref()
            }

            fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
                self.fits()?;
                self.recurrence().output_shape(input)
            }

            fn mask_rule(&self) -> super::MaskRule {
                self.recurrence().mask_rule()
            }

            fn parameters(
                &self,
                input: &[usize],
            ) -> Vec<(&'static str, Vec<usize>, crate::initializer::Initializer)> {
                self.recurrence().parameters(input)
            }

            fn forward(
                &self,
                b: &mut crate::program::Builder,
                place: &mut super::Place,
            ) -> crate::program::ValueId {
                let run = self.recurrence().forward(b, super::recurrence::site(place));
                place.saved = run.saved();
                run.y
            }

            fn backward(
                &self,
                b: &mut crate::program::Builder,
                place: &super::Place,
                dy: crate::program::ValueId,
                wanted: bool,
            ) -> Option<crate::program::ValueId> {
                let run = super::recurrence::Run::restored(&place.saved);
                self.recurrence().backward(b, super::recurrence::site(place), &run, dy, wanted)
            }
        }
    };
}
pub(super) use one_direction;

/// The context of a layer with one direction.
pub(super) fn site(place: &super::Place) -> Site<'_> {
    Site {
        label: &place.name,
        x: place.x,
        mask: place.mask(),
        input: &place.input,
        parameters: &place.parameters,
    }
}
