//! The program that tells how a network comes to its output.

use super::{Model, backward, forward};
use crate::{
    Result,
    objective::Objective,
    preprocessing::Preprocessing,
    program::{Builder, Mode, Program, ValueId},
};

/// A program of [`Model::explaining`], with the values that tell something.
#[derive(Clone, Debug)]
pub struct Explaining {
    /// What runs.
    pub program: Program,
    /// Of every layer its name, the shape of its output without the batch, and where that is.
    pub layers: Vec<(String, Vec<usize>, ValueId)>,
    /// The gradient of what is asked for with respect to the output, (batch, outputs): zeros, to be filled in.
    pub score: Option<ValueId>,
    /// Its gradient with respect to the image, (batch, height, width, channels), numbers from 0 to 1 a pixel.
    pub image: Option<ValueId>,
}

impl Model {
    /// The program that tells how the network comes to its output, for images that come as `input` says: forward as it is
    /// used, with every layer's output kept; and where `gradient`, back to the image. Its output are logits, or a
    /// regression's number.
    ///
    /// # Errors
    /// [`crate::Error::Model`] where the layers do not fit.
    pub fn explaining(&self, input: &Preprocessing, batch: usize, gradient: bool) -> Result<Explaining> {
        let logits_model = self.without_activation(self.loss()?);
        let (mut placed, parameters) = logits_model.place()?;
        let mut b = Builder::new(Mode::Explain, batch, input.bytes(self.pixels()), 1, parameters);
        let image = b.batched("image", &self.input_shape);
        let call = Objective::default().augment.call(batch, self.input_shape);
        let call = input.decoding(call, self.input_shape[2]);
        b.call(call.op.name, call, &[("image", image)]);
        let outputs = forward(&mut b, &mut placed, image);
        let x = outputs.last().copied().unwrap_or(image);
        b.program.output = x;
        let names = placed.iter().map(|p| (p.place.name.clone(), p.place.output.clone()));
        let layers: Vec<_> =
            names.zip(&outputs).map(|((name, shape), value)| (name, shape, *value)).collect();
        b.program.kept = outputs;
        if !gradient {
            return Ok(Explaining { program: b.program, layers, score: None, image: None });
        }
        let count = placed.last().map_or(1, |p| p.place.output.iter().product());
        let score = b.constant("d logits", vec![0.0; batch * count]);
        let dy = b.through_fused("score", x, score);
        let dimage = backward(&mut b, &placed, dy, true);
        b.program.kept.extend(dimage);
        Ok(Explaining { program: b.program, layers, score: Some(score), image: dimage })
    }
}
