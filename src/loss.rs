//! The losses, with Keras's names. `shaders/` has the formula of each.

use crate::{Error, Result, range::positive};
use std::{fmt, str::FromStr};

/// The loss of a network, averaged over the images. A regression takes the label as a number: 0, 1, 2, ...
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Loss {
    /// Keras's `sparse_categorical_crossentropy` after softmax: one output per class.
    SoftmaxCrossEntropy,
    /// Keras's `binary_crossentropy` after sigmoid: one output, labels 0 and 1.
    BinaryCrossEntropy,
    /// (output - label)²: one output.
    MeanSquaredError,
    /// |output - label|: one output.
    MeanAbsoluteError,
    /// d² / 2 for distances up to `delta`, delta · (d - delta / 2) beyond (Huber 1964): one output.
    Huber {
        /// Distance at which the quadratic part ends.
        delta: f64,
    },
    /// Σ t · log(t / p) of the target t and the output p, both probabilities (Kullback and Leibler 1951).
    KlDivergence,
    /// Minus the cosine of the angle between the output and the target.
    CosineSimilarity,
    /// The weighted sum of the losses of several outputs, which [`crate::model::Model::heads`] lists. It has no name to
    /// choose it by.
    WeightedSum,
}

/// The names of the losses, for errors and help.
pub const NAMES: &str = "softmax_cross_entropy, binary_cross_entropy, mean_squared_error, mean_absolute_error, huber, huber=DELTA, kl_divergence, cosine_similarity";

impl Loss {
    /// Returns true if the loss compares numbers, not classes.
    pub fn is_regression(self) -> bool {
        !matches!(self, Self::SoftmaxCrossEntropy | Self::BinaryCrossEntropy)
    }

    /// The final activation that is part of the loss, which takes the input of that activation.
    pub fn activation(self) -> &'static str {
        match self {
            Self::SoftmaxCrossEntropy => "softmax",
            Self::BinaryCrossEntropy => "sigmoid",
            _ => "linear",
        }
    }

    /// Returns true if the loss compares the vectors along the last axis, not one number with another.
    pub fn compares_vectors(self) -> bool {
        matches!(self, Self::KlDivergence | Self::CosineSimilarity)
    }

    /// Number of outputs of a network for `classes` classes.
    pub fn outputs(self, classes: usize) -> usize {
        if self == Self::SoftmaxCrossEntropy { classes } else { 1 }
    }
}

impl FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = || Error::Unknown { what: "loss", got: text.to_string(), known: NAMES.into() };
        let (name, delta) = text.split_once('=').map_or((text, None), |(name, delta)| (name, Some(delta)));
        let loss = match name.trim() {
            "softmax_cross_entropy" | "categorical_crossentropy" | "sparse_categorical_crossentropy" => {
                Self::SoftmaxCrossEntropy
            }
            "binary_cross_entropy" | "binary_crossentropy" => Self::BinaryCrossEntropy,
            "mean_squared_error" | "mse" => Self::MeanSquaredError,
            "mean_absolute_error" | "mae" => Self::MeanAbsoluteError,
            "kl_divergence" | "kullback_leibler_divergence" => Self::KlDivergence,
            "cosine_similarity" => Self::CosineSimilarity,
            "huber" => {
                let delta: f64 = delta.map_or(Ok(1.0), |delta| delta.trim().parse()).map_err(|_| fail())?;
                positive("the delta of huber", delta)?;
                return Ok(Self::Huber { delta });
            }
            _ => return Err(fail()),
        };
        if delta.is_some() { Err(fail()) } else { Ok(loss) }
    }
}

/// The format that [`FromStr`] parses.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SoftmaxCrossEntropy => f.write_str("softmax_cross_entropy"),
            Self::BinaryCrossEntropy => f.write_str("binary_cross_entropy"),
            Self::MeanSquaredError => f.write_str("mean_squared_error"),
            Self::MeanAbsoluteError => f.write_str("mean_absolute_error"),
            Self::Huber { delta: 1.0 } => f.write_str("huber"),
            Self::Huber { delta } => write!(f, "huber={delta}"),
            Self::KlDivergence => f.write_str("kl_divergence"),
            Self::CosineSimilarity => f.write_str("cosine_similarity"),
            Self::WeightedSum => f.write_str("weighted_sum"),
        }
    }
}

impl TryFrom<String> for Loss {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Loss> for String {
    fn from(loss: Loss) -> Self {
        loss.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Loss;

    #[test]
    fn a_loss_is_written_as_it_is_read() {
        let names = super::NAMES.replace("DELTA", "0.25");
        let mut seen = 0;
        for name in names.split(", ").chain(["mse", "mae", "binary_crossentropy"]) {
            let loss: Loss = name.parse().unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(loss.to_string().parse::<Loss>().expect("its own name"), loss);
            seen += 1;
        }
        assert!(seen > 6, "{seen}");
        for wrong in ["", "l2", "huber=0", "huber=x", "huber=nan", "mse=1", "huber=-1"] {
            assert!(wrong.parse::<Loss>().is_err(), "{wrong}");
        }
    }
}
