//! Augmented images, as a training sees them: the first of each class, after the augmenting kernel on a device.

use wgrad::{
    Result,
    augment::Augment,
    compiled::CompiledModel,
    data::{Dataset, Split},
    feed::{Batch, Step},
    gpu::Context,
    preprocessing::Preprocessing,
    program::{Builder, Mode},
    selection::Choices,
};

/// Returns the first `per_class` training images of each class of `data`, augmented as if they were the first batch of
/// a training with this `seed`. The values are of the kind that `data` has.
///
/// # Errors
/// [`wgrad::Error::Option`] for an invalid augmentation, [`wgrad::Error::TooLarge`] if the images do not fit at once,
/// [`wgrad::Error::Device`].
pub async fn augmented(
    context: &Context,
    data: &Dataset,
    augment: &Augment,
    per_class: usize,
    seed: u64,
) -> Result<Split> {
    augment.validate()?;
    let pixels = data.pixels();
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for class in 0..data.classes.len() {
        let of_class = data.train.labels.iter().enumerate().filter(|(_, label)| **label as usize == class);
        for (index, label) in of_class.take(per_class) {
            if let Some(image) = data.train.image(index, pixels) {
                images.extend_from_slice(&image);
                labels.push(*label);
            }
        }
    }
    if labels.is_empty() {
        return Ok(Split { images: images.into(), labels: labels.into(), each: 1 });
    }
    let shape = [data.height, data.width, data.channels];
    let mut b = Builder::new(Mode::Train, labels.len(), pixels, 1, Vec::new());
    let image = b.batched("image", &shape);
    // Without normalization: for viewing, not for a network.
    let input = Preprocessing { normalization: None, ..data.input.clone() };
    let call = input.decoding(augment.call(labels.len(), shape), data.channels);
    b.call(call.op.name, call, &[("image", image)]);
    b.program.output = image;
    let compiled = CompiledModel::new(context, b.program, &[], &Choices::default()).await?;
    let batch = Batch { images, labels: labels.clone() };
    let mixed = augment.mixed(seed, 0);
    let step = Step { rows: labels.len() as u32, mixed, ..Step::default() }.keyed(seed, 0);
    compiled.upload(&batch, &[step]);
    compiled.run(0);
    let values = compiled.read(&[image]).await?.concat();
    let images: Vec<u8> = match input.floats {
        true => values.into_iter().flat_map(f32::to_le_bytes).collect(),
        false => values.into_iter().map(|value| (value * 255.0).round() as u8).collect(),
    };
    Ok(Split { images: images.into(), labels: labels.into(), each: 1 })
}
