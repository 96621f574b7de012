//! Normalization of inputs by a mean and a variance that are known before the training.

use super::{
    MaskRule, Place, Rules,
    channel_affine::{self, Numbers},
};
use crate::{
    initializer::Initializer,
    kernels::BATCH_NORM_MOVING,
    op::{Call, activations::LINEAR},
    program::{Builder, ValueId},
};

/// Smallest deviation by which an input is divided, as in Keras.
pub const LEAST: f64 = 1e-7;

/// `Normalization(mean=None, variance=None, invert=False)`: y = (x - mean) / √variance for each channel, the last axis.
/// Without `mean` and `variance` they are tensors, which steps do not change: a file has them, or a new training computes
/// them from its data for a layer that takes the input. Elsewhere they begin as 0 and 1. With `invert`, y = mean + √variance · x.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Mean of each channel, or of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Numbers>,
    /// Variance of each channel, or of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variance: Option<Numbers>,
    /// True if the layer undoes a normalization.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invert: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Normalization {
    /// Creates a layer whose mean and variance are tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns true if mean and variance are tensors, which data or a file must give.
    pub fn adapts(&self) -> bool {
        self.mean.is_none()
    }

    /// Scale and shift of each channel, if mean and variance are arguments.
    ///
    /// # Errors
    /// Says which argument does not fit.
    pub fn numbers(&self, channels: usize) -> Result<Option<[Vec<f32>; 2]>, String> {
        let (mean, variance) = match (&self.mean, &self.variance) {
            (Some(mean), Some(variance)) => (mean, variance),
            (None, None) if self.invert => {
                return Err("invert is true without mean and variance; give both".into());
            }
            (None, None) => return Ok(None),
            (Some(_), None) => return Err("mean is given without variance; give both, or neither".into()),
            (None, Some(_)) => return Err("variance is given without mean; give both, or neither".into()),
        };
        let mean = channel_affine::each("mean", mean, channels)?;
        let variance = channel_affine::each("variance", variance, channels)?;
        if let Some(number) = variance.iter().find(|number| **number < 0.0) {
            return Err(format!("variance has {number}, expected numbers from 0"));
        }
        Ok(Some(match self.invert {
            true => [variance.iter().map(|v| f64::from(*v).sqrt().max(LEAST) as f32).collect(), mean],
            false => Self::of(&mean, &variance),
        }))
    }

    /// Scale and shift of each channel for a mean and a variance of each.
    pub fn of(mean: &[f32], variance: &[f32]) -> [Vec<f32>; 2] {
        let pairs = mean.iter().zip(variance).map(|(mean, variance)| {
            let (mean, deviation) = (f64::from(*mean), f64::from(*variance).sqrt().max(LEAST));
            ((1.0 / deviation) as f32, (-mean / deviation) as f32)
        });
        let (scale, shift) = pairs.unzip();
        [scale, shift]
    }

    /// The statistics from tensors; only the factor, if `factor`.
    fn stats(b: &mut Builder, place: &Place, channels: usize, factor: bool) -> ValueId {
        let zeros = b.bias(None, channels);
        let [mean, variance] = [0, 1].map(|n| b.parameter(place.parameters[n]));
        let stats = b.temporary(&format!("{} statistics", place.name), vec![4, channels]);
        // Only a variance that f32 cannot tell from the square of the least deviation is changed by the sum with it.
        let call = Call::new(&BATCH_NORM_MOVING, &[("C", channels), ("SCALED", 0)]);
        let buffers = [
            ("stats", stats),
            ("moving_mean", if factor { zeros } else { mean }),
            ("moving_variance", variance),
            ("gamma", zeros),
            ("beta", zeros),
        ];
        b.call(&place.name, call.with("EPSILON", LEAST * LEAST), &buffers);
        stats
    }
}

impl Rules for Normalization {
    fn slug(&self) -> &'static str {
        "normalization"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Passes
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let channels = input.last().ok_or("its input has no axis; it takes at least one")?;
        self.numbers(*channels)?;
        Ok(input.to_vec())
    }

    fn states(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let channels = input.last().copied().unwrap_or(1);
        match self.adapts() {
            true => vec![
                ("mean", vec![channels], Initializer::Zeros),
                ("variance", vec![channels], Initializer::Ones),
            ],
            false => Vec::new(),
        }
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let channels = place.input.last().copied().unwrap_or(1);
        let stats = match self.numbers(channels) {
            Ok(Some([scale, shift])) => channel_affine::constants(b, &place.name, &scale, &shift),
            _ => Self::stats(b, place, channels, false),
        };
        channel_affine::apply(b, &place.name, (place.x, &place.name), &place.output, stats, &LINEAR)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then(|| {
            let channels = place.input.last().copied().unwrap_or(1);
            let name = format!("d {} input", place.name);
            let stats = match self.numbers(channels) {
                Ok(Some([scale, _])) => channel_affine::constants(b, &name, &scale, &vec![0.0; channels]),
                _ => Self::stats(b, place, channels, true),
            };
            let dx = channel_affine::apply(b, &place.name, (dy, &name), &place.input, stats, &LINEAR);
            b.through_fused(&place.name, place.x, dx)
        })
    }
}
