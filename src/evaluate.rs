//! Evaluation of a trained network on a split of a data set: loss, accuracy and confusion matrix, or the errors of a
//! regression. It runs the same kernels in the same batches as the training, so that its numbers are those that the run
//! recorded.

mod calibration;
mod formula;
mod interval;
mod evaluator;
mod judge;
mod seen;
mod views;

pub use calibration::{BINS, Bin, Calibration};
pub use evaluator::Evaluator;
pub use formula::Formula;
pub use interval::Interval;
pub use seen::Seen;

pub(crate) use judge::{Judging, judge};
pub(crate) use views::Form;

use crate::{
    Error, Result,
    checkpoint::Checkpoint,
    data::{Dataset, Split},
    gpu::Context,
    loss::Loss,
    metrics::{Metrics, Regression},
    model::{Model, Output},
    selection::Choices,
    visit::Visited,
    words::counted,
};
use std::ops::ControlFlow;

/// Result of an evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Loss and accuracy.
    pub metrics: Metrics,
    /// Number of images of each class (row) that were predicted as each class (column); empty for a regression.
    pub confusion: Vec<Vec<u64>>,
    /// Errors of a regression.
    pub regression: Option<Regression>,
    /// The prediction for each image that could be read, in the order of the split.
    pub predictions: Vec<Prediction>,
}

/// Prediction for an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Index of the image in the split.
    pub image: usize,
    /// The predicted class; 0 for a regression.
    pub class: usize,
    /// The probability of each class, or the predicted number of a regression; the outputs at all places, if a network
    /// predicts several.
    pub scores: Vec<f32>,
}

/// Metrics of one class. A share of zero images is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassMetrics {
    /// Share of the images predicted as this class that belong to it, in [0, 1].
    pub precision: Option<f64>,
    /// Share of the images of this class that were recognised, in [0, 1].
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall.
    pub f1: Option<f64>,
    /// 95 % confidence intervals of precision, recall and F1.
    pub intervals: [Option<Interval>; 3],
    /// Number of images of this class.
    pub support: u64,
}

impl Evaluation {
    /// Precision, recall and F1 of each class.
    pub fn classes(&self) -> Vec<ClassMetrics> {
        let share = |part: u64, all: u64| (all > 0).then(|| part as f64 / all as f64);
        self.confusion
            .iter()
            .enumerate()
            .map(|(class, row)| {
                let right = row[class];
                let support = row.iter().sum();
                let taken = self.confusion.iter().map(|row| row[class]).sum::<u64>();
                ClassMetrics {
                    precision: share(right, taken),
                    recall: share(right, support),
                    f1: share(2 * right, support + taken),
                    intervals: [
                        Interval::of(right, taken),
                        Interval::of(right, support),
                        Interval::of_f1(right, support + taken - right),
                    ],
                    support,
                }
            })
            .collect()
    }
}

/// Evaluates `model` with the weights of `checkpoint` on `split` of `data`. A step has `batch` images, or as many as
/// the adapter can compute at once. `each` gets the number of finished images after every step.
///
/// # Errors
/// [`crate::Error::DataFit`] if the model does not fit the data. [`crate::Error::Dataset`] if the data or `split` is
/// inconsistent, or if the network's output for an image is not finite. [`crate::Error::Device`], and the errors of the
/// plan.
#[allow(clippy::too_many_arguments)]
pub async fn evaluate(
    context: &Context,
    model: &Model,
    checkpoint: &Checkpoint,
    data: &Dataset,
    split: &Split,
    batch: usize,
    variants: &Choices,
    each: impl FnMut(u64),
) -> Result<Evaluation> {
    evaluate_views(context, model, checkpoint, data, split, batch, variants, false, each).await
}

/// Evaluates like [`evaluate`]; if `mirrored`, with test-time augmentation. The prediction of an image is then the mean
/// of the predictions for it and its mirror image: of probabilities, or of a regression's numbers.
///
/// # Errors
/// The errors of [`evaluate`].
#[allow(clippy::too_many_arguments)]
pub async fn evaluate_views(
    context: &Context,
    model: &Model,
    checkpoint: &Checkpoint,
    data: &Dataset,
    split: &Split,
    batch: usize,
    variants: &Choices,
    mirrored: bool,
    mut each: impl FnMut(u64),
) -> Result<Evaluation> {
    if mirrored && split.each > 1 {
        let (got, expected) = ("true".into(), "false, where a network predicts several places of an image");
        return Err(Error::Option { name: "mirrored", got, expected });
    }
    let mut evaluator =
        Evaluator::new(context, model, checkpoint, data, (batch, split.len()), false, variants).await?;
    let each = |_: &Visited<'_>, total: Metrics| {
        each(total.images);
        ControlFlow::Continue(())
    };
    Ok(evaluator.run(data, split, None, mirrored, each).await?.unwrap_or_default())
}

/// Index of the largest value, the first if several are equal, as in `shaders/softmax_cross_entropy`.
pub fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    (0..values.len()).reduce(|top, n| if values[n] > values[top] { n } else { top }).unwrap_or(0)
}

/// Checks that `data` is consistent, that `model` takes its images, and that the model has as many outputs as the data
/// has classes.
pub fn fits(model: &Model, data: &Dataset) -> Result<()> {
    let fail = |expected: String, got: String| {
        Err(Error::DataFit { model: model.name.clone(), data: data.name.clone(), expected, got })
    };
    let shape = [data.height, data.width, data.channels];
    let (loss, labels) = (model.loss()?, model.labels()?);
    let several = model.several_outputs()?;
    if !several.is_empty() && (!data.input.numbers || labels != data.train.each) {
        let label = |output: &Output| match output.classes() {
            0 => format!("{} of `{}`", counted(output.labels.len(), "number"), output.name),
            _ => format!("{} of `{}`", counted(output.labels.len(), "class"), output.name),
        };
        let each = several.iter().map(label).collect::<Vec<_>>().join(", ");
        let expected = format!("{labels} numbers as the labels of a row: {each}");
        let kind = if data.input.numbers { "numbers" } else { "classes" };
        return fail(expected, format!("{} {kind}", data.train.each));
    }
    if data.input.numbers && !model.takes_numbers()? {
        return fail(
            "classes as labels".into(),
            "numbers; choose a loss for them, such as `.loss = mse`".into(),
        );
    }
    if loss.compares_vectors() && !data.input.numbers {
        return fail(
            "vectors of numbers as labels".into(),
            "classes; use one 1 among zeros, or another loss".into(),
        );
    }
    if labels != data.train.each {
        let shape = model.output_shape()?;
        let hint = match (data.train.each, loss) {
            (1, Loss::SoftmaxCrossEntropy) => "; put a Flatten before a last Dense",
            (1, _) => "; end with units = 1",
            _ => "; the network's output has to have their shape",
        };
        let expected = format!("{labels} labels for each image, as its output has the shape {shape:?}");
        return fail(expected, format!("{}{hint}", data.train.each));
    }
    if let Some(output) = several.iter().find(|output| output.classes() == 1) {
        let expected = format!("at least two classes of the output `{}`", output.name);
        return fail(expected, "one; give it another `loss`".into());
    }
    if model.input_shape != shape {
        return fail(format!("images of {:?}", model.input_shape), format!("{shape:?}"));
    }
    let classes = model.classes()?;
    if classes != data.classes.len() && !data.input.numbers && !loss.is_regression() {
        let hint = if classes == 1 { "; one output takes another `.loss`" } else { "" };
        return fail(format!("{classes} classes"), format!("{}{hint}", data.classes.len()));
    }
    if data.classes.len() == 1 && !data.input.numbers && !loss.is_regression() {
        return fail(
            "at least two classes to distinguish".into(),
            format!("one, `{}`: name a folder or a label column that has several", data.classes[0]),
        );
    }
    if data.train.is_empty() || data.test.is_empty() {
        return fail("at least one training and one test image".into(), "none".into());
    }
    data.check()?;
    let classes = model.class_labels()?;
    data.splits().try_for_each(|(name, split)| data.check_labels(name, split, &classes))?;
    let words = model.words()?;
    data.splits().try_for_each(|(name, split)| data.check_words(name, split, &words))
}

#[cfg(test)]
mod tests {
    use super::{Evaluation, argmax};
    use crate::metrics::Metrics;
    use crate::metrics::Regression;

    #[test]
    fn shares_of_a_small_matrix() {
        let confusion = vec![vec![3, 1, 0], vec![2, 4, 0], vec![0, 0, 0]];
        let found =
            Evaluation { metrics: Metrics::default(), confusion, regression: None, predictions: Vec::new() }
                .classes();
        assert_eq!(found[0].precision, Some(3.0 / 5.0));
        assert_eq!(found[0].recall, Some(3.0 / 4.0));
        assert_eq!(found[0].f1, Some(6.0 / 9.0));
        assert_eq!(found[1].support, 6);
        assert_eq!((found[2].precision, found[2].recall, found[2].f1), (None, None, None));
    }

    #[test]
    fn errors_of_a_few_numbers() {
        // The errors are 3 and 1: the mean is 2, the mean square 5; the labels are 2 from their mean.
        let found = Regression::of(&[(1.0, 4.0), (5.0, 4.0)]);
        assert_eq!((found.mean_absolute_error, found.root_mean_squared_error), (2.0, 5f64.sqrt()));
        assert_eq!(found.r2, Some(1.0 - 10.0 / 8.0));
        assert_eq!(Regression::of(&[(2.0, 1.0), (2.0, 2.0)]).r2, None);
    }

    #[test]
    fn the_first_of_equals_wins() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0, -1.0]), 1);
        assert_eq!(argmax(&[-2.0]), 0);
    }
}
