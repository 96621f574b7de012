//! Training options that change images, labels or loss, whatever the model: augmentation, label smoothing, class
//! weights. Evaluation ignores them, so that its results stay comparable.

use crate::{
    Error, Result,
    augment::Augment,
    kernels::{
        BINARY_CROSS_ENTROPY, COSINE_SIMILARITY, HUBER, KL_DIVERGENCE, MEAN_ABSOLUTE_ERROR,
        MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY,
    },
    loss::Loss,
    op::Call,
    range::{not_negative, share},
};

/// Changes to the plain loss on the original images.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Objective {
    /// Augmentation of the images.
    #[serde(skip_serializing_if = "Augment::is_off")]
    pub augment: Augment,
    /// Share of each target that is spread evenly over all classes (Szegedy et al. 2016), in [0, 1).
    pub label_smoothing: f64,
    /// Weight of each class, Keras's `class_weight`: the loss is the mean over the images of weight times loss. If
    /// empty, all weights are 1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub class_weight: Vec<f64>,
    /// True if each image may have a weight of its own, which [`crate::train::Trainer::weigh`] sets, also in evaluation.
    #[serde(skip_serializing_if = "is_false")]
    pub example_weights: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Objective {
    /// Returns true if the objective is the plain loss on the original images.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the numbers against their ranges, the number of classes and the loss.
    ///
    /// # Errors
    /// [`Error::Option`].
    pub fn validate(&self, classes: usize, loss: Loss) -> Result<()> {
        self.augment.validate()?;
        share("label_smoothing", self.label_smoothing)?;
        if loss == Loss::WeightedSum && self.label_smoothing > 0.0 {
            let (got, expected) = (self.label_smoothing.to_string(), "0 for a network with several outputs");
            return Err(Error::Option { name: "label_smoothing", got, expected });
        }
        if self.label_smoothing > 0.0 && loss.is_regression() {
            return Err(Error::Option {
                name: "label_smoothing",
                got: format!("{} with {loss}", self.label_smoothing),
                expected: "0 for a regression, which has no classes",
            });
        }
        let fail = |got: String, expected| Err(Error::Option { name: "class_weight", got, expected });
        if loss == Loss::WeightedSum && !self.class_weight.is_empty() {
            let expected = "none for a network with several outputs; give weights to images instead";
            return fail(format!("a list of {}", self.class_weight.len()), expected);
        }
        if !self.class_weight.is_empty() && self.class_weight.len() != classes {
            let got = format!("a list of {} for {classes} classes", self.class_weight.len());
            return fail(got, "one number for each class");
        }
        self.class_weight.iter().try_for_each(|weight| not_negative("class_weight", *weight))?;
        if !self.class_weight.is_empty() && self.class_weight.iter().all(|w| *w == 0.0) {
            return fail("0 for every class".into(), "at least one class that counts");
        }
        Ok(())
    }

    /// Refuses what does not go with several labels an image.
    ///
    /// # Errors
    /// [`Error::Option`].
    pub(crate) fn validate_places(&self, places: usize) -> Result<()> {
        let fail = |name, got: String, expected| Err(Error::Option { name, got, expected });
        if places > 1 && !self.class_weight.is_empty() {
            let got = format!("a list for {places} labels an image");
            return fail("class_weight", got, "none; give weights to images instead");
        }
        let mixed = Augment { mixup: self.augment.mixup, ..Augment::default() };
        if places > 1 && self.augment != mixed {
            let got = format!("of images with {places} labels each");
            return fail("augment", got, "mixup alone: the labels would not follow the image");
        }
        Ok(())
    }

    /// The weights of `classes` classes, in the device's number format.
    pub fn weights(&self, classes: usize) -> Vec<f32> {
        (0..classes).map(|class| self.class_weight.get(class).map_or(1.0, |w| *w as f32)).collect()
    }
}

/// Weights that give all classes the same total and average 1 over the images: images / (classes · images of the
/// class), scikit-learn's "balanced". A class without images has weight 1.
pub fn balanced(counts: &[usize]) -> Vec<f64> {
    let all: usize = counts.iter().sum();
    let share = |count: &usize| all as f64 / (counts.len() * count.max(&1)) as f64;
    counts.iter().map(|count| if *count == 0 { 1.0 } else { share(count) }).collect()
}

impl Loss {
    /// The call that computes loss, gradient and hits of a batch, of so many places an image, each of which has an output
    /// for each of `columns` classes, and its class weights.
    pub(crate) fn call(
        self,
        (batch, places): (usize, usize),
        columns: usize,
        objective: &Objective,
    ) -> (Call, Vec<f32>) {
        let (op, classes) = match self {
            Self::SoftmaxCrossEntropy => (&SOFTMAX_CROSS_ENTROPY, columns),
            Self::BinaryCrossEntropy => (&BINARY_CROSS_ENTROPY, 2),
            // The number of classes of a regression is known only from its class weights.
            Self::MeanSquaredError => (&MEAN_SQUARED_ERROR, objective.class_weight.len().max(1)),
            Self::MeanAbsoluteError => (&MEAN_ABSOLUTE_ERROR, objective.class_weight.len().max(1)),
            Self::Huber { .. } => (&HUBER, objective.class_weight.len().max(1)),
            Self::KlDivergence => (&KL_DIVERGENCE, columns),
            // A sum of losses is computed loss by loss.
            Self::CosineSimilarity | Self::WeightedSum => (&COSINE_SIMILARITY, columns),
        };
        let mut call = Call::new(op, &[("ROWS", batch), ("CLASSES", classes)]);
        if places > 1 || self.compares_vectors() {
            call = call.with("POSITIONS", places as f64);
        }
        if let Self::Huber { delta } = self {
            call = call.with("DELTA", f64::from(delta as f32));
        }
        if objective.label_smoothing > 0.0 && !self.is_regression() {
            call = call.with("SMOOTHING", f64::from(objective.label_smoothing as f32));
        }
        if objective.augment.mixup > 0.0 {
            call = call.with("MIXUP", 1.0);
        }
        (call, objective.weights(classes))
    }
}

#[cfg(test)]
mod tests {
    use super::{Objective, balanced};
    use crate::loss::Loss;

    const CLASSES: Loss = Loss::SoftmaxCrossEntropy;

    #[test]
    fn balanced_weights_count_each_class_alike() {
        let counts = [10, 30, 0, 60];
        let weights = balanced(&counts);
        assert_eq!(weights[2], 1.0);
        for (count, weight) in counts.iter().zip(&weights).filter(|(count, _)| **count > 0) {
            assert!((*count as f64 * weight - 25.0).abs() < 1e-9, "{weights:?}");
        }
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        let weights =
            |class_weight: &[f64]| Objective { class_weight: class_weight.into(), ..Objective::default() };
        assert!(weights(&[1.0, 2.0]).validate(2, CLASSES).is_ok());
        for wrong in [&[1.0][..], &[1.0, -1.0], &[1.0, f64::NAN], &[0.0, 0.0]] {
            let error = weights(wrong).validate(2, CLASSES).expect_err("it makes no sense").to_string();
            assert!(error.contains("`.class_weight`"), "{error}");
        }
        for label_smoothing in [-0.1, 1.0, f64::NAN] {
            assert!(Objective { label_smoothing, ..Objective::default() }.validate(2, CLASSES).is_err());
        }
        let smooth = Objective { label_smoothing: 0.1, ..Objective::default() };
        assert!(smooth.validate(2, CLASSES).is_ok());
        let error = smooth.validate(2, Loss::MeanSquaredError).expect_err("no classes").to_string();
        assert!(error.contains("`.label_smoothing` is 0.1 with mean_squared_error"), "{error}");
    }
}
