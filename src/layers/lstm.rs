//! The long short-term memory (Hochreiter and Schmidhuber 1997).

use super::{
    ActivationName,
    recurrence::{Cell, Recurrence, one_direction, orthogonal, sigmoid, tanh},
    window::yes,
};
use crate::initializer::KernelInitializer;

/// `LSTM(units, activation="tanh", recurrent_activation="sigmoid")` on (time, features). Its kernels are (…, 4 · units) in
/// the order i, f, c, o; `shaders/lstm_cell_forward/interface.wgsl` has the formulas.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LSTM {
    /// Numbers of the state.
    pub units: usize,
    /// Applied to the state.
    #[serde(default = "tanh")]
    pub activation: ActivationName,
    /// Applied to the gates: `sigmoid` or `hard_sigmoid`.
    #[serde(default = "sigmoid")]
    pub recurrent_activation: ActivationName,
    /// Whether it has a bias.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// Whether the state behind every step comes out, (time, units), or the last one only, (units).
    #[serde(default)]
    pub return_sequences: bool,
    /// Whether it treats the last step first; its output then begins with that step.
    #[serde(default)]
    pub go_backwards: bool,
    /// Whether the bias of the forget gate starts at one (Jozefowicz et al. 2015).
    #[serde(default = "yes")]
    pub unit_forget_bias: bool,
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

impl LSTM {
    /// The layer with Keras's defaults.
    pub fn new(units: usize) -> Self {
        Self {
            units,
            activation: tanh(),
            recurrent_activation: sigmoid(),
            use_bias: true,
            return_sequences: false,
            go_backwards: false,
            unit_forget_bias: true,
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
            cell: Cell::Lstm,
            units: self.units,
            activation: self.activation,
            recurrent_activation: self.recurrent_activation,
            use_bias: self.use_bias,
            sequences: self.return_sequences,
            backwards: self.go_backwards,
            flip: false,
            kernel: self.kernel_initializer,
            recurrent_kernel: self.recurrent_initializer,
            open: self.unit_forget_bias,
        }
    }
}

one_direction!(LSTM, "lstm");
