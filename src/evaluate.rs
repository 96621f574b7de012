//! How good a trained network is: loss, accuracy and who is taken for whom, on a split of a data set. The same
//! kernels in the same batches as during training, so that the numbers are those that the run recorded.

use crate::{
    Result,
    checkpoint::{Checkpoint, Position},
    data::{Dataset, Split},
    feed::{Batch, Step},
    gpu::{Arenas, Context, FeedBuffers, Plan},
    model::Model,
    op::Choices,
    optim::Optimizer,
    program::Mode,
    train::{Metrics, StepResult, fits},
};

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Loss and accuracy.
    pub metrics: Metrics,
    /// How many images of a class (row) were taken for a class (column).
    pub confusion: Vec<Vec<u64>>,
}

/// What an evaluation says of one class. A share of nothing is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassMetrics {
    /// Share of the images taken for this class that are of it, in [0, 1].
    pub precision: Option<f64>,
    /// Share of the images of this class that were recognised, in [0, 1].
    pub recall: Option<f64>,
    /// Harmonic mean of both.
    pub f1: Option<f64>,
    /// Images of this class.
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
                    support,
                }
            })
            .collect()
    }
}

/// Evaluates `model` with the weights of `checkpoint` on `split` of `data`, in steps of `batch` images; `each`
/// hears after every step how many images are done.
///
/// # Errors
/// [`crate::Error::DataFit`] where model and data do not belong together, whatever the plan reports, and
/// [`crate::Error::Device`].
#[allow(clippy::too_many_arguments)]
pub async fn evaluate(
    context: &Context,
    model: &Model,
    checkpoint: &Checkpoint,
    data: &Dataset,
    split: &Split,
    batch: usize,
    variants: &Choices,
    mut each: impl FnMut(u64),
) -> Result<Evaluation> {
    fits(model, data)?;
    let classes = data.classes.len();
    let arenas = Arenas::new(context, &model.parameters()?, 1)?;
    context.write(&arenas.parameters, &checkpoint.weights);
    let program = model.program(Mode::Evaluate, batch, 1, &Optimizer::default())?;
    let plan = Plan::compile(context, program, &arenas, variants).await?;
    let feed = FeedBuffers::new(context, batch, data.pixels(), 1)?;

    let mut total = Position::default();
    let mut confusion = vec![vec![0; classes]; classes];
    let batches = split.images.chunks(batch * data.pixels()).zip(split.labels.chunks(batch));
    for (images, labels) in batches {
        let rows = labels.len() as u32;
        let batch =
            Batch { images: images.to_vec(), labels: labels.iter().copied().map(u32::from).collect() };
        feed.upload(context, &batch, &[Step { rows, ..Step::default() }]);
        context.submit_with(|pass| plan.record(pass, &feed, 0));
        let words = context.read_words(&[&arenas.results, plan.output()]).await?;
        let mut floats = words.into_iter().map(|w| w.into_iter().map(f32::from_bits).collect::<Vec<_>>());
        let (results, logits) = (floats.next().unwrap_or_default(), floats.next().unwrap_or_default());
        if let [loss_sum, hits, ..] = results[..] {
            total.count(&StepResult { rows, loss_sum: f64::from(loss_sum), hits: f64::from(hits) });
        }
        for (label, logits) in labels.iter().zip(logits.chunks_exact(classes)) {
            confusion[usize::from(*label)][argmax(logits)] += 1;
        }
        each(total.seen);
    }
    Ok(Evaluation { metrics: total.metrics(), confusion })
}

/// The first of the largest, as in `shaders/softmax_cross_entropy`.
pub fn argmax(values: &[f32]) -> usize {
    let mut top = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[top] {
            top = index;
        }
    }
    top
}

#[cfg(test)]
mod tests {
    use super::{Evaluation, argmax};
    use crate::train::Metrics;

    #[test]
    fn shares_of_a_small_matrix() {
        let confusion = vec![vec![3, 1, 0], vec![2, 4, 0], vec![0, 0, 0]];
        let found = Evaluation { metrics: Metrics::default(), confusion }.classes();
        assert_eq!(found[0].precision, Some(3.0 / 5.0));
        assert_eq!(found[0].recall, Some(3.0 / 4.0));
        assert_eq!(found[0].f1, Some(6.0 / 9.0));
        assert_eq!(found[1].support, 6);
        assert_eq!((found[2].precision, found[2].recall, found[2].f1), (None, None, None));
    }

    #[test]
    fn the_first_of_equals_wins() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0, -1.0]), 1);
        assert_eq!(argmax(&[-2.0]), 0);
    }
}
