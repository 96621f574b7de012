//! A model: a stack of layers with checked shapes, and the programs that train, evaluate and use it.

use crate::{
    Error, Result,
    feed::split_mix,
    kernels::{DECODE, SGD, SOFTMAX_CROSS_ENTROPY, SUM_METRICS},
    layers::{self, ActivationName, Layer, Place},
    op::Call,
    optim::Sgd,
    program::{ALIGN, Builder, Home, Initializer, Mode, Parameter, ParameterId, Program, ValueId, arena_len},
};

/// A stack of layers. Keras's `Sequential`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// (height, width, channels) of an image.
    pub input_shape: [usize; 3],
    /// The layers, first to last.
    pub layers: Vec<Layer>,
}

/// A layer of a model with everything that follows from its place.
#[derive(Clone, Debug)]
pub struct LayerSummary {
    /// Its name: `conv2d_1`.
    pub name: String,
    /// Keras's class name.
    pub kind: &'static str,
    /// Shape of its output, without the batch.
    pub output: Vec<usize>,
    /// Number of trained numbers.
    pub parameters: usize,
}

struct Placed<'a> {
    layer: &'a Layer,
    place: Place,
}

impl Model {
    /// A model without layers, for images of (height, width, channels).
    pub fn new(name: &str, input_shape: [usize; 3]) -> Self {
        Self { name: name.to_string(), input_shape, layers: Vec::new() }
    }

    /// The model with one more layer, as Keras's `model.add`.
    #[allow(clippy::should_implement_trait)]
    pub fn add(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// Bytes of an image.
    pub fn pixels(&self) -> usize {
        self.input_shape.iter().product()
    }

    /// Number of classes: the length of its output.
    ///
    /// # Errors
    /// [`Error::Model`] where the layers do not fit.
    pub fn classes(&self) -> Result<usize> {
        let (placed, _) = self.place()?;
        Ok(placed.last().map_or(0, |p| p.place.output.iter().product()))
    }

    /// Every layer with its shape and parameters.
    ///
    /// # Errors
    /// [`Error::Model`] where the layers do not fit.
    pub fn summary(&self) -> Result<Vec<LayerSummary>> {
        let (placed, parameters) = self.place()?;
        Ok(placed
            .into_iter()
            .map(|p| LayerSummary {
                name: p.place.name,
                kind: p.layer.kind(),
                output: p.place.output,
                parameters: p.place.parameters.iter().map(|id| parameters[id.0].len()).sum(),
            })
            .collect())
    }

    /// All trained tensors, in the order of their arena.
    ///
    /// # Errors
    /// [`Error::Model`] where the layers do not fit.
    pub fn parameters(&self) -> Result<Vec<Parameter>> {
        Ok(self.place()?.1)
    }

    /// The initial weights, as one arena: deterministic from `seed`, whatever the adapter.
    ///
    /// # Errors
    /// [`Error::Model`] where the layers do not fit.
    pub fn initial_weights(&self, seed: u64) -> Result<Vec<f32>> {
        let parameters = self.parameters()?;
        let mut weights = vec![0.0; arena_len(&parameters)];
        for (n, p) in parameters.iter().enumerate() {
            let key = split_mix(seed ^ split_mix(n as u64 + 1));
            let to = &mut weights[p.offset..p.offset + p.len()];
            match p.initializer {
                Initializer::Zeros => {}
                Initializer::GlorotUniform { fan_in, fan_out } => {
                    let limit = (6.0 / (fan_in + fan_out) as f64).sqrt();
                    for (i, weight) in to.iter_mut().enumerate() {
                        // 53 random bits, in [-1, 1).
                        let u =
                            (split_mix(key.wrapping_add(i as u64)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
                        *weight = (limit * u) as f32;
                    }
                }
            }
        }
        Ok(weights)
    }

    /// Shapes, names and parameters of all layers.
    fn place(&self) -> Result<(Vec<Placed<'_>>, Vec<Parameter>)> {
        let fail = |layer: String, message: String| Error::Model { model: self.name.clone(), layer, message };
        if self.layers.is_empty() {
            return Err(fail("its stack".into(), "has no layers; add at least one, such as Dense".into()));
        }
        if self.pixels() == 0 {
            return Err(fail(
                "its input".into(),
                format!("has shape {:?}; every axis needs at least 1", self.input_shape),
            ));
        }
        let mut shape = self.input_shape.to_vec();
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut placed: Vec<Placed<'_>> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let rules = layer.rules();
            let same = self.layers[..=index].iter().filter(|l| l.kind() == layer.kind()).count();
            let name = rules.given_name().map_or_else(|| format!("{}_{same}", rules.slug()), str::to_string);
            let label = format!("layer {} ({name})", index + 1);
            if placed.iter().any(|p| p.place.name == name) {
                return Err(fail(label, "has the name of an earlier layer; names must differ".into()));
            }
            let output = rules.output_shape(&shape).map_err(|message| fail(label, message))?;
            let mut ids = Vec::new();
            for (short, shape, initializer) in rules.parameters(&shape) {
                let offset = parameters.last().map_or(0, |p| (p.offset + p.len()).next_multiple_of(ALIGN));
                ids.push(ParameterId(parameters.len()));
                parameters.push(Parameter { name: format!("{name}.{short}"), shape, initializer, offset });
            }
            let input = std::mem::replace(&mut shape, output.clone());
            let place =
                Place { name, index, input, output, parameters: ids, x: ValueId(0), saved: Vec::new() };
            placed.push(Placed { layer, place });
        }
        if shape.len() != 1 {
            let label = format!("layer {} ({})", placed.len(), placed[placed.len() - 1].place.name);
            return Err(fail(
                label,
                format!(
                    "is the last and gives {shape:?}; the loss takes one axis of classes, so end with Dense"
                ),
            ));
        }
        Ok((placed, parameters))
    }

    /// Whether the last layer ends in softmax, which then is part of the loss.
    fn ends_in_softmax(&self) -> bool {
        let name = match self.layers.last() {
            Some(Layer::Dense(layer)) => layer.activation,
            Some(Layer::Activation(layer)) => layer.activation,
            _ => ActivationName::default(),
        };
        name == ActivationName::Softmax
    }

    /// The model with a final softmax taken off: its output are logits.
    fn without_softmax(&self) -> Self {
        let mut model = self.clone();
        if self.ends_in_softmax() {
            match model.layers.last_mut() {
                Some(Layer::Dense(layer)) => layer.activation = ActivationName::default(),
                Some(Layer::Activation(layer)) => layer.activation = ActivationName::default(),
                _ => {}
            }
        }
        model
    }

    /// The program of one step.
    ///
    /// `slots` is how many steps' results are kept before the host reads them. A final softmax is part of
    /// the loss, which takes logits; predictions are probabilities either way.
    ///
    /// # Errors
    /// [`Error::Model`] where the layers do not fit.
    pub fn program(&self, mode: Mode, batch: usize, slots: usize, optimizer: &Sgd) -> Result<Program> {
        let logits_model = self.without_softmax();
        let (mut placed, parameters) = logits_model.place()?;
        let total = arena_len(&parameters);
        let mut b = Builder::new(mode, batch, self.pixels(), slots, parameters);

        let mut x = b.batched("image", &self.input_shape);
        let sizes = [("ROWS", batch), ("PIXELS", self.pixels())];
        b.call("decode", Call::new(&DECODE, &sizes), &[("image", x)]);
        for Placed { layer, place } in &mut placed {
            place.x = x;
            x = layer.rules().forward(&mut b, place);
        }
        b.program.output = x;
        let classes = placed.last().map_or(1, |p| p.place.output.iter().product());
        if mode == Mode::Predict {
            b.program.output = layers::softmax(&mut b, "probabilities", x, &[classes]);
            return Ok(b.program);
        }

        let dlogits = b.batched("d logits", &[classes]);
        let (loss, hit) = (b.batched("loss", &[]), b.batched("hit", &[]));
        let call = Call::new(&SOFTMAX_CROSS_ENTROPY, &[("ROWS", batch), ("CLASSES", classes)]);
        b.call("loss", call, &[("dlogits", dlogits), ("loss", loss), ("hit", hit), ("logits", x)]);
        let results = b.fixed("results", vec![slots, 2], Home::Results);
        let call = Call::new(&SUM_METRICS, &[("ROWS", batch), ("SLOTS", slots)]);
        b.call("metrics", call, &[("results", results), ("loss", loss), ("hit", hit)]);
        if mode == Mode::Evaluate {
            return Ok(b.program);
        }

        let mut dy = b.through_fused("loss", x, dlogits);
        for n in (0..placed.len()).rev() {
            let wanted = placed[..n].iter().any(|p| !p.place.parameters.is_empty());
            match placed[n].layer.rules().backward(&mut b, &placed[n].place, dy, wanted) {
                Some(dx) => dy = dx,
                None => break,
            }
        }
        if !b.program.parameters.is_empty() {
            let parameter = b.fixed("parameters", vec![total], Home::Parameters);
            let grad = b.fixed("gradients", vec![total], Home::Gradients);
            let velocity = b.fixed("velocities", vec![total], Home::Velocities);
            let call = Call::new(&SGD, &[("COUNT", total), ("NESTEROV", usize::from(optimizer.nesterov))])
                .with("MOMENTUM", optimizer.momentum)
                .with("WEIGHT_DECAY", optimizer.weight_decay);
            b.call("update", call, &[("parameter", parameter), ("velocity", velocity), ("grad", grad)]);
        }
        Ok(b.program)
    }
}
