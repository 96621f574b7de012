//! Explanations of a trained network: the output of every layer for an image, the gradient of a class score with
//! respect to each pixel, and dead units. The forward pass is that of [`crate::predict`] (no dropout, moving averages);
//! the backward pass uses the training kernels. This module draws no pictures.

use crate::{
    Error, Result,
    checkpoint::Checkpoint,
    compiled::CompiledModel,
    data::{Dataset, Split},
    feed::{Batch, Step},
    gpu::Context,
    model::{Explaining, Model},
    preprocessing::Preprocessing,
    program::ValueId,
    selection::Choices,
};

/// A network on a device that returns its layers' outputs and its gradients.
pub struct Explainer {
    compiled: CompiledModel,
    layers: Vec<(String, Vec<usize>, ValueId)>,
    score: Option<ValueId>,
    image: Option<ValueId>,
}

/// Output of a layer for some images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activations {
    /// Name of the layer.
    pub layer: String,
    /// Shape of its output, without the batch.
    pub shape: Vec<usize>,
    /// The values, image by image.
    pub values: Vec<f32>,
}

/// Explanation of some images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// The output before the last softmax or sigmoid, (images, outputs).
    pub logits: Vec<f32>,
    /// The outputs of every layer, first to last.
    pub layers: Vec<Activations>,
    /// The gradient of the requested score with respect to the image, (images, height, width, channels), whose pixels
    /// range from 0 to 1.
    pub gradient: Vec<f32>,
}

/// Units of a layer that have the same value for every image.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DeadUnits {
    /// Name of the layer.
    pub layer: String,
    /// Number of units: channels, the last axis.
    pub units: usize,
    /// Indices of the units that never changed, from 0.
    pub dead: Vec<usize>,
}

impl Explainer {
    /// Writes `model` with the weights of `checkpoint` to the device, for up to `batch` images at once; with
    /// `gradient`, the images' gradients are computed as well. Images have the format of `input`. It runs the adapter's
    /// default kernels, since those of a training may need its batch.
    ///
    /// # Errors
    /// [`Error::Model`] for a gradient of an input of words; the errors of the plan.
    pub async fn new(
        context: &Context,
        model: &Model,
        input: &Preprocessing,
        checkpoint: &Checkpoint,
        batch: usize,
        gradient: bool,
    ) -> Result<Self> {
        let Explaining { program, layers, score, image } = model.explaining(input, batch, gradient)?;
        if gradient && image.is_none() {
            let message = "has no gradient, as its words are looked up in a table".to_string();
            return Err(Error::Model { model: model.name.clone(), layer: "its input".into(), message });
        }
        let compiled = CompiledModel::new(context, program, &checkpoint.weights, &Choices::default()).await?;
        Ok(Self { compiled, layers, score, image })
    }

    /// Explains (images, height, width, channels) bytes, up to the number of images that fit; further images are
    /// ignored. `outputs` holds, for each image, the index of the output whose score is differentiated.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn explain(&self, images: &[u8], outputs: &[usize]) -> Result<Explanation> {
        let CompiledModel { context, plan, .. } = &self.compiled;
        let program = &plan.program;
        let rows = (images.len() / program.pixels).min(program.batch);
        let batch = Batch { images: images[..rows * program.pixels].to_vec(), labels: vec![0; rows] };
        self.compiled.upload(&batch, &[Step { rows: rows as u32, ..Step::default() }]);
        if let Some(score) = self.score {
            let slice = &plan.slices[score.0];
            let width = slice.len / program.batch;
            let mut asked = vec![0f32; slice.len];
            for (row, output) in outputs.iter().enumerate().take(rows).filter(|(_, output)| **output < width)
            {
                asked[row * width + output] = 1.0;
            }
            context.write(slice, &asked);
        }
        self.compiled.run(0);
        let values = self.layers.iter().map(|(_, _, value)| *value).chain([program.output]).chain(self.image);
        let mut found = self.compiled.read(&values.collect::<Vec<_>>()).await?.into_iter();
        // Rows after the last image have no meaning.
        let mut found = std::iter::from_fn(|| {
            let mut values = found.next()?;
            let each = values.len() / program.batch;
            values.truncate(rows * each);
            Some(values)
        });
        let layers = self.layers.iter().zip(found.by_ref()).map(|((layer, shape, _), values)| Activations {
            layer: layer.clone(),
            shape: shape.clone(),
            values,
        });
        let layers = layers.collect();
        let logits = found.next().unwrap_or_default();
        Ok(Explanation { logits, layers, gradient: found.next().unwrap_or_default() })
    }
}

/// Images per step of [`dead_units`].
const BATCH: usize = 64;

/// Finds the units of every layer whose value is equal at every position of the first `most` images of `split`. After a
/// ReLU that value is 0, and such a unit no longer learns.
///
/// # Errors
/// The errors of the plan; [`crate::Error::Device`].
pub async fn dead_units(
    context: &Context,
    model: &Model,
    checkpoint: &Checkpoint,
    data: &Dataset,
    split: &Split,
    most: usize,
) -> Result<Vec<DeadUnits>> {
    let batch = BATCH.min(split.len().max(1));
    let explainer = Explainer::new(context, model, &data.input, checkpoint, batch, false).await?;
    let units = |shape: &[usize]| shape.last().copied().unwrap_or(1);
    let mut ranges: Vec<Vec<[f32; 2]>> = explainer
        .layers
        .iter()
        .map(|(_, shape, _)| vec![[f32::INFINITY, f32::NEG_INFINITY]; units(shape)])
        .collect();
    let images: Vec<usize> = (0..most.min(split.len())).collect();
    for part in images.chunks(batch) {
        let part = split.batch(part, data.pixels());
        if part.labels.is_empty() {
            continue;
        }
        let found = explainer.explain(&part.images, &[]).await?;
        for (ranges, layer) in ranges.iter_mut().zip(&found.layers) {
            for row in layer.values.chunks_exact(ranges.len().max(1)) {
                for ([low, high], value) in ranges.iter_mut().zip(row) {
                    (*low, *high) = (low.min(*value), high.max(*value));
                }
            }
        }
    }
    let names = explainer.layers.iter().map(|(name, ..)| name.clone());
    let dead =
        |ranges: &Vec<[f32; 2]>| (0..ranges.len()).filter(|n| ranges[*n][0] >= ranges[*n][1]).collect();
    Ok(names
        .zip(&ranges)
        .map(|(layer, ranges)| DeadUnits { layer, units: ranges.len(), dead: dead(ranges) })
        .collect())
}
