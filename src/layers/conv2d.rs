//! Two-dimensional convolution. Input (height, width, channels), kernel HWIO.

use super::{
    ActivationName, Padding, Pair, Place, Rules, activation,
    window::{self, axes},
};
use crate::{
    kernels::{CONV2D_FORWARD, CONV2D_GRAD_INPUT, CONV2D_GRAD_WEIGHT, SUM_PARTIALS},
    op::Call,
    program::{Builder, Initializer, ValueId},
};

/// The weight gradient sums the batch in at most this many parts, each by itself, then adds them in order.
const SPLITS: usize = 16;

/// `Conv2D(filters, kernel_size, strides=1, padding="valid", activation=None)`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2D {
    /// Channels of the output.
    pub filters: usize,
    /// Height and width of the kernel.
    pub kernel_size: Pair,
    /// How far the kernel moves.
    #[serde(default = "one")]
    pub strides: Pair,
    /// `valid` or `same`.
    #[serde(default)]
    pub padding: Padding,
    /// Applied to each output.
    #[serde(default)]
    pub activation: ActivationName,
    /// Whether it has a bias.
    #[serde(default = "window::yes")]
    pub use_bias: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn one() -> Pair {
    Pair(1, 1)
}

impl Conv2D {
    /// A linear convolution with strides 1, valid padding and a bias.
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into(),
            strides: one(),
            padding: Padding::Valid,
            activation: ActivationName::default(),
            use_bias: true,
            name: None,
        }
    }

    /// The same layer with the activation of that name.
    ///
    /// # Errors
    /// [`crate::Error::Unknown`] with the known names.
    pub fn activation(mut self, name: &str) -> crate::Result<Self> {
        self.activation = name.parse()?;
        Ok(self)
    }

    /// The same layer with these strides.
    pub fn strides(mut self, strides: impl Into<Pair>) -> Self {
        self.strides = strides.into();
        self
    }

    /// The same layer with this padding.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    fn call(&self, op: &'static crate::op::Op, b: &Builder, place: &Place) -> Call {
        let mut sizes = window::sizes(b, place, self.kernel_size, self.strides, self.padding);
        let Pair(kh, kw) = self.kernel_size;
        sizes.extend([("CI", place.input[2]), ("CO", self.filters), ("KH", kh), ("KW", kw)]);
        Call::new(op, &sizes)
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
        if self.filters == 0 {
            return Err("filters is 0; it needs at least one".into());
        }
        let [y, x] = axes("kernel_size", input, self.kernel_size, self.strides, self.padding)?;
        Ok(vec![y.out, x.out, self.filters])
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let (Pair(kh, kw), channels) = (self.kernel_size, input[2]);
        let fans = Initializer::GlorotUniform { fan_in: kh * kw * channels, fan_out: kh * kw * self.filters };
        let mut all = vec![("kernel", vec![kh, kw, channels, self.filters], fans)];
        if self.use_bias {
            all.push(("bias", vec![self.filters], Initializer::Zeros));
        }
        all
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let y = b.batched(&place.name, &place.output);
        let w = b.parameter(place.parameters[0]);
        let bias = b.bias(place.parameters.get(1).copied(), self.filters);
        let fused = self.activation.fusible();
        let call = self.call(&CONV2D_FORWARD, b, place).activated(fused);
        b.call(&place.name, call, &[("y", y), ("x", place.x), ("w", w), ("b", bias)]);
        b.fuse(y, fused);
        activation::finish(b, self.activation, place, y)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let dy = activation::finish_grad(b, self.activation, place, dy);
        let taps = self.kernel_size.0 * self.kernel_size.1 * place.input[2];
        let per = b.batch().div_ceil(SPLITS);
        let splits = b.batch().div_ceil(per);
        let partials =
            b.temporary(&format!("d {} partials", place.name), vec![splits, taps + 1, self.filters]);
        let call =
            self.call(&CONV2D_GRAD_WEIGHT, b, place).with("SPLITS", splits as f64).with("PER", per as f64);
        b.call(&place.name, call, &[("partials", partials), ("x", place.x), ("dy", dy)]);
        let dw = b.gradient(place.parameters[0]);
        let db = b.bias_gradient(place.parameters.get(1).copied(), self.filters);
        let call = Call::new(&SUM_PARTIALS, &[("SPLITS", splits), ("TAPS", taps), ("CO", self.filters)]);
        b.call(&place.name, call, &[("dw", dw), ("db", db), ("partials", partials)]);
        wanted.then(|| {
            let w = b.parameter(place.parameters[0]);
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            let call = self.call(&CONV2D_GRAD_INPUT, b, place).activated(b.fused(place.x));
            b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("w", w), ("x", place.x)]);
            dx
        })
    }
}
