//! Networks with several outputs: each has a loss of its own, and the loss of the network is their weighted sum.

use super::{Model, Placed, WordRange, columns, ends_in};
use crate::{Error, Result, loss::Loss};
use std::ops::Range;

/// Most outputs of a network that have a loss each.
pub const MOST_HEADS: usize = 16;

/// One of several outputs of a network.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The layer that gives the output.
    pub layer: String,
    /// The name of the output, if it is not that of the layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its loss; unless given, binary cross-entropy for one sigmoid unit, else softmax cross-entropy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// The weight of its loss in the sum, Keras's `loss_weights`: a number from 0.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

impl Head {
    /// The output of a layer, with the loss that follows from the layer's activation.
    pub fn new(layer: &str) -> Self {
        Self { layer: layer.to_string(), name: None, loss: None, weight: 1.0 }
    }

    /// Gives the output this loss.
    pub fn with_loss(self, loss: Loss) -> Self {
        Self { loss: Some(loss), ..self }
    }

    /// Gives the loss of the output this weight in the sum.
    pub fn weighted(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// The name of the output: its own, or that of its layer.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.layer)
    }
}

/// One of several outputs, with its place among the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// The index of the layer that gives it.
    pub index: usize,
    /// Its shape, without the batch.
    pub shape: Vec<usize>,
    /// Its loss.
    pub loss: Loss,
    /// The weight of its loss.
    pub weight: f64,
    /// Its values in a row of the values of all outputs.
    pub values: Range<usize>,
    /// Its labels in a row of the labels of all outputs. Each is a number; a class is a whole one.
    pub labels: Range<usize>,
    /// True if it ends in the activation that belongs to its loss.
    pub ends_in_loss: bool,
}

impl Output {
    /// Numbers of a row of its loss: the classes of a place, a vector, or one.
    pub(crate) fn columns(&self) -> usize {
        columns(self.loss, &self.shape)
    }

    /// Number of classes that its labels may have; 0 if they are numbers.
    pub fn classes(&self) -> usize {
        match self.loss {
            Loss::SoftmaxCrossEntropy => self.columns(),
            Loss::BinaryCrossEntropy if self.labels.len() == 1 => 2,
            _ => 0,
        }
    }
}

impl Model {
    /// Gives the network several outputs, each with a loss: the loss of the network is their weighted sum, as in Keras's
    /// functional models.
    ///
    /// ```
    /// use wgrad::{layers::Dense, loss::Loss, model::{Head, Model}};
    /// let named = |name: &str, units| Dense { name: Some(name.into()), ..Dense::new(units) };
    /// let model = Model::new("tickets", [1, 1, 8])
    ///     .add(named("trunk", 16).activation("relu")?)
    ///     .add_from(named("priority", 1).activation("sigmoid")?, &["trunk"])
    ///     .add_from(named("department", 4).activation("softmax")?, &["trunk"])
    ///     .with_heads([Head::new("priority"), Head::new("department").weighted(0.2)]);
    /// let outputs = model.several_outputs()?;
    /// assert_eq!((outputs[0].loss, outputs[0].values.clone()), (Loss::BinaryCrossEntropy, 0..1));
    /// assert_eq!((outputs[1].loss, outputs[1].values.clone()), (Loss::SoftmaxCrossEntropy, 1..5));
    /// assert_eq!(model.labels()?, 2, "a row has a number for each output");
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    #[must_use]
    pub fn with_heads(mut self, heads: impl IntoIterator<Item = Head>) -> Self {
        self.heads = heads.into_iter().collect();
        self
    }

    /// The outputs of a network with several, in the order of their values and labels. Empty for a network with one.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn several_outputs(&self) -> Result<Vec<Output>> {
        if self.heads.is_empty() { Ok(Vec::new()) } else { self.heads_among(&self.place()?.0) }
    }

    /// The values of a row of labels that are classes.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub(crate) fn class_labels(&self) -> Result<Vec<WordRange>> {
        let outputs = self.several_outputs()?.into_iter();
        let classes = outputs.map(|output| (output.classes(), output.labels));
        Ok(classes
            .filter(|(count, _)| *count > 0)
            .map(|(count, values)| WordRange { values, count })
            .collect())
    }

    /// Returns true if one of the outputs has a mask, by which its loss is weighted.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn masked(&self) -> Result<bool> {
        let (placed, _) = self.place()?;
        let outputs = self.heads_among(&placed)?;
        Ok(match outputs.is_empty() {
            true => placed.last().is_some_and(|last| last.masked),
            false => outputs.iter().any(|output| placed[output.index].masked),
        })
    }

    /// As [`Model::several_outputs`], for layers that are placed.
    pub(super) fn heads_among(&self, placed: &[Placed<'_>]) -> Result<Vec<Output>> {
        let fail = |message: String| {
            Err(Error::Model { model: self.name.clone(), layer: "its outputs".into(), message })
        };
        if self.heads.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(loss) = self.loss {
            return fail(format!(
                "have a loss each, and the network has the loss {loss} too; leave that out"
            ));
        }
        if !(2..=MOST_HEADS).contains(&self.heads.len()) {
            let got = self.heads.len();
            return fail(format!(
                "are a list of {got}, expected 2 to {MOST_HEADS}; leave it out for one output"
            ));
        }
        let mut outputs: Vec<Output> = Vec::new();
        let (mut value, mut label) = (0, 0);
        for head in &self.heads {
            let name = head.name().to_string();
            let Some(index) = placed.iter().position(|p| p.place.name == head.layer) else {
                let known: Vec<&str> = placed.iter().map(|p| p.place.name.as_str()).collect();
                return fail(format!(
                    "name `{}`, which is no layer; there are {}",
                    head.layer,
                    known.join(", ")
                ));
            };
            if let Some(other) = outputs.iter().find(|other| other.name == name || other.index == index) {
                let of = if other.name == name { "name" } else { "layer" };
                return fail(format!("`{}` and `{name}` have one {of}; give each its own", other.name));
            }
            if !(head.weight.is_finite() && head.weight >= 0.0) {
                let got = head.weight;
                return fail(format!(
                    "have the weight {got} of the loss of `{name}`, expected a number from 0"
                ));
            }
            let (layer, shape) = (placed[index].layer, placed[index].place.output.clone());
            let count: usize = shape.iter().product();
            let loss = head.loss.unwrap_or(match count == 1 && ends_in(layer, "sigmoid") {
                true => Loss::BinaryCrossEntropy,
                false => Loss::SoftmaxCrossEntropy,
            });
            if loss == Loss::WeightedSum {
                return fail(format!(
                    "have the loss {loss} of `{name}`, expected one of {}",
                    crate::loss::NAMES
                ));
            }
            let own = columns(loss, &shape);
            let labels = if loss.compares_vectors() { count } else { count / own };
            let ends_in_loss = loss.activation() == "linear" || ends_in(layer, loss.activation());
            outputs.push(Output {
                name,
                index,
                shape,
                loss,
                weight: head.weight,
                values: value..value + count,
                labels: label..label + labels,
                ends_in_loss,
            });
            (value, label) = (value + count, label + labels);
            if let Err(message) = crate::program::counted(&[value]) {
                return fail(message);
            }
        }
        Ok(outputs)
    }

    /// Checks that no other layer takes an output whose activation is part of its loss.
    pub(super) fn heads_end(&self, placed: &[Placed<'_>], outputs: &[Output]) -> Result<()> {
        for Output { name, index, loss, .. } in outputs {
            let Placed { layer, place, uses, .. } = &placed[*index];
            let activation = loss.activation();
            if *uses > 1 && activation != "linear" && ends_in(layer, activation) {
                let message = format!(
                    "is the output `{name}`, whose {activation} is part of its loss, and other layers take it too; give \
                     them a layer of their own that shares its tensors"
                );
                let layer = format!("layer {} ({})", index + 1, place.name);
                return Err(Error::Model { model: self.name.clone(), layer, message });
            }
        }
        Ok(())
    }
}
