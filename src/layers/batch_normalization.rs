//! Batch normalization: scales each channel to mean 0 and standard deviation 1 over the batch, then applies gamma and
//! beta.

use super::{MaskRule, Place, Rules, matrix, window::yes};
use crate::{
    initializer::Initializer,
    kernels::*,
    op::Call,
    program::{Builder, ParameterId, ValueId},
    range::{POSITIVE, SHARE, is_positive, is_share},
};

/// `BatchNormalization(momentum=0.99, epsilon=0.001, center=True, scale=True)` over the last axis (Ioffe and Szegedy
/// 2015): y = gamma · (x - mean) / √(variance + epsilon) + beta.
///
/// In training, mean and variance are those of the batch, and the moving averages follow them: moving = momentum ·
/// moving + (1 - momentum) · batch. Both variances divide by n, as in Keras. (PyTorch's moving variance divides by n -
/// 1, and its momentum is 1 minus this one.) In inference, and in a frozen layer, the moving averages are used. The
/// unused rows of a partial batch do not count.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNormalization {
    /// Share of the moving averages that each step keeps, in [0, 1).
    #[serde(default = "momentum")]
    pub momentum: f64,
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

fn momentum() -> f64 {
    0.99
}

pub(super) fn epsilon() -> f64 {
    1e-3
}

impl Default for BatchNormalization {
    fn default() -> Self {
        Self { momentum: momentum(), epsilon: epsilon(), center: true, scale: true, name: None }
    }
}

/// Most splits in which rows are summed. Each split has at least `LEAST` rows; the sums of the splits are added in
/// order.
const MOST: usize = 64;
const LEAST: usize = 32;

/// Number of splits for `rows`, and the rows in each.
pub(super) fn splits(rows: usize) -> (usize, usize) {
    let per = rows.div_ceil(MOST).max(LEAST);
    (rows.div_ceil(per), per)
}

/// The parameters gamma and beta, where the layer has them. They are its first parameters.
fn affine_ids(place: &Place, scale: bool, center: bool) -> [Option<ParameterId>; 2] {
    let mut ids = place.parameters.iter().copied();
    [scale, center].map(|there| if there { ids.next() } else { None })
}

/// The values of gamma and beta; zeros replace one that the layer lacks.
pub(super) fn affine(b: &mut Builder, place: &Place, scale: bool, center: bool, len: usize) -> [ValueId; 2] {
    affine_ids(place, scale, center).map(|id| b.bias(id, len))
}

/// The buffers that receive the gradients of gamma and beta.
pub(super) fn affine_gradients(
    b: &mut Builder,
    place: &Place,
    scale: bool,
    center: bool,
    len: usize,
) -> [ValueId; 2] {
    affine_ids(place, scale, center).map(|id| b.bias_gradient(id, len))
}

/// Names, shapes and initial values of the tensors of [`affine`].
pub(super) fn affine_parameters(
    scale: bool,
    center: bool,
    len: usize,
) -> Vec<(&'static str, Vec<usize>, Initializer)> {
    let gamma = scale.then(|| ("gamma", vec![len], Initializer::Ones));
    gamma.into_iter().chain(center.then(|| ("beta", vec![len], Initializer::Zeros))).collect()
}

impl BatchNormalization {
    /// Creates the layer with Keras's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of channels, and of pixels per image.
    fn extent(place: &Place) -> (usize, usize) {
        let (pixels, channels) = matrix(&place.input);
        (channels, pixels)
    }

    /// The statistics of each channel, (4, channels), from the batch or from the moving averages.
    fn stats(&self, b: &mut Builder, place: &Place, [gamma, beta]: [ValueId; 2]) -> ValueId {
        let (c, spatial) = Self::extent(place);
        let stats = b.temporary(&format!("{} statistics", place.name), vec![4, c]);
        let averages = &place.parameters[usize::from(self.scale) + usize::from(self.center)..];
        let (mean, variance) = (b.parameter(averages[0]), b.parameter(averages[1]));
        let scaled = usize::from(self.scale);
        let label = &place.name;
        if !b.training() || place.frozen {
            let call =
                Call::new(&BATCH_NORM_MOVING, &[("C", c), ("SCALED", scaled)]).with("EPSILON", self.epsilon);
            let buffers = [
                ("stats", stats),
                ("moving_mean", mean),
                ("moving_variance", variance),
                ("gamma", gamma),
                ("beta", beta),
            ];
            b.call(label, call, &buffers);
            return stats;
        }
        let (splits, per) = splits(b.batch() * spatial);
        let sizes = [("ROWS", b.batch()), ("SPATIAL", spatial), ("C", c), ("SPLITS", splits), ("PER", per)];
        let partials = b.temporary(&format!("{label} partials"), vec![splits, 2, c]);
        b.call(label, Call::new(&BATCH_NORM_PARTIALS, &sizes), &[("partials", partials), ("x", place.x)]);
        // The kernel writes the moving averages, which share a buffer with gamma and beta, so it can read only a copy
        // of these.
        let both = b.temporary(&format!("{label} gamma and beta"), vec![2, c]);
        let beside = Call::new(&CONCATENATE, &[("ROWS", 1), ("A", c), ("B", c)]);
        b.call(label, beside, &[("y", both), ("a", gamma), ("b", beta)]);
        let call = Call::new(&BATCH_NORM_COMBINE, &sizes)
            .with("SCALED", scaled as f64)
            .with("MOMENTUM", self.momentum)
            .with("EPSILON", self.epsilon);
        let buffers = [
            ("stats", stats),
            ("moving_mean", mean),
            ("moving_variance", variance),
            ("partials", partials),
            ("affine", both),
        ];
        b.call(label, call, &buffers);
        stats
    }

    /// The gradient of the input in inference, where the moving averages are constants: dx = a · dy, with the a of
    /// `y = a · x + b`.
    fn backward_fixed(&self, b: &mut Builder, place: &Place, dy: ValueId) -> ValueId {
        let (c, spatial) = Self::extent(place);
        let [gamma, _] = affine(b, place, self.scale, self.center, c);
        let averages = &place.parameters[usize::from(self.scale) + usize::from(self.center)..];
        let variance = b.parameter(averages[1]);
        // With mean and beta at zero, only the factor remains.
        let zeros = b.bias(None, c);
        let label = format!("d {}", place.name);
        let factors = b.temporary(&format!("{label} factors"), vec![4, c]);
        let sizes = [("C", c), ("SCALED", usize::from(self.scale))];
        let call = Call::new(&BATCH_NORM_MOVING, &sizes).with("EPSILON", self.epsilon);
        let buffers = [
            ("stats", factors),
            ("moving_mean", zeros),
            ("moving_variance", variance),
            ("gamma", gamma),
            ("beta", zeros),
        ];
        b.call(&place.name, call, &buffers);
        let dx = b.batched(&format!("{label} input"), &place.input);
        let call = Call::new(&BATCH_NORM_FORWARD, &[("ITEMS", b.batch() * spatial), ("C", c)]);
        b.call(&place.name, call, &[("y", dx), ("x", dy), ("stats", factors)]);
        b.through_fused(&place.name, place.x, dx)
    }
}

impl Rules for BatchNormalization {
    fn slug(&self) -> &'static str {
        "batch_normalization"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Refuses(
            "Keras takes the mean of the steps that count; normalize before the mask, or by LayerNormalization",
        )
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if !is_share(self.momentum) {
            return Err(format!("momentum is {}; expected {SHARE}", self.momentum));
        }
        if !is_positive(self.epsilon) {
            return Err(format!("epsilon is {}; expected {POSITIVE}", self.epsilon));
        }
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        affine_parameters(self.scale, self.center, input.last().copied().unwrap_or(1))
    }

    fn states(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let channels = input.last().copied().unwrap_or(1);
        vec![
            ("moving_mean", vec![channels], Initializer::Zeros),
            ("moving_variance", vec![channels], Initializer::Ones),
        ]
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let (c, spatial) = Self::extent(place);
        let affine = affine(b, place, self.scale, self.center, c);
        let stats = self.stats(b, place, affine);
        place.saved = vec![stats];
        let y = b.batched(&place.name, &place.output);
        let call = Call::new(&BATCH_NORM_FORWARD, &[("ITEMS", b.batch() * spatial), ("C", c)]);
        b.call(&place.name, call, &[("y", y), ("x", place.x), ("stats", stats)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        if !b.training() || place.frozen {
            return wanted.then(|| self.backward_fixed(b, place, dy));
        }
        let (c, spatial) = Self::extent(place);
        let (splits, per) = splits(b.batch() * spatial);
        let (label, stats, x) = (&place.name, place.saved[0], place.x);
        let partials = b.temporary(&format!("d {label} partials"), vec![splits, 2, c]);
        let sizes = [("ITEMS", b.batch() * spatial), ("C", c), ("SPLITS", splits), ("PER", per)];
        let buffers = [("partials", partials), ("x", x), ("dy", dy), ("stats", stats)];
        b.call(label, Call::new(&BATCH_NORM_GRAD_PARTIALS, &sizes), &buffers);

        let [gamma, _] = affine(b, place, self.scale, self.center, c);
        let [dgamma, dbeta] = affine_gradients(b, place, self.scale, self.center, c);
        let coefficients = b.temporary(&format!("d {label} coefficients"), vec![3, c]);
        let sizes = [("ROWS", b.batch()), ("SPATIAL", spatial), ("C", c), ("SPLITS", splits)];
        let call =
            Call::new(&BATCH_NORM_GRAD_COMBINE, &sizes).with("SCALED", f64::from(u8::from(self.scale)));
        let buffers = [
            ("dgamma", dgamma),
            ("dbeta", dbeta),
            ("coefficients", coefficients),
            ("partials", partials),
            ("stats", stats),
            ("gamma", gamma),
        ];
        b.call(label, call, &buffers);
        wanted.then(|| {
            let dx = b.batched(&format!("d {label} input"), &place.input);
            let sizes = [("ROWS", b.batch()), ("SPATIAL", spatial), ("C", c)];
            let call = Call::new(&BATCH_NORM_GRAD_INPUT, &sizes).activated(b.fused(x));
            b.call(label, call, &[("dx", dx), ("dy", dy), ("x", x), ("coefficients", coefficients)]);
            dx
        })
    }
}
