//! What the recurrent layers share: their arguments in one form, parameters, forward and backward in one direction. The
//! product with the input is one for all steps. Each step is a product of the state with the recurrent kernel and a
//! dispatch for its gates; back through time the same, the other way round. The gradients of the weights are again one
//! product each, over all steps.

mod steps;

use super::ActivationName;
use crate::{
    initializer::{Initializer, KernelInitializer},
    op::{Activation, At},
    program::{ParameterId, ValueId},
};
pub(super) use steps::Run;

/// What a layer does with its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// One product, one activation.
    Simple,
    /// Four gates and a cell.
    Lstm,
    /// Three gates, the reset behind the product.
    Gru,
}

impl Cell {
    /// How many products of `units` a step has.
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
    /// What a step does.
    pub cell: Cell,
    /// Features of a state.
    pub units: usize,
    /// Of the states.
    pub activation: ActivationName,
    /// Of the gates; no matter where there are none.
    pub recurrent_activation: ActivationName,
    /// Whether a bias is added.
    pub use_bias: bool,
    /// Whether the state behind every step comes out, or the last one only.
    pub sequences: bool,
    /// Whether time runs from its end.
    pub backwards: bool,
    /// Whether the step that was treated last comes out first: the second of two directions.
    pub flip: bool,
    /// How the weights of the input start.
    pub kernel: KernelInitializer,
    /// How the weights of the state start.
    pub recurrent_kernel: KernelInitializer,
    /// Whether the bias of an LSTM's forget gate starts at one.
    pub open: bool,
}

/// Where a direction stands: its label, its input (time, features), its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub label: &'a str,
    pub x: ValueId,
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

/// Keras's default activation of states.
pub(super) fn tanh() -> ActivationName {
    ActivationName::Elementwise(&crate::op::activations::TANH)
}

/// Keras's default activation of gates.
pub(super) fn sigmoid() -> ActivationName {
    ActivationName::Elementwise(&crate::op::activations::SIGMOID)
}

/// Keras's default start of recurrent kernels.
pub(super) fn orthogonal() -> KernelInitializer {
    KernelInitializer::Orthogonal
}

impl Recurrence {
    /// The shape that comes out of (time, features), or what does not fit.
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
            ("kernel", vec![features, columns], self.kernel.of(features, columns)),
            ("recurrent_kernel", vec![units, columns], self.recurrent_kernel.of(units, columns)),
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

    /// How many tensors [`Recurrence::parameters`] lists.
    pub fn tensors(&self) -> usize {
        2 + usize::from(self.use_bias)
    }
}

/// Lets a struct with a method `recurrence` answer as a layer of one direction.
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

/// Where a layer of one direction stands.
pub(super) fn site(place: &super::Place) -> Site<'_> {
    Site { label: &place.name, x: place.x, input: &place.input, parameters: &place.parameters }
}
