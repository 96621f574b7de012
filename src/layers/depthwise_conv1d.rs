//! Depthwise convolution over time: each feature has its own filters.

use super::{
    ActivationName, DepthwiseConv2D, Padding, Pair,
    one_dimension::{by_plane, one, single},
    window::yes,
};
use crate::initializer::KernelInitializer;

/// `DepthwiseConv1D(kernel_size, strides=1, padding="valid", depth_multiplier=1, dilation_rate=1, activation=None)`:
/// feature f gives the outputs f · depth_multiplier .. (f + 1) · depth_multiplier. The kernel has shape (time, features,
/// depth_multiplier), as in Keras.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthwiseConv1D {
    /// Length of the kernel.
    #[serde(deserialize_with = "single")]
    pub kernel_size: usize,
    /// Step of the kernel.
    #[serde(default = "one", deserialize_with = "single")]
    pub strides: usize,
    /// `valid`, `same` or `causal`.
    #[serde(default)]
    pub padding: Padding,
    /// Outputs per feature.
    #[serde(default = "one")]
    pub depth_multiplier: usize,
    /// Distance between the kernel's taps.
    #[serde(default = "one", deserialize_with = "single")]
    pub dilation_rate: usize,
    /// Applied to each output.
    #[serde(default)]
    pub activation: ActivationName,
    /// True if a bias is added.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// Initial values of the kernel.
    #[serde(default)]
    pub depthwise_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl DepthwiseConv1D {
    /// Creates a linear depthwise convolution with one output per feature, strides 1, valid padding and a bias.
    pub fn new(kernel_size: usize) -> Self {
        Self {
            kernel_size,
            strides: 1,
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: 1,
            activation: ActivationName::default(),
            use_bias: true,
            depthwise_initializer: KernelInitializer::default(),
            name: None,
        }
    }

    fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the convolution over images one pixel wide.
    pub fn plane(&self) -> DepthwiseConv2D {
        DepthwiseConv2D {
            kernel_size: Pair(self.kernel_size, 1),
            strides: Pair(self.strides, self.strides),
            padding: self.padding,
            depth_multiplier: self.depth_multiplier,
            dilation_rate: Pair(self.dilation_rate, self.dilation_rate),
            activation: self.activation,
            use_bias: self.use_bias,
            depthwise_initializer: self.depthwise_initializer,
            name: self.name.clone(),
        }
    }
}

by_plane!(DepthwiseConv1D, "depthwise_conv1d");
