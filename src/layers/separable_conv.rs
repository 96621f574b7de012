//! Separable convolutions (Chollet 2017): a depthwise convolution, then a product of the channels of each pixel.

use super::{
    ActivationName, Padding, Pair, Place, Rules,
    conv2d::Taps,
    one_dimension::{by_plane, one, single},
    window::{self, yes},
};
use crate::{
    initializer::{Initializer, KernelInitializer},
    program::{Builder, ValueId},
};

/// `SeparableConv2D(filters, kernel_size, strides=1, padding="valid", dilation_rate=1, depth_multiplier=1,
/// activation=None)`. The kernels have shapes (height, width, channels, depth_multiplier) and (1, 1, channels ·
/// depth_multiplier, filters), as in Keras.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeparableConv2D {
    /// Channels of the output.
    pub filters: usize,
    /// Height and width of the depthwise kernel.
    pub kernel_size: Pair,
    /// Step of the depthwise kernel in height and width.
    #[serde(default = "window::one")]
    pub strides: Pair,
    /// `valid` or `same`.
    #[serde(default)]
    pub padding: Padding,
    /// Distance between the taps of the depthwise kernel.
    #[serde(default = "window::one")]
    pub dilation_rate: Pair,
    /// Outputs of the depthwise convolution per channel.
    #[serde(default = "one")]
    pub depth_multiplier: usize,
    /// Applied to each output.
    #[serde(default)]
    pub activation: ActivationName,
    /// True if a bias is added.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// Initial values of the depthwise kernel.
    #[serde(default)]
    pub depthwise_initializer: KernelInitializer,
    /// Initial values of the kernel of the product.
    #[serde(default)]
    pub pointwise_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `SeparableConv1D(filters, kernel_size, strides=1, padding="valid", dilation_rate=1, depth_multiplier=1,
/// activation=None)` over (time, features).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeparableConv1D {
    /// Features of the output.
    pub filters: usize,
    /// Length of the depthwise kernel.
    #[serde(deserialize_with = "single")]
    pub kernel_size: usize,
    /// Step of the depthwise kernel.
    #[serde(default = "one", deserialize_with = "single")]
    pub strides: usize,
    /// `valid`, `same` or `causal`.
    #[serde(default)]
    pub padding: Padding,
    /// Distance between the taps of the depthwise kernel.
    #[serde(default = "one", deserialize_with = "single")]
    pub dilation_rate: usize,
    /// Outputs of the depthwise convolution per feature.
    #[serde(default = "one")]
    pub depth_multiplier: usize,
    /// Applied to each output.
    #[serde(default)]
    pub activation: ActivationName,
    /// True if a bias is added.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// Initial values of the depthwise kernel.
    #[serde(default)]
    pub depthwise_initializer: KernelInitializer,
    /// Initial values of the kernel of the product.
    #[serde(default)]
    pub pointwise_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl SeparableConv2D {
    /// Creates a linear separable convolution with strides 1, valid padding and a bias.
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into(),
            strides: window::one(),
            padding: Padding::Valid,
            dilation_rate: window::one(),
            depth_multiplier: 1,
            activation: ActivationName::default(),
            use_bias: true,
            depthwise_initializer: KernelInitializer::default(),
            pointwise_initializer: KernelInitializer::default(),
            name: None,
        }
    }

    fn depthwise(&self, channels: usize) -> Taps {
        Taps {
            size: self.kernel_size,
            strides: self.strides,
            padding: self.padding,
            dilation: self.dilation_rate,
            groups: channels,
            filters: channels * self.depth_multiplier,
        }
    }

    fn pointwise(&self) -> Taps {
        Taps {
            size: window::one(),
            strides: window::one(),
            padding: Padding::Valid,
            dilation: window::one(),
            groups: 1,
            filters: self.filters,
        }
    }

    /// The places of both convolutions. The value between them has the name of the layer and "depthwise".
    fn places(&self, place: &Place) -> [Place; 2] {
        let between = [place.output[0], place.output[1], place.input[2] * self.depth_multiplier].to_vec();
        let (first, second) = place.parameters.split_at(1);
        let depthwise = Place {
            name: format!("{} depthwise", place.name),
            output: between.clone(),
            parameters: first.to_vec(),
            saved: Vec::new(),
            ..place.clone()
        };
        let x = place.saved.first().copied().unwrap_or_default();
        let saved = place.saved.iter().skip(1).copied().collect();
        let pointwise = Place { input: between, parameters: second.to_vec(), x, saved, ..place.clone() };
        [depthwise, pointwise]
    }
}

impl SeparableConv1D {
    /// Creates a linear separable convolution with strides 1, valid padding and a bias.
    pub fn new(filters: usize, kernel_size: usize) -> Self {
        Self {
            filters,
            kernel_size,
            strides: 1,
            padding: Padding::Valid,
            dilation_rate: 1,
            depth_multiplier: 1,
            activation: ActivationName::default(),
            use_bias: true,
            depthwise_initializer: KernelInitializer::default(),
            pointwise_initializer: KernelInitializer::default(),
            name: None,
        }
    }

    fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the convolution over images one pixel wide.
    pub fn plane(&self) -> SeparableConv2D {
        SeparableConv2D {
            filters: self.filters,
            kernel_size: Pair(self.kernel_size, 1),
            strides: Pair(self.strides, self.strides),
            padding: self.padding,
            dilation_rate: Pair(self.dilation_rate, self.dilation_rate),
            depth_multiplier: self.depth_multiplier,
            activation: self.activation,
            use_bias: self.use_bias,
            depthwise_initializer: self.depthwise_initializer,
            pointwise_initializer: self.pointwise_initializer,
            name: self.name.clone(),
        }
    }
}

impl Rules for SeparableConv2D {
    fn slug(&self) -> &'static str {
        "separable_conv2d"
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
        let between = self.depthwise(*channels).output_shape(input)?;
        self.pointwise().output_shape(&between)
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let (Pair(kh, kw), channels, multiplier) = (self.kernel_size, input[2], self.depth_multiplier);
        // Keras computes the fans from the kernel's shape as it stands.
        let depthwise = self.depthwise_initializer.of([kh * kw * channels, kh * kw * multiplier], multiplier);
        let inner = channels * multiplier;
        let pointwise = self.pointwise_initializer.of([inner, self.filters], self.filters);
        let mut all = vec![
            ("depthwise_kernel", vec![kh, kw, channels, multiplier], depthwise),
            ("pointwise_kernel", vec![1, 1, inner, self.filters], pointwise),
        ];
        if self.use_bias {
            all.push(("bias", vec![self.filters], Initializer::Zeros));
        }
        all
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let [mut depthwise, mut pointwise] = self.places(place);
        let channels = place.input[2];
        pointwise.x = self.depthwise(channels).forward(b, &mut depthwise, ActivationName::default());
        let y = self.pointwise().forward(b, &mut pointwise, self.activation);
        place.saved = [vec![pointwise.x], pointwise.saved].concat();
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let [depthwise, pointwise] = self.places(place);
        let between = self.pointwise().backward(b, &pointwise, self.activation, dy, true)?;
        let linear = ActivationName::default();
        self.depthwise(place.input[2]).backward(b, &depthwise, linear, between, wanted)
    }
}

by_plane!(SeparableConv1D, "separable_conv1d");
