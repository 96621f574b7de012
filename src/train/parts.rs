//! Steps in parts, for a batch that an adapter cannot compute at once. The parts are computed one after the other; the
//! device sums their gradients before it updates the parameters.

use super::Options;
use crate::{
    Result,
    checkpoint::Position,
    data::{Dataset, stream::Cut},
    feed::{Step, split_mix},
    gpu::Context,
    layers::Layer,
    model::Model,
    plan::fitting,
    program::Mode,
    visit::Part,
};

/// The division of a split of `data` into steps of `batch` images.
pub(super) fn cut(options: &Options, data: &Dataset, batch: usize) -> Cut {
    Cut { batch, pixels: data.pixels(), budget: options.budget }
}

impl Options {
    /// Number of images computed at once: the whole batch, unless [`Options::at_once`] is smaller.
    pub fn images_at_once(&self) -> usize {
        self.at_once.map_or(self.batch, |images| images.clamp(1, self.batch.max(1)))
    }

    /// Number of parts into which a batch is divided.
    pub fn parts(&self) -> usize {
        self.batch.div_ceil(self.images_at_once().max(1)).max(1)
    }

    /// The largest number of images of a step that `context` can compute at once, up to [`Options::batch`].
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if not even one image fits; [`crate::Error::Model`]; the errors of
    /// [`Options::validate`].
    pub fn fitting(&self, context: &Context, model: &Model, data: &Dataset) -> Result<usize> {
        self.validate()?;
        let programs = |batch| {
            let Self { optimizer, objective, .. } = self;
            let program = |mode| model.program_with(&data.input, mode, batch, 1, optimizer, objective);
            Ok(vec![program(Mode::Train)?, program(Mode::Evaluate)?])
        };
        // A shader cannot count further.
        fitting(context, self.batch.min(u32::MAX as usize), &programs)
    }

    /// The step table for the parts of a chunk. The first part belongs to step `first` of the epoch of `position`; an
    /// epoch has `per_epoch` steps, and the program computes `images` at once.
    pub(super) fn steps(
        &self,
        position: &Position,
        per_epoch: u64,
        parts: &[Part],
        first: u64,
        images: usize,
    ) -> Vec<Step> {
        let Self { seed, schedule, epochs, objective, .. } = self;
        let step = |(slot, part): (usize, &Part)| {
            let number = position.epoch * per_epoch + first + part.step as u64;
            let factor = schedule.factor_after(position.watch.drops, number, per_epoch, *epochs);
            let momentum = schedule.momentum(number, per_epoch, *epochs);
            let step = Step {
                first: part.rows.first,
                rows: part.rows.rows,
                slot: slot as u32,
                mixed: objective.augment.mixed(*seed, number),
                share: part.share,
                part: part.number,
                before: part.rows.before,
                images: images as u32,
                ..Step::default()
            };
            // Each part counts its rows from 0, so it needs its own seed to draw different numbers.
            let seed = if part.number == 0 { *seed } else { split_mix(*seed ^ u64::from(part.number)) };
            let done = self.steps_before.saturating_add(number);
            self.optimizer_at(number).fill(step, done, factor, momentum).keyed(seed, number)
        };
        parts.iter().enumerate().map(step).collect()
    }

    /// Divides the batch into as few parts as possible, of about equal size and at most `fitting` images.
    pub fn cut_for(&mut self, fitting: usize) {
        let parts = self.batch.div_ceil(fitting.max(1)).max(1);
        self.at_once = (parts > 1).then(|| self.batch.div_ceil(parts));
    }
}

/// Describes the differences in results if the batch of `model` is computed in parts. If the list is empty, only
/// rounding differs.
pub fn differences(model: &Model, options: &Options) -> Vec<&'static str> {
    // A network whose layers do not fit is refused elsewhere.
    let masked = model.masked().unwrap_or_default();
    let has = |kind: fn(&Layer) -> bool| model.layers.iter().any(kind);
    let mut differences = Vec::new();
    if has(|layer| matches!(layer, Layer::BatchNormalization(_))) {
        differences.push("batch normalization uses the mean and variance of each part");
    }
    if masked {
        differences.push("the loss is a mean over the unmasked steps of each part");
    }
    if options.objective.augment.mixup > 0.0 {
        differences.push("mixup mixes images of the same part");
    }
    if has(|layer| layer.rules().draws()) || !options.objective.augment.is_off() {
        differences.push("random numbers are drawn for each part");
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::{Model, Options, differences};
    use crate::layers::{
        AlphaDropout, Attention, Dropout, Flatten, FlipMode, GaussianDropout, GaussianNoise, Layer,
        MultiHeadAttention, RandomBrightness, RandomContrast, RandomCrop, RandomFlip, RandomRotation,
        RandomTranslation, RandomZoom, SpatialDropout1D, SpatialDropout2D, TimeDistributed,
    };

    #[test]
    fn each_layer_that_draws_is_a_difference() {
        let layers: [Layer; 16] = [
            Dropout::new(0.5).into(),
            SpatialDropout1D::new(0.5).into(),
            SpatialDropout2D::new(0.5).into(),
            GaussianNoise::new(0.5).into(),
            GaussianDropout::new(0.5).into(),
            AlphaDropout::new(0.5).into(),
            Attention { dropout: 0.5, ..Attention::new() }.into(),
            MultiHeadAttention { dropout: 0.5, ..MultiHeadAttention::new(1, 1) }.into(),
            TimeDistributed::new(GaussianNoise::new(0.5)).into(),
            RandomFlip::new(FlipMode::Vertical).into(),
            RandomTranslation::new(0.0, [0.0, 0.1]).into(),
            RandomRotation::new(0.1).into(),
            RandomZoom::new([-0.1, 0.0]).into(),
            RandomCrop::new(3, 3).into(),
            RandomContrast::new(0.1).into(),
            RandomBrightness::new(0.1).into(),
        ];
        let drawn = |layer: Layer| {
            let model = Model::new("drawn", [4, 4, 1]).add(layer);
            let found = differences(&model, &Options::default());
            found.contains(&"random numbers are drawn for each part")
        };
        for layer in layers {
            assert!(drawn(layer.clone()), "{}", layer.kind());
        }
        assert!(!drawn(Dropout::new(0.0).into()) && !drawn(Flatten::new().into()));
        assert!(!drawn(Attention::new().into()) && !drawn(MultiHeadAttention::new(1, 1).into()));
        assert!(!drawn(RandomRotation::new(0.0).into()) && !drawn(RandomContrast::new(0.0).into()));
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
