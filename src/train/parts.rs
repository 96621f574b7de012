//! A step whose batch an adapter cannot compute at once: it is computed in parts, one after the other, whose gradients
//! add up on the device before the parameters change.

use super::Options;
use crate::{
    Result,
    data::{
        Dataset,
        stream::{Cut, Rows},
    },
    gpu::Context,
    layers::Layer,
    model::Model,
    plan::fitting,
    program::Mode,
};

/// Images of a step that are computed at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    /// Where they lie in the chunk.
    pub rows: Rows,
    /// Which step of the chunk they belong to.
    pub step: usize,
    /// Which part of it.
    pub number: u32,
    /// Their share of its images.
    pub share: f32,
    /// Whether the step is done with them.
    pub last: bool,
}

/// The parts of `steps`, of at most `at_once` images each and about as many in all of a step.
pub(super) fn parts(steps: &[Rows], at_once: usize) -> Vec<Part> {
    let mut parts = Vec::with_capacity(steps.len());
    for (step, whole) in steps.iter().enumerate() {
        let count = (whole.rows as usize).div_ceil(at_once.max(1)).max(1) as u32;
        let mut first = whole.first;
        for number in 0..count {
            // The first ones have one more where it does not come out even.
            let rows = whole.rows / count + u32::from(number < whole.rows % count);
            let share = (f64::from(rows) / f64::from(whole.rows.max(1))) as f32;
            let last = number + 1 == count;
            parts.push(Part { rows: Rows { first, rows }, step, number, share, last });
            first += rows;
        }
    }
    parts
}

/// How a split of `data` is cut into steps of `batch` images.
pub(super) fn cut(options: &Options, data: &Dataset, batch: usize) -> Cut {
    Cut { batch, pixels: data.pixels(), budget: options.budget }
}

impl Options {
    /// Images that are computed at once: the whole batch, unless [`Options::at_once`] says fewer.
    pub fn images_at_once(&self) -> usize {
        self.at_once.map_or(self.batch, |images| images.clamp(1, self.batch.max(1)))
    }

    /// Into how many parts a batch is cut.
    pub fn parts(&self) -> usize {
        self.batch.div_ceil(self.images_at_once().max(1)).max(1)
    }

    /// The most images of a step that `context` computes at once, at most [`Options::batch`].
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] where not even one image fits; [`crate::Error::Model`].
    pub fn fitting(&self, context: &Context, model: &Model, data: &Dataset) -> Result<usize> {
        let model = &model.fed(&data.input);
        let programs = |batch| {
            let program = |mode| model.program_with(mode, batch, 1, &self.optimizer, &self.objective);
            Ok(vec![program(Mode::Train)?, program(Mode::Evaluate)?])
        };
        // More no shader can count.
        fitting(context, self.batch.min(u32::MAX as usize), &programs)
    }

    /// Cuts the batch into as few parts as `fitting` images at once allow, all about as large.
    pub fn cut_for(&mut self, fitting: usize) {
        let parts = self.batch.div_ceil(fitting.max(1)).max(1);
        self.at_once = (parts > 1).then(|| self.batch.div_ceil(parts));
    }
}

/// What is not the same as in one piece where the batch of `model` is computed in parts, in words: nothing but rounding
/// where it is empty.
pub fn differences(model: &Model, options: &Options) -> Vec<&'static str> {
    let has = |kind: fn(&Layer) -> bool| model.layers.iter().any(kind);
    let mut differences = Vec::new();
    if has(|layer| matches!(layer, Layer::BatchNormalization(_))) {
        differences.push("batch normalization takes the mean and variance of each part");
    }
    if options.objective.augment.mixup > 0.0 {
        differences.push("mixup mixes images of the same part");
    }
    if has(|layer| matches!(layer, Layer::Dropout(_))) || !options.objective.augment.is_off() {
        differences.push("what is drawn at random is drawn for each part");
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::{Options, Rows, parts};

    #[test]
    fn parts_cover_each_step_once_and_their_shares_add_up() {
        let steps = [Rows { first: 0, rows: 7 }, Rows { first: 7, rows: 7 }, Rows { first: 14, rows: 2 }];
        for at_once in 1..9 {
            let parts = parts(&steps, at_once);
            for (n, step) in steps.iter().enumerate() {
                let of: Vec<_> = parts.iter().filter(|part| part.step == n).collect();
                assert!(of.iter().all(|part| part.rows.rows as usize <= at_once && part.rows.rows > 0));
                assert_eq!(of.iter().map(|part| part.rows.rows).sum::<u32>(), step.rows);
                assert!((of.iter().map(|part| part.share).sum::<f32>() - 1.0).abs() < 1e-6);
                assert_eq!(of[0].rows.first, step.first);
                assert!(of.windows(2).all(|w| w[0].rows.first + w[0].rows.rows == w[1].rows.first));
                assert!(of.iter().enumerate().all(|(n, part)| part.number == n as u32));
                assert_eq!(of.iter().filter(|part| part.last).count(), 1);
                assert!(of.last().is_some_and(|part| part.last));
            }
        }
        assert_eq!(parts(&steps, 7).len(), 3);
    }

    #[test]
    fn a_batch_is_cut_into_few_parts_of_about_one_size() {
        let mut options = Options { batch: 128, ..Options::default() };
        for (fits, at_once, parts) in [(128, 128, 1), (118, 64, 2), (50, 43, 3), (1, 1, 128)] {
            options.cut_for(fits);
            assert_eq!((options.images_at_once(), options.parts()), (at_once, parts), "{fits}");
        }
    }
}
