//! One-dimensional convolution over time. Input (time, features), kernel (time, features of a group, filters).

use super::{
    ActivationName, Conv2D, Padding, Pair,
    one_dimension::{by_plane, one, single},
    window::yes,
};
use crate::initializer::KernelInitializer;

/// `Conv1D(filters, kernel_size, strides=1, padding="valid", dilation_rate=1, groups=1, activation=None)`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1D {
    /// Features of the output.
    pub filters: usize,
    /// Length of the kernel.
    #[serde(deserialize_with = "single")]
    pub kernel_size: usize,
    /// Step of the kernel.
    #[serde(default = "one", deserialize_with = "single")]
    pub strides: usize,
    /// `valid`, `same` or `causal`.
    #[serde(default)]
    pub padding: Padding,
    /// Distance between the kernel's taps.
    #[serde(default = "one", deserialize_with = "single")]
    pub dilation_rate: usize,
    /// Number of groups into which features and filters are divided. A filter sees the features of its own group only.
    #[serde(default = "one")]
    pub groups: usize,
    /// Applied to each output.
    #[serde(default)]
    pub activation: ActivationName,
    /// True if a bias is added.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// Initial values of the kernel.
    #[serde(default)]
    pub kernel_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Conv1D {
    /// Creates a linear convolution with strides 1, valid padding and a bias.
    pub fn new(filters: usize, kernel_size: usize) -> Self {
        Self {
            filters,
            kernel_size,
            strides: 1,
            padding: Padding::Valid,
            dilation_rate: 1,
            groups: 1,
            activation: ActivationName::default(),
            use_bias: true,
            kernel_initializer: KernelInitializer::default(),
            name: None,
        }
    }

    /// Sets the activation by name.
    ///
    /// # Errors
    /// [`crate::Error::Unknown`] with the known names.
    pub fn activation(mut self, name: &str) -> crate::Result<Self> {
        self.activation = name.parse()?;
        Ok(self)
    }

    /// Sets the padding.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the convolution over images one pixel wide.
    pub fn plane(&self) -> Conv2D {
        Conv2D {
            filters: self.filters,
            kernel_size: Pair(self.kernel_size, 1),
            strides: Pair(self.strides, self.strides),
            padding: self.padding,
            dilation_rate: Pair(self.dilation_rate, self.dilation_rate),
            groups: self.groups,
            activation: self.activation,
            use_bias: self.use_bias,
            kernel_initializer: self.kernel_initializer,
            name: self.name.clone(),
        }
    }
}

by_plane!(Conv1D, "conv1d");
