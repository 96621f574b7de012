//! Dropout and noise: in training, these layers set a random share of the elements or of the channels to zero, or add or
//! multiply by random numbers; in inference, they do nothing.

use super::{MaskRule, Place, Rules, matrix};
use crate::{
    kernels::{DROPOUT_FORWARD, DROPOUT_GRAD},
    op::{Call, Op},
    program::{Builder, ValueId},
    range::{NOT_NEGATIVE, SHARE, is_not_negative, is_share},
};

/// `Dropout(rate)`: in training, each element is zero with probability `rate`, else divided by `1 - rate` (inverted
/// dropout, Srivastava et al. 2014). The random numbers depend only on seed, step, layer and element.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Share of the elements that is dropped, in [0, 1).
    pub rate: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Dropout {
    /// Creates a layer that drops this share.
    pub fn new(rate: f64) -> Self {
        Self { rate, name: None }
    }
}

/// `GaussianNoise(stddev)`: in training, adds a random number of the normal distribution to each element. The random
/// numbers depend only on seed, step, layer and element.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianNoise {
    /// Standard deviation of the numbers, from 0 on.
    pub stddev: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl GaussianNoise {
    /// Creates a layer that adds numbers of this standard deviation.
    pub fn new(stddev: f64) -> Self {
        Self { stddev, name: None }
    }
}

/// `GaussianDropout(rate)`: in training, multiplies each element by a random number of the normal distribution, of mean 1
/// and the variance of dropout, `rate / (1 - rate)` (Srivastava et al. 2014).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianDropout {
    /// Share that a [`Dropout`] of the same variance drops, in [0, 1).
    pub rate: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl GaussianDropout {
    /// Creates a layer whose factors have the variance of dropout at this rate.
    pub fn new(rate: f64) -> Self {
        Self { rate, name: None }
    }
}

/// `AlphaDropout(rate)`: in training, sets each element with probability `rate` to the least value of selu, then scales
/// and shifts all, so that mean 0 and variance 1 stay (Klambauer et al. 2017).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlphaDropout {
    /// Share of the elements that is dropped, in [0, 1).
    pub rate: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl AlphaDropout {
    /// Creates a layer that drops this share.
    pub fn new(rate: f64) -> Self {
        Self { rate, name: None }
    }
}

/// The least value of selu: minus its scale times its alpha.
const LEAST: f64 = -1.050_700_987_355_480_5 * 1.673_263_242_354_377_2;

/// The numbers of a kernel that drops a share `rate`: the threshold below which a random number of 32 bits says so, and
/// what the others are multiplied by.
pub(super) fn dropped(rate: f64) -> [f64; 2] {
    [(rate * 2f64.powi(32)).floor(), f64::from((1.0 / (1.0 - rate)) as f32)]
}

/// What a layer does to the elements.
#[derive(Clone, Copy, PartialEq)]
enum Noise {
    /// Drops single ones.
    Elements,
    /// Drops whole channels of inputs with that many axes.
    Channels(usize),
    /// Adds numbers of the normal distribution.
    Added,
    /// Multiplies by such numbers.
    Factors,
    /// Drops single ones, for selu.
    Alpha,
}

/// The part that all these layers share: the rate of dropout, or the deviation of what is added.
struct Drop {
    amount: f64,
    noise: Noise,
}

impl Drop {
    fn shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if let Noise::Channels(axes) = self.noise
            && input.len() != axes
        {
            let taken = if axes == 3 { "(height, width, channels)" } else { "(time, features)" };
            return Err(format!("its input has shape {input:?}, it takes {taken}"));
        }
        let (name, fits, expected) = match self.noise {
            Noise::Added => ("stddev", is_not_negative(self.amount), NOT_NEGATIVE),
            _ => ("rate", is_share(self.amount), SHARE),
        };
        if fits { Ok(input.to_vec()) } else { Err(format!("{name} is {}; expected {expected}", self.amount)) }
    }

    fn active(&self, b: &Builder) -> bool {
        b.training() && self.amount > 0.0
    }

    fn call(&self, op: &'static Op, b: &Builder, place: &Place) -> Call {
        let count = b.batch() * place.input.iter().product::<usize>();
        let rate = self.amount;
        let [threshold, kept] = dropped(rate);
        let call = |threshold: f64, scale: f64| {
            Call::new(op, &[("COUNT", count), ("STREAM", place.index)])
                .with("THRESHOLD", threshold)
                .with("SCALE", f64::from(scale as f32))
        };
        let drops = call(threshold, kept);
        match self.noise {
            Noise::Elements => drops,
            Noise::Channels(_) => {
                let (places, channels) = matrix(&place.input);
                drops.with("SPATIAL", places as f64).with("C", channels as f64)
            }
            Noise::Added => call(0.0, rate).with("NOISE", 1.0),
            Noise::Factors => call(0.0, (rate / (1.0 - rate)).sqrt()).with("NOISE", 2.0),
            Noise::Alpha => call(threshold, self.alpha()[0]).with("NOISE", 3.0),
        }
    }

    /// Factor and term that restore mean 0 and variance 1 of what alpha dropout leaves.
    fn alpha(&self) -> [f64; 2] {
        let rate = self.amount;
        let factor = ((1.0 - rate) * (1.0 + rate * LEAST * LEAST)).powf(-0.5);
        [factor, -factor * LEAST * rate]
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        if !self.active(b) {
            return place.x;
        }
        let y = b.batched(&place.name, &place.output);
        let mut call = self.call(&DROPOUT_FORWARD, b, place);
        if self.noise == Noise::Alpha {
            let [factor, term] = self.alpha();
            let held = |value: f64| f64::from(value as f32);
            call = call.with("SHIFT", held(term)).with("LEAST", held(factor * LEAST + term));
        }
        b.call(&place.name, call, &[("y", y), ("x", place.x)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        if !self.active(b) || !wanted {
            return wanted.then_some(dy);
        }
        if self.noise == Noise::Added {
            return Some(b.through_fused(&place.name, place.x, dy));
        }
        let dx = b.batched(&format!("d {} input", place.name), &place.input);
        let call = self.call(&DROPOUT_GRAD, b, place).activated(b.fused(place.x));
        b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("x", place.x)]);
        Some(dx)
    }
}

/// `SpatialDropout2D(rate)`: in training, each channel of an image is zero with probability `rate`, else divided by
/// `1 - rate` (Tompson et al. 2015).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpatialDropout2D {
    /// Share of the channels that is dropped, in [0, 1).
    pub rate: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl SpatialDropout2D {
    /// Creates a layer that drops this share of the channels.
    pub fn new(rate: f64) -> Self {
        Self { rate, name: None }
    }
}

/// `SpatialDropout1D(rate)`: in training, each feature of a sequence is zero with probability `rate`, else divided by
/// `1 - rate` (Tompson et al. 2015).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpatialDropout1D {
    /// Share of the features that is dropped, in [0, 1).
    pub rate: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl SpatialDropout1D {
    /// Creates a layer that drops this share of the features.
    pub fn new(rate: f64) -> Self {
        Self { rate, name: None }
    }
}

/// Implements `Rules` for a struct with a rate or a deviation.
macro_rules! drops {
    ($layer:ident, $slug:literal, $amount:ident, $noise:expr) => {
        impl $layer {
            fn drop(&self) -> Drop {
                Drop { amount: self.$amount, noise: $noise }
            }
        }

        impl Rules for $layer {
            fn slug(&self) -> &'static str {
                $slug
            }

            fn given_name(&self) -> Option<&str> {
                self.name.as_deref()
            }

            fn mask_rule(&self) -> MaskRule {
                MaskRule::Passes
            }

            fn draws(&self) -> bool {
                self.drop().amount > 0.0
            }

            fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
                self.drop().shape(input)
            }

            fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
                self.drop().forward(b, place)
            }

            fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
                self.drop().backward(b, place, dy, wanted)
            }
        }
    };
}

drops!(Dropout, "dropout", rate, Noise::Elements);
drops!(SpatialDropout2D, "spatial_dropout2d", rate, Noise::Channels(3));
drops!(SpatialDropout1D, "spatial_dropout1d", rate, Noise::Channels(2));
drops!(GaussianNoise, "gaussian_noise", stddev, Noise::Added);
drops!(GaussianDropout, "gaussian_dropout", rate, Noise::Factors);
drops!(AlphaDropout, "alpha_dropout", rate, Noise::Alpha);

#[cfg(test)]
mod tests {
    use super::{AlphaDropout, Dropout, GaussianDropout, GaussianNoise, LEAST, Place, Rules};
    use crate::program::{Builder, Mode};

    #[test]
    fn noise_acts_in_training_only_and_not_at_0() {
        let layers = |amount: f64| -> [Box<dyn Rules>; 4] {
            [
                Box::new(Dropout::new(amount)),
                Box::new(GaussianNoise::new(amount)),
                Box::new(GaussianDropout::new(amount)),
                Box::new(AlphaDropout::new(amount)),
            ]
        };
        for (mode, amount, acts) in [
            (Mode::Train, 0.5, true),
            (Mode::Train, 0.0, false),
            (Mode::Evaluate, 0.5, false),
            (Mode::Predict, 0.5, false),
            (Mode::Explain, 0.5, false),
        ] {
            for layer in layers(amount) {
                let mut b = Builder::new(mode, 2, 3, 1, Vec::new());
                let x = b.batched("x", &[3]);
                let mut place = Place { input: vec![3], output: vec![3], x, ..Place::default() };
                let y = layer.forward(&mut b, &mut place);
                assert_eq!(layer.draws(), amount > 0.0, "{}", layer.slug());
                assert_eq!((y != x, b.program.nodes.len() == 1), (acts, acts), "{} {mode:?}", layer.slug());
            }
        }
    }

    #[test]
    fn alpha_dropout_keeps_mean_and_variance() {
        for rate in [0.05, 0.3, 0.9] {
            let [factor, term] = AlphaDropout::new(rate).drop().alpha();
            // Of an element of mean 0 and variance 1 that is kept with probability 1 - rate.
            let mean = (1.0 - rate) * term + rate * (factor * LEAST + term);
            let square =
                (1.0 - rate) * (factor * factor + term * term) + rate * (factor * LEAST + term).powi(2);
            assert!(mean.abs() < 1e-12 && (square - 1.0).abs() < 1e-12, "{rate}: {mean}, {square}");
        }
    }
}
