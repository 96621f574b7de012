//! Transposed convolutions (Zeiler et al. 2010): the gradient of a convolution's input as a forward pass, and the
//! convolution as its gradient.

use super::{
    ActivationName, Padding, Pair, Place, Rules, activation,
    batch_normalization::splits,
    channel_affine, conv2d, matrix,
    one_dimension::{by_plane, not_causal, one, optional, single},
    window::{self, yes},
};
use crate::{
    initializer::{Initializer, KernelInitializer},
    kernels::{
        BATCH_NORM_GRAD_COMBINE, BATCH_NORM_GRAD_PARTIALS, CONV2D_FORWARD, CONV2D_GRAD_INPUT,
        CONV2D_GRAD_WEIGHT, GROUPED_CONV2D_FORWARD, GROUPED_CONV2D_GRAD_INPUT, GROUPED_CONV2D_GRAD_WEIGHT,
        SUM_PARTIALS,
    },
    op::{Call, Op, activations::LINEAR},
    program::{Builder, ValueId},
};

/// `Conv2DTranspose(filters, kernel_size, strides=1, padding="valid", output_padding=None, dilation_rate=1,
/// activation=None)`. With `same`, the output is `strides` times as long as the input. The kernel has shape (height,
/// width, filters, channels), as in Keras.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2DTranspose {
    /// Channels of the output.
    pub filters: usize,
    /// Height and width of the kernel.
    pub kernel_size: Pair,
    /// Distance between the places of adjacent inputs in the output, in height and width.
    #[serde(default = "window::one")]
    pub strides: Pair,
    /// `valid` or `same`.
    #[serde(default)]
    pub padding: Padding,
    /// Rows and columns at the end of the output, in place of those that follow from the padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_padding: Option<Pair>,
    /// Distance between the kernel's taps.
    #[serde(default = "window::one")]
    pub dilation_rate: Pair,
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

/// `Conv1DTranspose(filters, kernel_size, strides=1, padding="valid", output_padding=None, dilation_rate=1,
/// activation=None)` over (time, features).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1DTranspose {
    /// Features of the output.
    pub filters: usize,
    /// Length of the kernel.
    #[serde(deserialize_with = "single")]
    pub kernel_size: usize,
    /// Distance between the places of adjacent inputs in the output.
    #[serde(default = "one", deserialize_with = "single")]
    pub strides: usize,
    /// `valid` or `same`.
    #[serde(default)]
    pub padding: Padding,
    /// Steps at the end of the output, in place of those that follow from the padding.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub output_padding: Option<usize>,
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
    pub kernel_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Length of the output along one axis, and the padding before it that the forward convolution would have.
fn axis(input: usize, extent: usize, stride: usize, padding: Padding, more: Option<usize>) -> [usize; 2] {
    // The inputs, `stride` apart, with `extent - 1` and more zeros at both ends, are convolved with stride 1. Keras's
    // formulas give the zeros of both ends.
    let zeros = match (padding, more) {
        (Padding::Same, None) => stride + extent - 2,
        (Padding::Same, Some(more)) => extent + extent % 2 + more - 2,
        (_, more) => 2 * (extent - 1) + more.unwrap_or(extent.max(stride) - extent),
    };
    let before = match padding {
        Padding::Same => zeros.div_ceil(2).min(extent - 1),
        _ => extent - 1,
    };
    let inner = (input - 1) * stride + 1;
    [(inner + zeros + 1).saturating_sub(extent), extent - 1 - before]
}

impl Conv2DTranspose {
    /// Creates a linear transposed convolution with strides 1, valid padding and a bias.
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into(),
            strides: window::one(),
            padding: Padding::Valid,
            output_padding: None,
            dilation_rate: window::one(),
            activation: ActivationName::default(),
            use_bias: true,
            kernel_initializer: KernelInitializer::default(),
            name: None,
        }
    }

    /// Sets the strides.
    pub fn strides(mut self, strides: impl Into<Pair>) -> Self {
        self.strides = strides.into();
        self
    }

    /// Sets the padding.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Lengths of the output and padding before it, of both axes.
    pub fn axes(&self, input: &[usize]) -> [[usize; 2]; 2] {
        let extent = window::spread(self.kernel_size, self.dilation_rate);
        let more = self.output_padding;
        [
            axis(input[0], extent.0, self.strides.0, self.padding, more.map(|more| more.0)),
            axis(input[1], extent.1, self.strides.1, self.padding, more.map(|more| more.1)),
        ]
    }

    /// The call of the convolution from this layer's output to its input.
    fn call(&self, plain: &'static Op, grouped: &'static Op, b: &Builder, place: &Place) -> Call {
        let [[h, top], [w, left]] = self.axes(&place.input);
        let channels = place.input[2];
        let (Pair(kh, kw), Pair(sh, sw), Pair(dh, dw)) = (self.kernel_size, self.strides, self.dilation_rate);
        let mut sizes = vec![
            ("N", b.batch()),
            ("H", h),
            ("W", w),
            ("CI", self.filters),
            ("OH", place.input[0]),
            ("OW", place.input[1]),
            ("CO", channels),
            ("KH", kh),
            ("KW", kw),
            ("SH", sh),
            ("SW", sw),
            ("PT", top),
            ("PL", left),
        ];
        if self.dilation_rate == window::one() {
            return Call::new(plain, &sizes);
        }
        sizes.extend([("DH", dh), ("DW", dw), ("CIG", self.filters), ("COG", channels)]);
        Call::new(grouped, &sizes)
    }
}

impl Conv1DTranspose {
    /// Creates a linear transposed convolution with strides 1, valid padding and a bias.
    pub fn new(filters: usize, kernel_size: usize) -> Self {
        Self {
            filters,
            kernel_size,
            strides: 1,
            padding: Padding::Valid,
            output_padding: None,
            dilation_rate: 1,
            activation: ActivationName::default(),
            use_bias: true,
            kernel_initializer: KernelInitializer::default(),
            name: None,
        }
    }

    fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the layer for images one pixel wide.
    pub fn plane(&self) -> Conv2DTranspose {
        Conv2DTranspose {
            filters: self.filters,
            kernel_size: Pair(self.kernel_size, 1),
            strides: Pair(self.strides, 1),
            padding: self.padding,
            // A kernel one pixel wide is odd: with `same`, an output as wide as the input needs no more columns.
            output_padding: self.output_padding.map(|more| Pair(more, 0)),
            dilation_rate: Pair(self.dilation_rate, 1),
            activation: self.activation,
            use_bias: self.use_bias,
            kernel_initializer: self.kernel_initializer,
            name: self.name.clone(),
        }
    }
}

impl Rules for Conv2DTranspose {
    fn slug(&self) -> &'static str {
        "conv2d_transpose"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [h, w, _] = input else {
            return Err(format!("its input has shape {input:?}, it takes (height, width, channels)"));
        };
        not_causal(self.padding)?;
        let (Pair(kh, kw), Pair(sh, sw), Pair(dh, dw)) = (self.kernel_size, self.strides, self.dilation_rate);
        if self.filters * kh * kw * sh * sw * dh * dw * h * w == 0 {
            return Err(format!(
                "filters {}, kernel_size {kh}×{kw}, strides {sh}×{sw}, dilation_rate {dh}×{dw} and input {h}×{w} must all \
                 be at least 1",
                self.filters
            ));
        }
        if sh * sw > 1 && dh * dw > 1 {
            return Err("strides and dilation_rate are both above 1; Keras allows one of the two".into());
        }
        if let Some(Pair(y, x)) = self.output_padding
            && (y >= sh || x >= sw)
        {
            return Err(format!("output_padding {y}×{x} must be below the strides {sh}×{sw}"));
        }
        let [[height, _], [width, _]] = self.axes(input);
        if height * width == 0 {
            return Err(format!(
                "its output would have the size {height}×{width}; use padding = \"valid\" or a larger input"
            ));
        }
        Ok(vec![height, width, self.filters])
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let (Pair(kh, kw), channels) = (self.kernel_size, input[2]);
        let fans = [kh * kw * self.filters, kh * kw * channels];
        let initializer = self.kernel_initializer.of(fans, channels);
        let mut all = vec![("kernel", vec![kh, kw, self.filters, channels], initializer)];
        if self.use_bias {
            all.push(("bias", vec![self.filters], Initializer::Zeros));
        }
        all
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let w = b.parameter(place.parameters[0]);
        let call = self.call(&CONV2D_GRAD_INPUT, &GROUPED_CONV2D_GRAD_INPUT, b, place);
        let bias = place.parameters.get(1).copied();
        let fused = self.activation.fusible(b.differentiates());
        let added = bias.is_some() || fused.name != "linear";
        let name = if added { format!("{} product", place.name) } else { place.name.clone() };
        let mut y = b.batched(&name, &place.output);
        let x = b.zeros(&place.output);
        b.call(&place.name, call, &[("dx", y), ("dy", place.x), ("w", w), ("x", x)]);
        if added {
            let stats = channel_affine::of_bias(b, &place.name, bias, self.filters);
            y = channel_affine::apply(b, &place.name, (y, &place.name), &place.output, stats, fused);
        }
        b.fuse(y, fused);
        activation::finish(b, self.activation, place, y)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let dy = activation::finish_grad(b, self.activation, place, dy);
        let (label, channels) = (place.name.as_str(), place.input[2]);
        if let Some(bias) = place.parameters.get(1) {
            // Σ dy of each filter is what batch normalization computes for beta.
            let (rows, c) = matrix(&place.output);
            let (splits, per) = splits(b.batch() * rows);
            let partials = b.temporary(&format!("d {label} bias partials"), vec![splits, 2, c]);
            let ones = channel_affine::constants(b, &format!("d {label}"), &vec![1.0; c], &vec![0.0; c]);
            let sizes = [("ITEMS", b.batch() * rows), ("C", c), ("SPLITS", splits), ("PER", per)];
            let buffers = [("partials", partials), ("x", dy), ("dy", dy), ("stats", ones)];
            b.call(label, Call::new(&BATCH_NORM_GRAD_PARTIALS, &sizes), &buffers);
            let (db, unused) = (b.gradient(*bias), b.temporary("unused", vec![c]));
            let coefficients = b.temporary("unused", vec![3, c]);
            let zeros = b.bias(None, c);
            let sizes = [("ROWS", b.batch()), ("SPATIAL", rows), ("C", c), ("SPLITS", splits), ("SCALED", 0)];
            let buffers = [
                ("dgamma", unused),
                ("dbeta", db),
                ("coefficients", coefficients),
                ("partials", partials),
                ("stats", ones),
                ("gamma", zeros),
            ];
            b.call(label, Call::new(&BATCH_NORM_GRAD_COMBINE, &sizes), &buffers);
        }
        let taps = self.kernel_size.0 * self.kernel_size.1 * self.filters;
        let (parts, per) = conv2d::splits(b.batch(), (taps + 1) * channels);
        let partials = b.temporary(&format!("d {label} partials"), vec![parts, taps + 1, channels]);
        let call = self.call(&CONV2D_GRAD_WEIGHT, &GROUPED_CONV2D_GRAD_WEIGHT, b, place);
        let call = call.with("SPLITS", parts as f64).with("PER", per as f64);
        b.call(label, call, &[("partials", partials), ("x", dy), ("dy", place.x)]);
        let dw = b.gradient(place.parameters[0]);
        let unused = b.bias_gradient(None, channels);
        let call = Call::new(&SUM_PARTIALS, &[("SPLITS", parts), ("TAPS", taps), ("CO", channels)]);
        b.call(label, call, &[("dw", dw), ("db", unused), ("partials", partials)]);
        wanted.then(|| {
            let (w, zeros) = (b.parameter(place.parameters[0]), b.bias(None, channels));
            let dx = b.batched(&format!("d {label} input"), &place.input);
            let call = self.call(&CONV2D_FORWARD, &GROUPED_CONV2D_FORWARD, b, place).activated(&LINEAR);
            b.call(label, call, &[("y", dx), ("x", dy), ("w", w), ("b", zeros)]);
            b.through_fused(label, place.x, dx)
        })
    }
}

by_plane!(Conv1DTranspose, "conv1d_transpose");

#[cfg(test)]
mod tests {
    use super::{Padding, axis};

    /// Output lengths from Keras's `compute_conv_transpose_output_shape`.
    #[test]
    fn lengths_are_those_of_keras() {
        use Padding::{Same, Valid};
        for ((input, extent, stride, padding, more), expected) in [
            ((7, 3, 2, Same, None), 14),
            ((7, 4, 2, Same, None), 14),
            ((7, 2, 3, Same, None), 21),
            ((7, 3, 1, Same, None), 7),
            ((7, 3, 2, Same, Some(0)), 13),
            ((7, 3, 2, Same, Some(1)), 14),
            ((7, 4, 2, Same, Some(1)), 13),
            ((7, 3, 2, Valid, None), 15),
            ((7, 2, 3, Valid, None), 21),
            ((7, 3, 2, Valid, Some(1)), 16),
            ((7, 5, 1, Valid, None), 11),
        ] {
            let [found, _] = axis(input, extent, stride, padding, more);
            assert_eq!(found, expected, "{input} {extent} {stride} {padding:?} {more:?}");
        }
    }
}
