//! The simple recurrent layer, whose state is its output.

use super::{
    ActivationName,
    recurrence::{Cell, Recurrence, one_direction, orthogonal, tanh},
    window::yes,
};
use crate::initializer::KernelInitializer;

/// `SimpleRNN(units, activation="tanh")` on (time, features): h = activation(x · kernel + h · recurrent_kernel + bias)
/// in each step.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimpleRNN {
    /// Size of the state.
    pub units: usize,
    /// Applied to the state.
    #[serde(default = "tanh")]
    pub activation: ActivationName,
    /// True if a bias is added.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// True for the state after every step as output, (time, units); false for the last state, (units).
    #[serde(default)]
    pub return_sequences: bool,
    /// True to process the steps from last to first; the output then begins with the last step.
    #[serde(default)]
    pub go_backwards: bool,
    /// True for zeros as the output of the steps that a mask leaves out; false for the state, which they do not change.
    #[serde(default, skip_serializing_if = "super::recurrence::is_no")]
    pub zero_output_for_mask: bool,
    /// Initial values of the kernel.
    #[serde(default)]
    pub kernel_initializer: KernelInitializer,
    /// Initial values of the recurrent kernel.
    #[serde(default = "orthogonal")]
    pub recurrent_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl SimpleRNN {
    /// Creates the layer with Keras's defaults.
    pub fn new(units: usize) -> Self {
        Self {
            units,
            activation: tanh(),
            use_bias: true,
            return_sequences: false,
            go_backwards: false,
            zero_output_for_mask: false,
            kernel_initializer: KernelInitializer::default(),
            recurrent_initializer: orthogonal(),
            name: None,
        }
    }

    /// Sets the output to the state after every step, which a following recurrent layer takes as input.
    pub fn return_sequences(mut self) -> Self {
        self.return_sequences = true;
        self
    }

    pub(super) fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the arguments in the form that all recurrent layers share.
    pub fn recurrence(&self) -> Recurrence {
        Recurrence {
            cell: Cell::Simple,
            units: self.units,
            activation: self.activation,
            recurrent_activation: super::recurrence::sigmoid(),
            use_bias: self.use_bias,
            sequences: self.return_sequences,
            backwards: self.go_backwards,
            flip: false,
            zero: self.zero_output_for_mask,
            kernel: self.kernel_initializer,
            recurrent_kernel: self.recurrent_initializer,
            open: false,
        }
    }
}

one_direction!(SimpleRNN, "simple_rnn");
