//! How a trained network comes to its answer: what every layer makes of an image, how the score of a class depends on
//! each pixel, and which units answer to nothing. The forward pass is the one of [`crate::predict`] (no dropout, moving
//! averages), the backward pass is made of the kernels that train. It draws nothing.

use crate::{
    Result,
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

/// A network on a device that shows its inside.
pub struct Explainer {
    compiled: CompiledModel,
    layers: Vec<(String, Vec<usize>, ValueId)>,
    score: Option<ValueId>,
    image: Option<ValueId>,
}

/// What a layer gives for some images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activations {
    /// The layer.
    pub layer: String,
    /// Shape of its output, without the batch.
    pub shape: Vec<usize>,
    /// Its numbers, image by image.
    pub values: Vec<f32>,
}

/// What a network makes of some images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// The output before the last softmax or sigmoid, (images, outputs).
    pub logits: Vec<f32>,
    /// Every layer, first to last.
    pub layers: Vec<Activations>,
    /// The gradient of the score that was asked for with respect to the image, (images, height, width, channels); pixels
    /// count from 0 to 1.
    pub gradient: Vec<f32>,
}

/// How many units of a layer give the same number for every image.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DeadUnits {
    /// The layer.
    pub layer: String,
    /// Its units: channels, the last axis.
    pub units: usize,
    /// Those that never changed, from 0.
    pub dead: Vec<usize>,
}

impl Explainer {
    /// Puts `model` with the weights of `checkpoint` on the device, for up to `batch` images at once; `gradient` where
    /// the images' gradients are wanted too. Images come as `input` says. It runs this adapter's default kernels, since a
    /// training's may need its batch.
    ///
    /// # Errors
    /// Whatever the plan reports.
    pub async fn new(
        context: &Context,
        model: &Model,
        input: &Preprocessing,
        checkpoint: &Checkpoint,
        batch: usize,
        gradient: bool,
    ) -> Result<Self> {
        let Explaining { program, layers, score, image } = model.explaining(input, batch, gradient)?;
        let compiled = CompiledModel::new(context, program, &checkpoint.weights, &Choices::default()).await?;
        Ok(Self { compiled, layers, score, image })
    }

    /// Explains up to as many images as it has room for, (images, height, width, channels) bytes; those beyond are left
    /// out. `outputs` says of each image whose score is differentiated: the number of an output.
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
        // Rows beyond the images hold nothing that counts.
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

/// Images a step of [`dead_units`].
const BATCH: usize = 64;

/// The units of every layer that give one and the same number at every place of the first `most` images of `split`:
/// after a ReLU that is 0, and such a unit learns no more.
///
/// # Errors
/// Whatever the plan reports; [`crate::Error::Device`].
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
