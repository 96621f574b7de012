//! The program that explains the output of a network.

use super::{Model, backward, forward};
use crate::{
    Error, Result,
    objective::Objective,
    preprocessing::Preprocessing,
    program::{Builder, Mode, Program, ValueId},
};

/// A program of [`Model::explaining`] with the values to read from it.
#[derive(Clone, Debug)]
pub struct Explaining {
    /// The program to run.
    pub program: Program,
    /// Name, output shape (without the batch) and output value of every layer.
    pub layers: Vec<(String, Vec<usize>, ValueId)>,
    /// The gradient of the explained quantity with respect to the output, (batch, outputs); zeros until you fill it in.
    pub score: Option<ValueId>,
    /// The gradient of that quantity with respect to the image, (batch, height, width, channels), whose pixels are
    /// numbers from 0 to 1.
    pub image: Option<ValueId>,
}

impl Model {
    /// The program that explains the output of the network, for images in the format of `input`. It runs the forward
    /// pass of inference and keeps every layer's output; if `gradient` is true, it runs backward to the image. Its
    /// outputs are logits, or the number of a regression.
    ///
    /// # Errors
    /// [`crate::Error::Model`] if the layers do not fit.
    pub fn explaining(&self, input: &Preprocessing, batch: usize, gradient: bool) -> Result<Explaining> {
        if !self.heads.is_empty() {
            let message =
                format!("are {}, and one output is explained; make a network of it", self.heads.len());
            return Err(Error::Model { model: self.name.clone(), layer: "its outputs".into(), message });
        }
        let logits_model = self.without_activation(self.loss()?);
        let (mut placed, parameters) = logits_model.place()?;
        let mut b = Builder::new(Mode::Explain, batch, input.bytes(self.pixels()), 1, parameters);
        let image = b.batched("image", &self.input_shape);
        let call = Objective::default().augment.call(batch, self.input_shape);
        let call = input.decoding(call, self.input_shape[2]);
        b.call(call.op.name, call, &[("image", image)]);
        let (outputs, _) = forward(&mut b, &mut placed, image);
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
        let mut gradients = vec![None; placed.len()];
        if let Some(last) = gradients.last_mut() {
            *last = Some(dy);
        }
        let dimage = backward(&mut b, &placed, gradients, true);
        b.program.kept.extend(dimage);
        Ok(Explaining { program: b.program, layers, score: Some(score), image: dimage })
    }
}
