//! A model: layers with checked shapes, in sequence or as a directed graph, and the programs that train, evaluate and
//! use it.

mod explaining;
mod heads;

use crate::{
    Error, Result,
    feed::split_mix,
    kernels::{ACTIVATION_FORWARD, CONCATENATE, POSITION_MEANS, SCALED, SUM_METRICS},
    layers::{self, ActivationName, Layer, Place},
    loss::Loss,
    objective::Objective,
    op::{Call, activations::SIGMOID},
    optim::{self, Optimizer},
    preprocessing::Preprocessing,
    program::{
        ALIGN, Builder, Home, Mode, Parameter, ParameterId, Pass, Program, ValueId, arena_len, counted,
    },
    regularization::{self, Constraint, Regularizer},
};
pub use explaining::Explaining;
pub use heads::{Head, MOST_HEADS, Output};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

/// Most layers of a network, and most inputs of a layer. It is far above any network that can be trained, yet low
/// enough to validate any file at once.
pub const MOST_LAYERS: usize = 10_000;

/// Most rows of a batch. Up to it, no size that depends on the batch overflows.
pub const MOST_ROWS: usize = 1 << 20;

/// Name by which layers refer to the input of the network.
pub const INPUT: &str = "input";

/// A network: a stack of layers, like Keras's `Sequential`, or a directed graph, like Keras's functional models. A
/// layer takes the output of the layer before it in the list, unless [`Model::inputs`] names others. The last layer
/// gives the output.
///
/// ```
/// use wgrad::{layers::{Dense, Flatten}, model::Model};
/// let model = Model::new("small", [28, 28, 1])
///     .add(Flatten::new())
///     .add(Dense::new(32).activation("relu")?)
///     .add(Dense::new(10).activation("softmax")?);
/// assert_eq!(model.classes()?, 10);
/// assert_eq!(model.initial_weights(0)?.len(), model.initial_weights(1)?.len());
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Model {
    /// Name of the model.
    pub name: String,
    /// (height, width, channels) of an image.
    pub input_shape: [usize; 3],
    /// The layers, first to last; each takes outputs of earlier layers only.
    pub layers: Vec<Layer>,
    /// By layer index, from 0: the names of the layers whose outputs the layer takes (or `input`). A layer without an
    /// entry takes the output of the layer before it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<usize, Vec<String>>,
    /// Indices of the layers whose tensors training does not change, as with Keras's `trainable=False`. Their batch
    /// normalizations use the moving averages in training, too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub frozen: BTreeSet<usize>,
    /// By layer index: penalties of its tensors, by their short names such as `kernel`. They are part of the loss.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub regularizers: BTreeMap<usize, BTreeMap<String, Regularizer>>,
    /// By layer index: what each update leaves its tensors as, by their short names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constraints: BTreeMap<usize, BTreeMap<String, Constraint>>,
    /// By layer index: the earlier layer whose tensors the layer uses, as when Keras calls one layer twice. Their
    /// gradient is the sum of those of all uses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shares: BTreeMap<usize, String>,
    /// The loss, unless it is the one that [`Model::loss`] infers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// The outputs of a network with several, each with a loss. Empty for a network with one: that of the last layer.
    #[serde(default, rename = "outputs", skip_serializing_if = "Vec::is_empty")]
    pub heads: Vec<Head>,
}

/// Values of an input that are whole numbers: words, of which a table has a row each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordRange {
    /// The values, counted from 0.
    pub values: Range<usize>,
    /// Number of words: the values are below it.
    pub count: usize,
}

/// A layer of a model: its name, output shape, number of parameters and inputs.
#[derive(Clone, Debug)]
pub struct LayerSummary {
    /// Name of the layer, such as `conv2d_1`.
    pub name: String,
    /// Keras's class name.
    pub kind: &'static str,
    /// Shape of the output, without the batch.
    pub output: Vec<usize>,
    /// Number of parameters, trained or not.
    pub parameters: usize,
    /// Number of parameters that the optimizer does not change, such as moving averages.
    pub not_trained: usize,
    /// The layers whose outputs the layer takes, or `input`.
    pub inputs: Vec<String>,
    /// Settings that its shape does not tell, in short words: `3×3`, `stride 2`, `same`, `relu`, `rate 0.5`.
    pub settings: Vec<String>,
    /// The earlier layer whose tensors the layer uses; they count as that layer's parameters.
    pub shares: Option<String>,
}

/// A layer together with its place in the network.
pub struct Placed<'a> {
    /// The layer.
    pub layer: &'a Layer,
    /// Name, shapes and parameters of the layer.
    pub place: Place,
    /// Source of each input: the index of a layer, or `None` for the image.
    pub from: Vec<Option<usize>>,
    /// True if the output has a mask, which says which steps count.
    pub masked: bool,
    /// Number of layers that take the output.
    uses: usize,
}

impl Model {
    /// Creates a model without layers for images of (height, width, channels).
    pub fn new(name: &str, input_shape: [usize; 3]) -> Self {
        Self {
            name: name.to_string(),
            input_shape,
            layers: Vec::new(),
            inputs: BTreeMap::new(),
            frozen: BTreeSet::new(),
            regularizers: BTreeMap::new(),
            constraints: BTreeMap::new(),
            shares: BTreeMap::new(),
            loss: None,
            heads: Vec::new(),
        }
    }

    /// Appends a layer, like Keras's `model.add`.
    #[allow(clippy::should_implement_trait)]
    pub fn add(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// Appends a layer that takes the outputs of the named layers, or the network's `input`, as in Keras's functional
    /// models.
    pub fn add_from(mut self, layer: impl Into<Layer>, inputs: &[&str]) -> Self {
        self.inputs.insert(self.layers.len(), inputs.iter().map(ToString::to_string).collect());
        self.add(layer)
    }

    /// Excludes the layer that was appended last from training, like Keras's `trainable = False`.
    ///
    /// ```
    /// use wgrad::{layers::{Dense, Flatten}, model::Model};
    /// let model = Model::new("small", [4, 4, 1])
    ///     .add(Flatten::new())
    ///     .add(Dense::new(8))
    ///     .frozen()
    ///     .add(Dense::new(2));
    /// let trained: Vec<bool> = model.parameters()?.iter().map(|tensor| tensor.trained).collect();
    /// assert_eq!(trained, [false, false, true, true]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn frozen(mut self) -> Self {
        self.frozen.extend(self.layers.len().checked_sub(1));
        self
    }

    /// Adds a penalty on a tensor of the layer that was appended last to the loss, like Keras's `kernel_regularizer`.
    ///
    /// ```
    /// use wgrad::{regularization::Regularizer, layers::{Dense, Flatten}, model::Model};
    /// let model = Model::new("small", [4, 4, 1])
    ///     .add(Flatten::new())
    ///     .add(Dense::new(2))
    ///     .regularized("kernel", Regularizer::l2(0.01));
    /// assert!(model.parameters().is_ok());
    /// assert!(model.regularized("weights", Regularizer::l1(0.1)).parameters().is_err(), "it has a kernel and a bias");
    /// ```
    pub fn regularized(mut self, tensor: &str, regularizer: Regularizer) -> Self {
        if let Some(last) = self.layers.len().checked_sub(1) {
            self.regularizers.entry(last).or_default().insert(tensor.to_string(), regularizer);
        }
        self
    }

    /// Constrains a tensor of the layer that was appended last after each update, like Keras's `kernel_constraint`.
    pub fn constrained(mut self, tensor: &str, constraint: Constraint) -> Self {
        if let Some(last) = self.layers.len().checked_sub(1) {
            self.constraints.entry(last).or_default().insert(tensor.to_string(), constraint);
        }
        self
    }

    /// Lets the layer that was appended last use the tensors of an earlier layer of its kind, like a second call of a
    /// layer of Keras.
    ///
    /// ```
    /// use wgrad::{layers::{Dense, InputLayer, Subtract}, model::Model};
    /// let mut encoder = Dense::new(8);
    /// encoder.name = Some("encoder".into());
    /// let model = Model::new("twins", [1, 1, 8])
    ///     .add(InputLayer::new(&[4], 0))
    ///     .add(encoder)
    ///     .add(InputLayer::new(&[4], 4))
    ///     .add(Dense::new(8))
    ///     .sharing("encoder")
    ///     .add_from(Subtract::new(), &["encoder", "dense_2"])
    ///     .add(Dense::new(2));
    /// let tensors: Vec<String> = model.parameters()?.into_iter().map(|tensor| tensor.name).collect();
    /// assert_eq!(tensors, ["encoder.kernel", "encoder.bias", "dense_3.kernel", "dense_3.bias"]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn sharing(mut self, layer: &str) -> Self {
        if let Some(last) = self.layers.len().checked_sub(1) {
            self.shares.insert(last, layer.to_string());
        }
        self
    }

    /// Number of values of an image.
    pub fn pixels(&self) -> usize {
        self.input_shape.iter().product()
    }

    /// Length of the output, or of all outputs together.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn outputs(&self) -> Result<usize> {
        Ok(self.output_shape()?.iter().product())
    }

    /// Number of classes: the length of the output's last axis; 2 for binary cross-entropy; 1 for a regression.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn classes(&self) -> Result<usize> {
        Ok(match self.loss()? {
            Loss::SoftmaxCrossEntropy => self.output_shape()?.last().copied().unwrap_or(1),
            Loss::BinaryCrossEntropy => 2,
            _ => 1,
        })
    }

    /// Number of places of the output that have a label each: 1 for a vector of classes, the pixels where each has a
    /// class, the number of outputs for a loss that compares them one by one. Of a network with several outputs, the most
    /// that one of them has.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn places(&self) -> Result<usize> {
        let outputs = self.several_outputs()?;
        if let Some(most) = outputs.iter().map(|output| output.labels.len()).max() {
            return Ok(most);
        }
        let shape = self.output_shape()?;
        let outputs: usize = shape.iter().product();
        Ok(outputs / columns(self.loss_of(outputs), &shape))
    }

    /// Number of labels of an image: one for each of the [`Model::places`], or a vector of them; those of all outputs, if
    /// there are several.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn labels(&self) -> Result<usize> {
        if let Some(last) = self.several_outputs()?.last() {
            return Ok(last.labels.end);
        }
        if self.loss()?.compares_vectors() { self.outputs() } else { self.places() }
    }

    /// Returns true if labels are numbers: those of a regression, or shares between 0 and 1 at several places.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn takes_numbers(&self) -> Result<bool> {
        let loss = self.loss()?;
        Ok(loss.is_regression() || loss == Loss::BinaryCrossEntropy && self.labels()? > 1)
    }

    /// The values of the input that an [`layers::Embedding`] takes, if there are some: they are whole numbers below the
    /// number of its words.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn words(&self) -> Result<Vec<WordRange>> {
        let (placed, _) = self.place()?;
        let mut words: Vec<WordRange> = Vec::new();
        // For each layer that only hands values of the input on: which.
        let mut handed: Vec<Vec<Range<usize>>> = Vec::new();
        let whole: Vec<Range<usize>> = std::iter::once(0..self.pixels()).collect();
        for p in &placed {
            let taken: Vec<&Vec<Range<usize>>> =
                p.from.iter().map(|from| from.map_or(&whole, |n| &handed[n])).collect();
            let known = taken.iter().all(|ranges| !ranges.is_empty());
            let all = || if known { taken.iter().copied().flatten().cloned().collect() } else { Vec::new() };
            let on = match p.layer {
                Layer::Embedding(layer) => {
                    for values in all() {
                        words.push(WordRange { values, count: layer.input_dim });
                    }
                    Vec::new()
                }
                Layer::InputLayer(layer) => std::iter::once(layer.values()).collect(),
                Layer::Flatten(_) | Layer::Reshape(_) | Layer::Concatenate(_) => all(),
                _ => Vec::new(),
            };
            handed.push(on);
        }
        Ok(words)
    }

    /// The inputs of a network with several, in the order of their values: name, shape without the batch. Empty for a
    /// network with one.
    pub fn several_inputs(&self) -> Result<Vec<(String, Vec<usize>)>> {
        let (placed, _) = self.place()?;
        let mut found: Vec<(usize, String, Vec<usize>)> = Vec::new();
        for p in &placed {
            if let Layer::InputLayer(layer) = p.layer {
                found.push((layer.first, p.place.name.clone(), layer.shape.clone()));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, name, shape)| (name, shape)).collect())
    }

    /// Shape of the output, without the batch; of several outputs, the number of all their values.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn output_shape(&self) -> Result<Vec<usize>> {
        let (placed, _) = self.place()?;
        if let Some(last) = self.heads_among(&placed)?.last() {
            return Ok(vec![last.values.end]);
        }
        Ok(placed.last().map_or_else(Vec::new, |p| p.place.output.clone()))
    }

    /// The loss of the model: the given one; otherwise binary cross-entropy if the output is one sigmoid unit, else
    /// softmax cross-entropy. The sum of the losses of several outputs.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn loss(&self) -> Result<Loss> {
        Ok(self.loss_of(self.outputs()?))
    }

    fn loss_of(&self, outputs: usize) -> Loss {
        if !self.heads.is_empty() {
            return Loss::WeightedSum;
        }
        self.loss.unwrap_or(match outputs == 1 && self.ends_in("sigmoid") {
            true => Loss::BinaryCrossEntropy,
            false => Loss::SoftmaxCrossEntropy,
        })
    }

    /// Every layer with its shape and number of parameters.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn summary(&self) -> Result<Vec<LayerSummary>> {
        let (placed, parameters) = self.place()?;
        let count = |ids: &[ParameterId], which: fn(&Parameter) -> bool| {
            ids.iter().map(|id| &parameters[id.0]).filter(|p| which(p)).map(Parameter::len).sum()
        };
        let names: Vec<String> = placed.iter().map(|p| p.place.name.clone()).collect();
        let own = |place: &Place| match self.shares.contains_key(&place.index) {
            true => Vec::new(),
            false => place.parameters.clone(),
        };
        Ok(placed
            .into_iter()
            .map(|p| LayerSummary {
                kind: p.layer.kind(),
                settings: p.layer.settings(),
                parameters: count(&own(&p.place), |_| true),
                not_trained: count(&own(&p.place), |p| !p.trained),
                shares: self.shares.get(&p.place.index).cloned(),
                name: p.place.name,
                output: p.place.output,
                inputs: p
                    .from
                    .iter()
                    .map(|from| from.map_or(INPUT.to_string(), |n| names[n].clone()))
                    .collect(),
            })
            .collect())
    }

    /// All tensors in the order in which they are stored: the trained ones, layer by layer, then the others.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn parameters(&self) -> Result<Vec<Parameter>> {
        Ok(self.place()?.1)
    }

    /// The initial weights of all tensors, in one vector. They depend on `seed` only, not on the adapter.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn initial_weights(&self, seed: u64) -> Result<Vec<f32>> {
        let parameters = self.parameters()?;
        let mut weights = vec![0.0; arena_len(&parameters)];
        for (n, p) in parameters.iter().enumerate() {
            let key = split_mix(seed ^ split_mix(n as u64 + 1));
            let to = &mut weights[p.offset..p.offset + p.len()];
            p.initializer.fill(key, to);
        }
        Ok(weights)
    }

    /// Places the layers: shapes, names, sources and parameters of each.
    ///
    /// # Errors
    /// [`Error::Model`] if layers do not fit.
    pub fn place(&self) -> Result<(Vec<Placed<'_>>, Vec<Parameter>)> {
        let fail = |layer: String, message: String| Error::Model { model: self.name.clone(), layer, message };
        if self.layers.is_empty() {
            return Err(fail("its stack".into(), "has no layers; add at least one, such as Dense".into()));
        }
        counted(&self.input_shape).map_err(|message| fail("its input".into(), message))?;
        if self.pixels() == 0 {
            return Err(fail(
                "its input".into(),
                format!("has shape {:?}; every axis needs at least 1", self.input_shape),
            ));
        }
        if self.layers.len() > MOST_LAYERS {
            let message = format!("has {} layers, expected at most {MOST_LAYERS}", self.layers.len());
            return Err(fail("its stack".into(), message));
        }
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut placed: Vec<Placed<'_>> = Vec::new();
        // The index of each layer by name, and the number of layers of each kind.
        let (mut numbers, mut kinds) = (HashMap::new(), HashMap::new());
        for (index, layer) in self.layers.iter().enumerate() {
            let rules = layer.rules();
            let same = kinds.entry(layer.kind()).and_modify(|n| *n += 1).or_insert(1);
            let name = rules.given_name().map_or_else(|| format!("{}_{same}", rules.slug()), str::to_string);
            let label = format!("layer {} ({name})", index + 1);
            if name == INPUT || numbers.insert(name.clone(), index).is_some() {
                let taken = if name == INPUT { "the network's input" } else { "an earlier layer" };
                return Err(fail(label, format!("has the name of {taken}; names must differ")));
            }
            let from = self.sources(index, &numbers).map_err(|message| fail(label.clone(), message))?;
            let shape_of = |from: &Option<usize>| {
                from.map_or(self.input_shape.to_vec(), |n| placed[n].place.output.clone())
            };
            let shapes: Vec<Vec<usize>> = from.iter().map(shape_of).collect();
            layer.countable().map_err(|message| fail(label.clone(), message))?;
            let output = match rules.joins() || shapes.len() != 1 {
                true => rules.joined_shape(&shapes),
                false => rules.output_shape(&shapes[0]),
            };
            let output = output.and_then(|shape| counted(&shape).map(|_| shape));
            let output = output.map_err(|message| fail(label.clone(), message))?;
            let owner =
                self.owner(index, &placed, &parameters).map_err(|message| fail(label.clone(), message))?;
            let steps = |from: &Option<usize>| {
                let before = from.map(|n| &placed[n]).filter(|p| p.masked)?;
                before.place.output.first().copied()
            };
            let masks: Vec<Option<usize>> = from.iter().map(steps).collect();
            let masked = rules.mask_rule().output(&masks).map_err(|message| fail(label.clone(), message))?;
            let frozen = owner.map_or(self.frozen.contains(&index), |owner| placed[owner].place.frozen);
            let trained = rules.joined_parameters(&shapes).into_iter().map(|tensor| (tensor, !frozen));
            let mut ids = Vec::new();
            for ((short, shape, initializer), trained) in
                trained.chain(rules.states(&shapes[0]).into_iter().map(|tensor| (tensor, false)))
            {
                if let Some(owner) = owner {
                    let theirs = placed[owner].place.parameters.get(ids.len()).copied();
                    let theirs = theirs.filter(|id| parameters[id.0].shape == shape).ok_or_else(|| {
                        let of = &placed[owner].place.name;
                        fail(
                            label.clone(),
                            format!("shares the tensors of `{of}`, whose {short} is not {shape:?}"),
                        )
                    })?;
                    ids.push(theirs);
                    continue;
                }
                ids.push(ParameterId(parameters.len()));
                let name = format!("{name}.{short}");
                let large = |message: String| fail(label.clone(), format!("its {short}: {message}"));
                counted(&shape).map_err(large)?;
                parameters.push(Parameter { name, shape, initializer, offset: 0, trained });
            }
            self.holds(index, &name, &ids, &parameters).map_err(|message| fail(label.clone(), message))?;
            for n in from.iter().flatten() {
                placed[*n].uses += 1;
            }
            let inputs = shapes.iter().map(|shape| (ValueId(0), shape.clone())).collect();
            let input = shapes[0].clone();
            let place =
                Place { name, index, input, output, parameters: ids, inputs, frozen, ..Place::default() };
            placed.push(Placed { layer, place, from, masked, uses: 0 });
        }
        let outputs = self.heads_among(&placed)?;
        for output in &outputs {
            placed[output.index].uses += 1;
        }
        self.ends_well(&placed)?;
        self.heads_end(&placed, &outputs)?;
        // The optimizer updates the first part of the storage, so tensors that are not trained come last.
        let mut offset = 0;
        for trained in [true, false] {
            for p in parameters.iter_mut().filter(|p| p.trained == trained) {
                p.offset = offset;
                offset = (offset + p.len()).next_multiple_of(ALIGN);
            }
        }
        Ok((placed, parameters))
    }

    /// Checks the penalties and constraints of layer `index`: each names one of its tensors that are trained.
    fn holds(
        &self,
        index: usize,
        name: &str,
        ids: &[ParameterId],
        parameters: &[Parameter],
    ) -> std::result::Result<(), String> {
        let own: Vec<&Parameter> = ids.iter().map(|id| &parameters[id.0]).collect();
        let find = |tensor: &str, what: &str| {
            let there = own.iter().find(|p| short_name(p, name) == tensor);
            there.copied().ok_or_else(|| {
                let known: Vec<&str> = own.iter().map(|p| short_name(p, name)).collect();
                let known = if known.is_empty() { "none".to_string() } else { known.join(", ") };
                format!("has a {what} of `{tensor}`, which is none of its tensors; it has {known}")
            })
        };
        for (tensor, regularizer) in self.regularizers.get(&index).into_iter().flatten() {
            find(tensor, "regularizer")?;
            regularizer.validate().map_err(|message| format!("the regularizer of `{tensor}` {message}"))?;
        }
        for (tensor, constraint) in self.constraints.get(&index).into_iter().flatten() {
            let shape = &find(tensor, "constraint")?.shape;
            let valid = constraint.validate(shape);
            valid.map_err(|message| format!("the constraint of `{tensor}` {message}"))?;
        }
        Ok(())
    }

    /// The earlier layer whose tensors layer `index` uses, if there is one. `placed` holds the layers before it.
    fn owner(
        &self,
        index: usize,
        placed: &[Placed<'_>],
        parameters: &[Parameter],
    ) -> std::result::Result<Option<usize>, String> {
        let Some(name) = self.shares.get(&index) else { return Ok(None) };
        let found = placed.iter().position(|p| p.place.name == *name);
        let owner = found.ok_or_else(|| {
            let able = placed.iter().filter(|p| p.layer.kind() == self.layers[index].kind());
            let able: Vec<&str> = able.map(|p| p.place.name.as_str()).collect();
            let able = if able.is_empty() { "none".to_string() } else { able.join(", ") };
            format!("shares the tensors of `{name}`, which is no earlier layer; of its kind there are {able}")
        })?;
        let (kind, theirs) = (self.layers[index].kind(), placed[owner].layer.kind());
        if kind != theirs {
            return Err(format!(
                "is a {kind} and shares the tensors of `{name}`, a {theirs}; both are of one kind"
            ));
        }
        if placed[owner].place.parameters.is_empty() {
            return Err(format!("shares the tensors of `{name}`, which has none; leave it out"));
        }
        let first = parameters[placed[owner].place.parameters[0].0].layer().to_string();
        let held = self.regularizers.contains_key(&index) || self.constraints.contains_key(&index);
        if held || self.frozen.contains(&index) != placed[owner].place.frozen {
            return Err(format!(
                "shares the tensors of `{first}`; regularizers, constraints and `trainable` belong to that layer"
            ));
        }
        Ok(Some(owner))
    }

    /// The sources of the inputs of layer `index`: indices of earlier layers, or `None` for the image.
    fn sources(
        &self,
        index: usize,
        numbers: &HashMap<String, usize>,
    ) -> std::result::Result<Vec<Option<usize>>, String> {
        let is_input = matches!(self.layers[index], Layer::InputLayer(_));
        let Some(names) = self.inputs.get(&index) else {
            return Ok(vec![index.checked_sub(1).filter(|_| !is_input)]);
        };
        if is_input && *names != [INPUT] {
            return Err(format!(
                "takes {}, and one of several inputs takes `{INPUT}`; leave its inputs out",
                names.join(", ")
            ));
        }
        if names.is_empty() {
            return Err("has an empty list of inputs; name at least one layer, or leave the list out".into());
        }
        if names.len() > MOST_LAYERS {
            return Err(format!("takes {} inputs, expected at most {MOST_LAYERS}", names.len()));
        }
        // `numbers` already contains the layer itself, which is not a valid source.
        let earlier = |name: &String| numbers.get(name).filter(|n| **n < index);
        let find = |name: &String| {
            if name == INPUT {
                return Ok(None);
            }
            earlier(name).map(|n| Some(*n)).ok_or_else(|| {
                let mut known: Vec<_> = numbers.iter().filter(|(_, n)| **n < index).collect();
                known.sort_by_key(|(_, n)| **n);
                let known: Vec<_> = known.into_iter().map(|(name, _)| name.as_str()).collect();
                format!(
                    "takes `{name}`, which is not the name of an earlier layer; before it are input, {}",
                    known.join(", ")
                )
            })
        };
        names.iter().map(find).collect()
    }

    /// Checks that every layer leads to the output.
    fn ends_well(&self, placed: &[Placed<'_>]) -> Result<()> {
        let fail = |p: &Placed<'_>, message: String| {
            let layer = format!("layer {} ({})", p.place.index + 1, p.place.name);
            Err(Error::Model { model: self.name.clone(), layer, message })
        };
        let mut taken: Vec<(Range<usize>, &Placed<'_>)> = Vec::new();
        for p in placed {
            let Layer::InputLayer(layer) = p.layer else { continue };
            let values = layer.values();
            if let Some((_, other)) = taken.iter().find(|(v, _)| v.start < values.end && values.start < v.end)
            {
                let next = taken.iter().map(|(v, _)| v.end).max().unwrap_or_default();
                let other = &other.place.name;
                return fail(
                    p,
                    format!(
                        "takes the value {} of the input, as `{other}` does; begin behind it: first = {next}",
                        values.start
                    ),
                );
            }
            taken.push((values, p));
        }
        if let Some(loose) = placed
            .iter()
            .find(|p| !taken.is_empty() && !matches!(p.layer, Layer::InputLayer(_)) && p.from.contains(&None))
        {
            let inputs: Vec<&str> = taken.iter().map(|(_, p)| p.place.name.as_str()).collect();
            return fail(loose, format!("takes all inputs at once; name one of them: {}", inputs.join(", ")));
        }
        let Some((_, before)) = placed.split_last() else { return Ok(()) };
        // One of several outputs is taken by its loss.
        let before = if self.heads.is_empty() { before } else { placed };
        if let Some(loose) = before.iter().find(|p| p.uses == 0) {
            return fail(
                loose,
                "gives its output to no layer; name it among the inputs of one, or leave it out".into(),
            );
        }
        Ok(())
    }

    /// Returns true if the last layer ends in this activation.
    pub fn ends_in(&self, activation: &str) -> bool {
        match self.layers.last() {
            Some(last) => ends_in(last, activation),
            None => ActivationName::default().name() == activation,
        }
    }

    /// The model without the final activation that is part of the loss, so that its outputs are logits.
    pub fn without_activation(&self, loss: Loss) -> Self {
        if let (false, Ok(outputs)) = (self.heads.is_empty(), self.several_outputs()) {
            let mut model = self.clone();
            for (head, Output { index, loss, .. }) in model.heads.iter_mut().zip(outputs) {
                head.loss = Some(loss);
                strip(&mut model.layers[index], loss.activation());
            }
            return model;
        }
        // Without the activation, a different loss would be inferred.
        let mut model = Self { loss: Some(loss), ..self.clone() };
        if let Some(last) = model.layers.last_mut() {
            strip(last, loss.activation());
        }
        model
    }

    /// The program of one step, for images and labels in the format of `input`.
    ///
    /// `slots` is the number of steps whose results are stored before the host reads them. A final softmax, or the
    /// sigmoid of a single unit, is part of the loss, which takes logits. Predictions are still probabilities, or the
    /// number of a regression.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn program(
        &self,
        input: &Preprocessing,
        mode: Mode,
        batch: usize,
        slots: usize,
        optimizer: &Optimizer,
    ) -> Result<Program> {
        self.program_with(input, mode, batch, slots, optimizer, &Objective::default())
    }

    /// The program of one step, with the augmentation, label smoothing and class weights of `objective` in training
    /// steps.
    ///
    /// # Errors
    /// [`Error::Model`] if the layers do not fit.
    pub fn program_with(
        &self,
        input: &Preprocessing,
        mode: Mode,
        batch: usize,
        slots: usize,
        optimizer: &Optimizer,
        objective: &Objective,
    ) -> Result<Program> {
        if !(1..=MOST_ROWS).contains(&batch) {
            let expected = "from 1 to 1048576";
            return Err(Error::Option { name: "batch", got: batch.to_string(), expected });
        }
        let plain = Objective { example_weights: objective.example_weights, ..Objective::default() };
        let objective = if mode == Mode::Train { objective } else { &plain };
        let kind = self.loss()?;
        let logits_model = self.without_activation(kind);
        let (mut placed, parameters) = logits_model.place()?;
        let mut b = Builder::new(mode, batch, input.bytes(self.pixels()), slots, parameters);

        let image = b.batched("image", &self.input_shape);
        let call = objective.augment.call(batch, self.input_shape);
        let call = input.decoding(call, self.input_shape[2]);
        b.call(call.op.name, call, &[("image", image)]);
        let (outputs, masks) = forward(&mut b, &mut placed, image);
        let several = logits_model.heads_among(&placed)?;
        // Each output with its loss, and the labels that are this loss's.
        let last = placed.last().map_or_else(Vec::new, |p| p.place.output.clone());
        let (value, mask) = (outputs.last().copied().unwrap_or(image), masks.last().copied().flatten());
        let real = input.numbers && kind != Loss::SoftmaxCrossEntropy || kind.compares_vectors();
        let mut ends = vec![End { loss: kind, shape: last, value, mask, real, labels: None }];
        if let Some(all) = several.last().map(|output| output.labels.end) {
            let end = |output: &Output| End {
                loss: output.loss,
                shape: output.shape.clone(),
                value: outputs[output.index],
                mask: masks[output.index],
                real: true,
                labels: Some((all, output.labels.start)),
            };
            ends = several.iter().map(end).collect();
        }
        if mode == Mode::Predict {
            let found: Vec<ValueId> =
                ends.iter().map(|end| prediction(&mut b, end.loss, end.value, &end.shape)).collect();
            b.program.output = side_by_side(&mut b, &found);
            return Ok(b.program);
        }
        let values: Vec<ValueId> = ends.iter().map(|end| end.value).collect();
        b.program.output = side_by_side(&mut b, &values);

        b.pass = Pass::Loss;
        b.program.labels = self.labels()?;
        b.program.heads = several.len();
        let mut examples = None;
        let mut judged: Vec<Judged> = Vec::new();
        for end in &ends {
            judged.push(end.judge(&mut b, objective, &mut examples));
        }
        let results = b.fixed("results", vec![slots, 2], Home::Results);
        let metrics = || Call::new(&SUM_METRICS, &[("ROWS", batch), ("SLOTS", slots)]);
        let mut sum: Option<ValueId> = None;
        for (n, (output, own)) in several.iter().zip(&mut judged).enumerate() {
            let into = b.fixed("results of an output", vec![slots, 2], Home::HeadResults(n));
            b.call("metrics", metrics(), &[("results", into), ("loss", own.loss), ("hit", own.hit)]);
            own.loss = scaled(&mut b, own.loss, output.weight);
            own.dlogits = scaled(&mut b, own.dlogits, output.weight);
            sum = Some(match sum {
                Some(sum) => b.sum("loss", sum, own.loss),
                None => own.loss,
            });
        }
        let (loss, hit) = match (sum, &judged[..]) {
            (Some(sum), _) => (sum, b.zeros(&[])),
            (None, [one, ..]) => (one.loss, one.hit),
            (None, []) => (value, value),
        };
        b.call("metrics", metrics(), &[("results", results), ("loss", loss), ("hit", hit)]);
        let penalties = trained_among(&self.regularizers, &placed, &b.program.parameters);
        regularization::penalize(&mut b, &penalties, results, slots);
        if mode == Mode::Evaluate {
            return Ok(b.program);
        }

        let mut gradients = vec![None; placed.len()];
        let indices = several.iter().map(|output| output.index);
        let indices = if several.is_empty() { vec![placed.len() - 1] } else { indices.collect() };
        for (index, (end, own)) in indices.into_iter().zip(ends.iter().zip(&judged)) {
            gradients[index] = Some(b.through_fused("loss", end.value, own.dlogits));
        }
        backward(&mut b, &placed, gradients, false);
        regularization::penalize_gradients(&mut b, &penalties);
        b.pass = Pass::Update;
        optim::update(&mut b, optimizer);
        let constraints = trained_among(&self.constraints, &placed, &b.program.parameters);
        regularization::constrain(&mut b, &constraints);
        Ok(b.program)
    }
}

/// An output with its loss.
struct End {
    loss: Loss,
    /// Shape of the output, without the batch.
    shape: Vec<usize>,
    /// The logits.
    value: ValueId,
    /// Which steps count, if the output has a mask.
    mask: Option<ValueId>,
    /// True if labels are f32.
    real: bool,
    /// The number of labels of an image and the first that are this loss's, if others are not.
    labels: Option<(usize, usize)>,
}

/// Loss and hits of each image, and the gradient of the logits.
struct Judged {
    loss: ValueId,
    hit: ValueId,
    dlogits: ValueId,
}

impl End {
    /// Appends the loss. `examples` are the weights of the images, once one of the losses has them.
    fn judge(&self, b: &mut Builder, objective: &Objective, examples: &mut Option<ValueId>) -> Judged {
        let Self { loss: kind, shape, value: x, mask, real, labels } = self;
        let (batch, slots) = (b.program.batch, b.program.slots);
        let dlogits = b.batched("d logits", shape);
        let outputs: usize = shape.iter().product();
        let columns = columns(*kind, shape);
        let places = outputs / columns;
        let (loss, hit) = (b.batched("loss", &[]), b.batched("hit", &[]));
        let (losses, hits) = match places {
            1 => (loss, hit),
            _ => (b.batched("losses", &[places]), b.batched("hits", &[places])),
        };
        let (mut call, weights) = kind.call((batch, places), columns, objective);
        if *real {
            call = call.with("REAL", 1.0);
        }
        if let Some((all, from)) = labels {
            call = call.with("LABELS", *all as f64).with("FROM", *from as f64);
        }
        let weights = b.constant("class weights", weights);
        if objective.example_weights {
            // As many as images fit into a chunk.
            call = call.with("WEIGHTED", 1.0).with("EXAMPLES", (slots * batch) as f64);
        }
        let examples = *examples.get_or_insert_with(|| match objective.example_weights {
            true => {
                let value = b.constant("example weights", vec![0.0; slots * batch]);
                b.program.example_weights = Some(value);
                value
            }
            false => b.fixed("zeros", vec![1], Home::Zeros),
        });
        let buffers = [
            ("dlogits", dlogits),
            ("loss", losses),
            ("hit", hits),
            ("logits", *x),
            ("weights", weights),
            ("examples", examples),
        ];
        b.call("loss", call, &buffers);
        let (mut losses, mut hits, mut dlogits) = (losses, hits, dlogits);
        if let Some(mask) = mask {
            // The mean is one over the steps of the batch that count.
            let weights = layers::mask::shares(b, "loss", *mask, true);
            [losses, hits, dlogits] =
                [losses, hits, dlogits].map(|value| layers::mask::rows(b, "loss", value, weights, 0.0));
        }
        let (loss, hit) = if places > 1 { (loss, hit) } else { (losses, hits) };
        if places > 1 {
            let call = Call::new(&POSITION_MEANS, &[("ROWS", batch), ("POSITIONS", places)]);
            b.call("loss", call, &[("loss", loss), ("hit", hit), ("losses", losses), ("hits", hits)]);
        }
        Judged { loss, hit, dlogits }
    }
}

/// Appends the product of a value and a number; nothing for 1.
fn scaled(b: &mut Builder, x: ValueId, factor: f64) -> ValueId {
    if factor == 1.0 {
        return x;
    }
    let scale = b.constant("loss weight", vec![factor as f32]);
    let value = &b.program.values[x.0];
    let (name, shape, count) = (value.name.clone(), value.shape.clone(), value.len());
    let y = b.temporary(&name, shape);
    b.call("loss", Call::new(&SCALED, &[("COUNT", count)]), &[("y", y), ("x", x), ("scale", scale)]);
    y
}

/// Appends a row for each image of the values of all outputs; one alone stays as it is.
fn side_by_side(b: &mut Builder, values: &[ValueId]) -> ValueId {
    let (rows, mut joined, mut width) = (b.program.batch, None, 0);
    for value in values {
        let more = b.program.values[value.0].len() / rows;
        joined = Some(match joined {
            None => *value,
            Some(before) => {
                let y = b.batched("outputs", &[width + more]);
                let call = Call::new(&CONCATENATE, &[("ROWS", rows), ("A", width), ("B", more)]);
                b.call("outputs", call, &[("y", y), ("a", before), ("b", *value)]);
                y
            }
        });
        width += more;
    }
    joined.unwrap_or_default()
}

/// Returns true if a layer ends in this activation.
fn ends_in(layer: &Layer, activation: &str) -> bool {
    let mut last = layer.clone();
    let found = match innermost(&mut last) {
        Layer::Softmax(_) => ActivationName::Softmax,
        layer => own_activation(layer).copied().unwrap_or_default(),
    };
    found.name() == activation
}

/// Takes the final activation off a layer, if it is this one.
fn strip(layer: &mut Layer, activation: &str) {
    if !ends_in(layer, activation) {
        return;
    }
    match innermost(layer) {
        last @ Layer::Softmax(_) => {
            let name = last.rules().given_name().map(str::to_string);
            *last = layers::Activation { activation: ActivationName::default(), name }.into();
        }
        last => {
            if let Some(own) = own_activation(last) {
                *own = ActivationName::default();
            }
        }
    }
}

/// Numbers of a row of the loss: the classes of a place, a vector, or one.
fn columns(loss: Loss, shape: &[usize]) -> usize {
    let along = loss == Loss::SoftmaxCrossEntropy || loss.compares_vectors();
    if along { shape.last().copied().unwrap_or(1).max(1) } else { 1 }
}

/// The layer that a layer runs on each step of a sequence, or the layer itself.
fn innermost(layer: &mut Layer) -> &mut Layer {
    match layer {
        Layer::TimeDistributed(outer) => innermost(&mut outer.layer),
        layer => layer,
    }
}

/// The activation that a layer applies last, element by element or along the last axis.
fn own_activation(layer: &mut Layer) -> Option<&mut ActivationName> {
    macro_rules! of {
        ($($kind:ident)+) => {
            match layer {
                $(Layer::$kind(layer) => Some(&mut layer.activation),)+
                _ => None,
            }
        };
    }
    of!(Dense Activation Conv1D Conv2D Conv1DTranspose Conv2DTranspose DepthwiseConv1D DepthwiseConv2D
        SeparableConv1D SeparableConv2D)
}

/// The name of a tensor without that of its `layer`.
fn short_name<'a>(tensor: &'a Parameter, layer: &str) -> &'a str {
    tensor.name.get(layer.len() + 1..).unwrap_or_default()
}

/// What `of` says of tensors that are trained. Keras does not penalise the others either.
fn trained_among<T: Clone>(
    of: &BTreeMap<usize, BTreeMap<String, T>>,
    placed: &[Placed<'_>],
    parameters: &[Parameter],
) -> Vec<(ParameterId, T)> {
    let mut found = Vec::new();
    for Placed { place, .. } in placed {
        let Some(said) = of.get(&place.index) else { continue };
        for id in place.parameters.iter().filter(|id| parameters[id.0].trained) {
            if let Some(what) = said.get(short_name(&parameters[id.0], &place.name)) {
                found.push((*id, what.clone()));
            }
        }
    }
    found
}

/// Appends the conversion of the output `x` to a prediction: class probabilities, or the unchanged number of a
/// regression.
fn prediction(b: &mut Builder, loss: Loss, x: ValueId, shape: &[usize]) -> ValueId {
    match loss {
        Loss::SoftmaxCrossEntropy => layers::softmax(b, "probabilities", x, shape),
        Loss::BinaryCrossEntropy => {
            let y = b.batched("probability sigmoid", shape);
            let count = b.batch() * shape.iter().product::<usize>();
            let call = Call::new(&ACTIVATION_FORWARD, &[("COUNT", count)]).activated(&SIGMOID);
            b.call("probability", call, &[("y", y), ("x", x)]);
            y
        }
        _ => x,
    }
}

/// Appends the forward pass of every layer and returns the outputs and their masks, layer by layer.
fn forward(
    b: &mut Builder,
    placed: &mut [Placed<'_>],
    image: ValueId,
) -> (Vec<ValueId>, Vec<Option<ValueId>>) {
    let mut outputs: Vec<ValueId> = Vec::new();
    let mut masks: Vec<Option<ValueId>> = Vec::new();
    // True for a value that only one layer takes, also through layers that return their input unchanged.
    let mut sole: BTreeMap<ValueId, bool> = BTreeMap::new();
    for Placed { layer, place, from, uses, .. } in placed {
        place.masks = from.iter().map(|from| from.and_then(|n| masks[n])).collect();
        for ((value, _), from) in place.inputs.iter_mut().zip(from.iter()) {
            *value = from.map_or(image, |n| outputs[n]);
        }
        place.x = place.inputs[0].0;
        place.alone = sole.get(&place.x).copied().unwrap_or(false);
        let y = layer.rules().forward(b, place);
        masks.push(layer.rules().mask(b, place));
        let handed_on = y != place.x || place.alone;
        sole.insert(y, *uses == 1 && handed_on);
        outputs.push(y);
    }
    (outputs, masks)
}

/// Appends the backward pass, from the last layer to the first. `gradients` holds those of the losses, by layer. The
/// gradient of a value that several layers take is the sum of their gradients, that of its loss first, then in the order
/// of the layers from the last. If `image` is true, the pass continues to the input of the network, and its gradient is
/// returned.
fn backward(
    b: &mut Builder,
    placed: &[Placed<'_>],
    mut gradients: Vec<Option<ValueId>>,
    image: bool,
) -> Option<ValueId> {
    b.pass = Pass::Backward;
    let mut learns: Vec<bool> = Vec::new();
    for p in placed {
        let own = p.place.parameters.iter().any(|id| b.program.parameters[id.0].trained);
        let from = |from: &Option<usize>| from.map_or(image, |n| learns[n]);
        learns.push(own || p.from.iter().any(from));
    }
    let mut to_image = None;
    for (gradient, _) in gradients.iter_mut().zip(&learns).filter(|(_, learns)| !**learns) {
        *gradient = None;
    }
    b.share(placed.iter().flat_map(|p| &p.place.parameters));
    for (n, p) in placed.iter().enumerate().rev() {
        let Some(dy) = gradients[n] else { continue };
        let wanted: Vec<bool> = p.from.iter().map(|from| from.map_or(image, |n| learns[n])).collect();
        let found = p.layer.rules().backward_all(b, &p.place, dy, &wanted);
        for (from, dx) in p.from.iter().zip(found) {
            let Some(dx) = dx else { continue };
            let (name, there) = match from {
                Some(n) => (placed[*n].place.name.as_str(), &mut gradients[*n]),
                None => (INPUT, &mut to_image),
            };
            *there = Some(match *there {
                Some(earlier) => b.sum(name, earlier, dx),
                None => dx,
            });
        }
    }
    b.add_shared();
    to_image
}
