//! Layer normalization, and the layers that work like it: over groups of channels, by the root mean square, by the length.
//! Each scales groups of the numbers of a row, or of an image, then applies gamma and beta.

use super::{
    MaskRule, Place, Rules,
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

/// What a group of numbers is divided by.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Norm {
    /// Its deviation, after the mean is subtracted.
    Deviation,
    /// Its root mean square.
    RootMeanSquare,
    /// Its length.
    Length,
}

/// The computation that these layers share.
pub(super) struct Groups {
    pub norm: Norm,
    /// Groups of channels, over all places of an input; `None` for each place by itself, over all channels.
    pub groups: Option<usize>,
    /// Added to the variance or to the mean of the squares; for a length, the least sum of the squares.
    pub epsilon: f64,
    /// True if gamma multiplies.
    pub scale: bool,
    /// True if beta is added.
    pub center: bool,
}

impl Groups {
    /// The sizes of the operations: `items` of as many rows as `places` each, of `c` channels.
    fn sizes(&self, items: usize, places: usize, c: usize) -> Vec<(&'static str, usize)> {
        let mut sizes = vec![("ITEMS", items), ("C", c)];
        if let Some(groups) = self.groups {
            sizes.extend([("SPATIAL", places), ("GROUPS", groups)]);
        }
        match self.norm {
            Norm::Deviation => {}
            Norm::RootMeanSquare => sizes.push(("NORM", 1)),
            Norm::Length => sizes.push(("NORM", 2)),
        }
        sizes
    }

    /// Items, places of an item, and channels.
    fn extent(&self, b: &Builder, place: &Place) -> [usize; 3] {
        let (rows, c) = matrix(&place.input);
        if self.groups.is_some() { [b.batch(), rows, c] } else { [b.batch() * rows, 1, c] }
    }

    /// The sizes of the operations on whole items.
    fn whole(&self, b: &Builder, place: &Place) -> Vec<(&'static str, usize)> {
        let [items, places, c] = self.extent(b, place);
        let mut sizes = self.sizes(items, places, c);
        sizes.push(("SCALED", usize::from(self.scale)));
        sizes
    }

    /// Appends the forward pass.
    pub fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let [items, _, c] = self.extent(b, place);
        let [gamma, beta] = affine(b, place, self.scale, self.center, c);
        let y = b.batched(&place.name, &place.output);
        let shape = vec![items * self.groups.unwrap_or(1), 2];
        let stats = b.temporary(&format!("{} statistics", place.name), shape);
        place.saved = vec![stats];
        let call = Call::new(&LAYER_NORM_FORWARD, &self.whole(b, place)).with("EPSILON", self.epsilon);
        let buffers = [("y", y), ("stats", stats), ("x", place.x), ("gamma", gamma), ("beta", beta)];
        b.call(&place.name, call, &buffers);
        y
    }

    /// Appends the backward pass.
    pub fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let [items, places, c] = self.extent(b, place);
        let rows = items * places;
        let (label, stats, x) = (&place.name, place.saved[0], place.x);
        if self.scale || self.center {
            let (splits, per) = splits(rows);
            let partials = b.temporary(&format!("d {label} partials"), vec![splits, 2, c]);
            let mut split = self.sizes(rows, places, c);
            split.extend([("SPLITS", splits), ("PER", per)]);
            let buffers = [("partials", partials), ("x", x), ("dy", dy), ("stats", stats)];
            b.call(label, Call::new(&LAYER_NORM_GRAD_WEIGHT, &split), &buffers);
            let [dgamma, dbeta] = affine_gradients(b, place, self.scale, self.center, c);
            let call = Call::new(&SUM_PARTIALS, &[("SPLITS", splits), ("TAPS", 1), ("CO", c)]);
            b.call(label, call, &[("dw", dgamma), ("db", dbeta), ("partials", partials)]);
        }
        wanted.then(|| {
            let [gamma, _] = affine(b, place, self.scale, self.center, c);
            let dx = b.batched(&format!("d {label} input"), &place.input);
            let call = Call::new(&LAYER_NORM_GRAD_INPUT, &self.whole(b, place)).activated(b.fused(x));
            b.call(label, call, &[("dx", dx), ("dy", dy), ("x", x), ("stats", stats), ("gamma", gamma)]);
            dx
        })
    }
}

/// The output's shape, that of the input; an error for an epsilon that no device holds.
pub(super) fn kept(epsilon: f64, input: &[usize]) -> Result<Vec<usize>, String> {
    if !is_positive(epsilon) {
        return Err(format!("epsilon is {epsilon}; expected {POSITIVE}"));
    }
    Ok(input.to_vec())
}

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

    fn groups(&self) -> Groups {
        let Self { epsilon, center, scale, .. } = *self;
        Groups { norm: Norm::Deviation, groups: None, epsilon, scale, center }
    }
}

impl Rules for LayerNormalization {
    fn slug(&self) -> &'static str {
        "layer_normalization"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Passes
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        kept(self.epsilon, input)
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        affine_parameters(self.scale, self.center, input.last().copied().unwrap_or(1))
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        self.groups().forward(b, place)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.groups().backward(b, place, dy, wanted)
    }
}
