//! Layer normalization: scales each row to mean 0 and standard deviation 1 along the last axis, then applies gamma and
//! beta.

use super::{
    Place, Rules,
    batch_normalization::{affine, affine_gradients, affine_parameters, epsilon, splits},
    matrix,
    window::yes,
};
use crate::{
    initializer::Initializer,
    kernels::{LAYER_NORM_FORWARD, LAYER_NORM_GRAD_INPUT, LAYER_NORM_GRAD_WEIGHT, SUM_PARTIALS},
    op::Call,
    program::{Builder, ValueId},
    range::{POSITIVE, is_positive},
};

/// `LayerNormalization(epsilon=0.001, center=True, scale=True)` over the last axis (Ba, Kiros and Hinton 2016): y =
/// gamma · (x - mean) / √(variance + epsilon) + beta, with the mean and variance of each row.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNormalization {
    /// Added to the variance.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// True if beta is added.
    #[serde(default = "yes")]
    pub center: bool,
    /// True if gamma multiplies.
    #[serde(default = "yes")]
    pub scale: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Default for LayerNormalization {
    fn default() -> Self {
        Self { epsilon: epsilon(), center: true, scale: true, name: None }
    }
}

impl LayerNormalization {
    /// Creates the layer with Keras's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    fn sizes(&self, b: &Builder, place: &Place) -> [(&'static str, usize); 3] {
        let (rows, c) = matrix(&place.input);
        [("ITEMS", b.batch() * rows), ("C", c), ("SCALED", usize::from(self.scale))]
    }
}

impl Rules for LayerNormalization {
    fn slug(&self) -> &'static str {
        "layer_normalization"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if !is_positive(self.epsilon) {
            return Err(format!("epsilon is {}; expected {POSITIVE}", self.epsilon));
        }
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        affine_parameters(self.scale, self.center, input.last().copied().unwrap_or(1))
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let sizes = self.sizes(b, place);
        let [(_, rows), (_, c), _] = sizes;
        let [gamma, beta] = affine(b, place, self.scale, self.center, c);
        let y = b.batched(&place.name, &place.output);
        let stats = b.temporary(&format!("{} statistics", place.name), vec![rows, 2]);
        place.saved = vec![stats];
        let call = Call::new(&LAYER_NORM_FORWARD, &sizes).with("EPSILON", self.epsilon);
        let buffers = [("y", y), ("stats", stats), ("x", place.x), ("gamma", gamma), ("beta", beta)];
        b.call(&place.name, call, &buffers);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let sizes = self.sizes(b, place);
        let [(_, rows), (_, c), _] = sizes;
        let (label, stats, x) = (&place.name, place.saved[0], place.x);
        if self.scale || self.center {
            let (splits, per) = splits(rows);
            let partials = b.temporary(&format!("d {label} partials"), vec![splits, 2, c]);
            let split = [("ITEMS", rows), ("C", c), ("SPLITS", splits), ("PER", per)];
            let buffers = [("partials", partials), ("x", x), ("dy", dy), ("stats", stats)];
            b.call(label, Call::new(&LAYER_NORM_GRAD_WEIGHT, &split), &buffers);
            let [dgamma, dbeta] = affine_gradients(b, place, self.scale, self.center, c);
            let call = Call::new(&SUM_PARTIALS, &[("SPLITS", splits), ("TAPS", 1), ("CO", c)]);
            b.call(label, call, &[("dw", dgamma), ("db", dbeta), ("partials", partials)]);
        }
        wanted.then(|| {
            let [gamma, _] = affine(b, place, self.scale, self.center, c);
            let dx = b.batched(&format!("d {label} input"), &place.input);
            let call = Call::new(&LAYER_NORM_GRAD_INPUT, &sizes).activated(b.fused(x));
            b.call(label, call, &[("dx", dx), ("dy", dy), ("x", x), ("stats", stats), ("gamma", gamma)]);
            dx
        })
    }
}
