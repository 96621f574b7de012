//! Depthwise convolution: each channel has its own filters.

use super::{ActivationName, Padding, Pair, Place, Rules, conv2d::Taps, window};
use crate::{
    initializer::{Initializer, KernelInitializer},
    program::{Builder, ValueId},
};

/// `DepthwiseConv2D(kernel_size, strides=1, padding="valid", depth_multiplier=1, dilation_rate=1, activation=None)`:
/// channel c gives the outputs c · depth_multiplier .. (c + 1) · depth_multiplier. The kernel has shape (height, width,
/// channels, depth_multiplier), as in Keras.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthwiseConv2D {
    /// Height and width of the kernel.
    pub kernel_size: Pair,
    /// Step of the kernel in height and width.
    #[serde(default = "window::one")]
    pub strides: Pair,
    /// `valid` or `same`.
    #[serde(default)]
    pub padding: Padding,
    /// Outputs per channel.
    #[serde(default = "one")]
    pub depth_multiplier: usize,
    /// Distance between the kernel's taps.
    #[serde(default = "window::one")]
    pub dilation_rate: Pair,
    /// Applied to each output.
    #[serde(default)]
    pub activation: ActivationName,
    /// True if a bias is added.
    #[serde(default = "window::yes")]
    pub use_bias: bool,
    /// Initial values of the kernel.
    #[serde(default)]
    pub depthwise_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn one() -> usize {
    1
}

impl DepthwiseConv2D {
    /// Creates a linear depthwise convolution with one output per channel, strides 1, valid padding and a bias.
    pub fn new(kernel_size: impl Into<Pair>) -> Self {
        Self {
            kernel_size: kernel_size.into(),
            strides: window::one(),
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: window::one(),
            activation: ActivationName::default(),
            use_bias: true,
            depthwise_initializer: KernelInitializer::default(),
            name: None,
        }
    }

    fn taps(&self, channels: usize) -> Taps {
        Taps {
            size: self.kernel_size,
            strides: self.strides,
            padding: self.padding,
            dilation: self.dilation_rate,
            groups: channels,
            filters: channels * self.depth_multiplier,
        }
    }
}

impl Rules for DepthwiseConv2D {
    fn slug(&self) -> &'static str {
        "depthwise_conv2d"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [_, _, channels] = input else {
            return Err(format!("its input has shape {input:?}, it takes (height, width, channels)"));
        };
        if self.depth_multiplier == 0 {
            return Err("depth_multiplier is 0; it needs at least 1".into());
        }
        self.taps(*channels).output_shape(input)
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let (Pair(kh, kw), channels) = (self.kernel_size, input[2]);
        // Keras computes the fans from the kernel's shape as it stands.
        let initializer = {
            let fans = [kh * kw * channels, kh * kw * self.depth_multiplier];
            self.depthwise_initializer.of(fans, self.depth_multiplier)
        };
        let mut all = vec![("kernel", vec![kh, kw, channels, self.depth_multiplier], initializer)];
        if self.use_bias {
            all.push(("bias", vec![channels * self.depth_multiplier], Initializer::Zeros));
        }
        all
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        self.taps(place.input[2]).forward(b, place, self.activation)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.taps(place.input[2]).backward(b, place, self.activation, dy, wanted)
    }
}
