//! Two-dimensional convolution. Input (height, width, channels), kernel HWIO.

use super::{
    ActivationName, Padding, Pair, Place, Rules, activation,
    window::{self, axes},
};
use crate::{
    initializer::{Initializer, KernelInitializer},
    kernels::{
        CONV2D_FORWARD, CONV2D_GRAD_INPUT, CONV2D_GRAD_WEIGHT, GROUPED_CONV2D_FORWARD,
        GROUPED_CONV2D_GRAD_INPUT, GROUPED_CONV2D_GRAD_WEIGHT, SUM_PARTIALS,
    },
    op::{Call, Op},
    program::{Builder, ValueId},
};

/// Most parts into which the weight gradient splits the batch. Each part is summed by itself; the parts are added in
/// order.
const SPLITS: usize = 16;

/// Most bytes of all parts together: what WebGPU's default limits bind at once.
const MOST_BYTES: usize = wgpu::Limits::defaults().max_storage_buffer_binding_size as usize;

/// Number of parts of a batch for a weight gradient of `values` numbers, and the images in each. Large gradients have
/// fewer parts, so that the batch need not be divided.
pub(super) fn splits(batch: usize, values: usize) -> (usize, usize) {
    let per = batch.div_ceil(SPLITS.min(MOST_BYTES / (4 * values)).max(1));
    (batch.div_ceil(per), per)
}

/// `Conv2D(filters, kernel_size, strides=1, padding="valid", dilation_rate=1, groups=1, activation=None)`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2D {
    /// Channels of the output.
    pub filters: usize,
    /// Height and width of the kernel.
    pub kernel_size: Pair,
    /// Step of the kernel in height and width.
    #[serde(default = "window::one")]
    pub strides: Pair,
    /// `valid` or `same`.
    #[serde(default)]
    pub padding: Padding,
    /// Distance between the kernel's taps.
    #[serde(default = "window::one")]
    pub dilation_rate: Pair,
    /// Number of groups into which channels and filters are divided. A filter sees the channels of its own group only.
    #[serde(default = "one")]
    pub groups: usize,
    /// Applied to each output.
    #[serde(default)]
    pub activation: ActivationName,
    /// True if a bias is added.
    #[serde(default = "window::yes")]
    pub use_bias: bool,
    /// Initial values of the kernel.
    #[serde(default)]
    pub kernel_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn one() -> usize {
    1
}

impl Conv2D {
    /// Creates a linear convolution with strides 1, valid padding and a bias.
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into(),
            strides: window::one(),
            padding: Padding::Valid,
            dilation_rate: window::one(),
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

    fn taps(&self) -> Taps {
        Taps {
            size: self.kernel_size,
            strides: self.strides,
            padding: self.padding,
            dilation: self.dilation_rate,
            groups: self.groups,
            filters: self.filters,
        }
    }
}

/// The arithmetic of a convolution and the operations that compute it, shared with [`super::DepthwiseConv2D`].
pub(super) struct Taps {
    pub size: Pair,
    pub strides: Pair,
    pub padding: Padding,
    pub dilation: Pair,
    pub groups: usize,
    pub filters: usize,
}

impl Taps {
    /// Returns true if the operations for plain convolutions suffice: one group, dilation 1.
    fn plain(&self) -> bool {
        self.groups == 1 && self.dilation == window::one()
    }

    fn call(&self, plain: &'static Op, grouped: &'static Op, b: &Builder, place: &Place) -> Call {
        let extent = window::spread(self.size, self.dilation);
        let mut sizes = window::sizes(b, place, extent, self.strides, self.padding);
        let Pair(kh, kw) = self.size;
        sizes.extend([("CI", place.input[2]), ("CO", self.filters), ("KH", kh), ("KW", kw)]);
        if self.plain() {
            return Call::new(plain, &sizes);
        }
        let (cig, cog) = (place.input[2] / self.groups, self.filters / self.groups);
        sizes.extend([("DH", self.dilation.0), ("DW", self.dilation.1), ("CIG", cig), ("COG", cog)]);
        Call::new(grouped, &sizes)
    }

    /// Returns the shape of the output, or an error that says what does not fit.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let Self { filters, groups, dilation, .. } = self;
        if *filters == 0 {
            return Err("filters is 0; it needs at least one".into());
        }
        if dilation.0 * dilation.1 * groups == 0 {
            return Err(format!(
                "dilation {}×{} and groups {groups} must be at least 1",
                dilation.0, dilation.1
            ));
        }
        if *dilation != window::one() && self.strides != window::one() {
            return Err("strides and dilation_rate are both above 1; Keras allows one of the two".into());
        }
        let extent = window::spread(self.size, *dilation);
        let [y, x] = axes("kernel_size", input, extent, self.strides, self.padding)?;
        if !input[2].is_multiple_of(*groups) || !filters.is_multiple_of(*groups) {
            return Err(format!(
                "groups is {groups}; it must divide the {} channels and the {filters} filters",
                input[2]
            ));
        }
        Ok(vec![y.out, x.out, *filters])
    }

    pub fn forward(&self, b: &mut Builder, place: &mut Place, activation: ActivationName) -> ValueId {
        let y = b.batched(&place.name, &place.output);
        let w = b.parameter(place.parameters[0]);
        let bias = b.bias(place.parameters.get(1).copied(), self.filters);
        let fused = activation.fusible(b.differentiates());
        let call = self.call(&CONV2D_FORWARD, &GROUPED_CONV2D_FORWARD, b, place).activated(fused);
        b.call(&place.name, call, &[("y", y), ("x", place.x), ("w", w), ("b", bias)]);
        b.fuse(y, fused);
        activation::finish(b, activation, place, y)
    }

    pub fn backward(
        &self,
        b: &mut Builder,
        place: &Place,
        activation: ActivationName,
        dy: ValueId,
        wanted: bool,
    ) -> Option<ValueId> {
        let dy = activation::finish_grad(b, activation, place, dy);
        let taps = self.size.0 * self.size.1 * place.input[2] / self.groups;
        let (splits, per) = splits(b.batch(), (taps + 1) * self.filters);
        let shape = vec![splits, taps + 1, self.filters];
        let partials = b.temporary(&format!("d {} partials", place.name), shape);
        let call = self.call(&CONV2D_GRAD_WEIGHT, &GROUPED_CONV2D_GRAD_WEIGHT, b, place);
        let call = call.with("SPLITS", splits as f64).with("PER", per as f64);
        b.call(&place.name, call, &[("partials", partials), ("x", place.x), ("dy", dy)]);
        let dw = b.gradient(place.parameters[0]);
        let db = b.bias_gradient(place.parameters.get(1).copied(), self.filters);
        let call = Call::new(&SUM_PARTIALS, &[("SPLITS", splits), ("TAPS", taps), ("CO", self.filters)]);
        b.call(&place.name, call, &[("dw", dw), ("db", db), ("partials", partials)]);
        wanted.then(|| {
            let w = b.parameter(place.parameters[0]);
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            let call = self.call(&CONV2D_GRAD_INPUT, &GROUPED_CONV2D_GRAD_INPUT, b, place);
            let call = call.activated(b.fused(place.x));
            b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("w", w), ("x", place.x)]);
            dx
        })
    }
}

impl Rules for Conv2D {
    fn slug(&self) -> &'static str {
        "conv2d"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.taps().output_shape(input)
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let (Pair(kh, kw), channels) = (self.kernel_size, input[2] / self.groups);
        let initializer =
            self.kernel_initializer.of([kh * kw * channels, kh * kw * self.filters], self.filters);
        let mut all = vec![("kernel", vec![kh, kw, channels, self.filters], initializer)];
        if self.use_bias {
            all.push(("bias", vec![self.filters], Initializer::Zeros));
        }
        all
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        self.taps().forward(b, place, self.activation)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.taps().backward(b, place, self.activation, dy, wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::{Conv2D, splits};
    use crate::{
        initializer::{Initializer, KernelInitializer},
        layers::{DepthwiseConv2D, Rules},
    };

    /// Keras's `Orthogonal` flattens all axes but the last to rows.
    #[test]
    fn orthogonal_kernels_are_cut_by_their_last_axis() {
        let mut conv = Conv2D::new(4, 3);
        conv.kernel_initializer = KernelInitializer::Orthogonal;
        let (_, shape, initializer) = conv.parameters(&[8, 8, 2]).swap_remove(0);
        assert_eq!((shape, initializer), (vec![3, 3, 2, 4], Initializer::Orthogonal { columns: 4 }));
        let mut depthwise = DepthwiseConv2D::new(3);
        depthwise.depthwise_initializer = KernelInitializer::Orthogonal;
        let (_, _, initializer) = depthwise.parameters(&[8, 8, 2]).swap_remove(0);
        assert_eq!(initializer, Initializer::Orthogonal { columns: depthwise.depth_multiplier });
    }

    #[test]
    fn partial_sums_fit_a_buffer() {
        assert_eq!(splits(64, 100), (16, 4));
        assert_eq!(splits(3, 100), (3, 1));
        let kernel = (3 * 3 * 512 + 1) * 512;
        let (parts, per) = splits(16, kernel);
        assert!(
            4 * parts * kernel <= 128 << 20 && parts * per >= 16 && (parts - 1) * per < 16,
            "{parts} of {per}"
        );
        assert_eq!(splits(16, 1 << 26), (1, 16), "more than a buffer holds");
    }
}
