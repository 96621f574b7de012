//! The simple recurrent layer: its state is its output.

use super::{
    ActivationName,
    recurrence::{Cell, Recurrence, one_direction, orthogonal, tanh},
    window::yes,
};
use crate::initializer::KernelInitializer;

/// `SimpleRNN(units, activation="tanh")` on (time, features): h = activation(x · kernel + h · recurrent_kernel + bias), step
/// after step.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimpleRNN {
    /// Numbers of the state.
    pub units: usize,
    /// Applied to the state.
    #[serde(default = "tanh")]
    pub activation: ActivationName,
    /// Whether it has a bias.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// Whether the state behind every step comes out, (time, units), or the last one only, (units).
    #[serde(default)]
    pub return_sequences: bool,
    /// Whether it treats the last step first; its output then begins with that step.
    #[serde(default)]
    pub go_backwards: bool,
    /// How the kernel starts.
    #[serde(default)]
    pub kernel_initializer: KernelInitializer,
    /// How the recurrent kernel starts.
    #[serde(default = "orthogonal")]
    pub recurrent_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl SimpleRNN {
    /// The layer with Keras's defaults.
    pub fn new(units: usize) -> Self {
        Self {
            units,
            activation: tanh(),
            use_bias: true,
            return_sequences: false,
            go_backwards: false,
            kernel_initializer: KernelInitializer::default(),
            recurrent_initializer: orthogonal(),
            name: None,
        }
    }

    /// The same layer with the state behind every step as its output, as another recurrent layer takes it.
    pub fn return_sequences(mut self) -> Self {
        self.return_sequences = true;
        self
    }

    pub(super) fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Its arguments in the form that all recurrent layers share.
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
            kernel: self.kernel_initializer,
            recurrent_kernel: self.recurrent_initializer,
            open: false,
        }
    }
}

one_direction!(SimpleRNN, "simple_rnn");
