//! A program: the list of operations that one training step, evaluation or prediction consists of, with its values and
//! parameters. It knows no device; `plan::Plan` compiles it, `interpreter::Interpreter` runs it on twins.

pub mod interpreter;
mod temporaries;
mod words;

use crate::{
    initializer::Initializer,
    op::{Activation, Call, twin::Data},
};
use std::collections::{BTreeMap, HashMap};
pub use temporaries::Temporaries;

/// Parameters start at multiples of this many elements in their arena: 256 bytes, WebGPU's alignment.
pub const ALIGN: usize = 64;

/// Identifies a value of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// Identifies a parameter of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterId(pub usize);

/// Storage of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// A buffer that is reused once the value is no longer needed.
    Temporary,
    /// A slice of the arena of parameters.
    Parameter(ParameterId),
    /// A slice of the arena of gradients.
    Gradient(ParameterId),
    /// The arena of parameters, from its start.
    Parameters,
    /// The whole arena of gradients.
    Gradients,
    /// The trained part of an arena of optimizer state, in the order of [`crate::optim::Optimizer::slots`].
    Slot(usize),
    /// The whole arena of the weights' moving averages.
    Averages,
    /// The trained part of the arena that sums the gradients of a batch's parts.
    Totals,
    /// Loss and number of correct predictions of the last steps.
    Results,
    /// The same of one of several outputs.
    HeadResults(usize),
    /// Zeros that are never written: the bias of a layer without one.
    Zeros,
    /// Constant numbers; [`Program::constants`] holds them under this index.
    Constant(usize),
}

/// A buffer of a program.
#[derive(Clone, Debug)]
pub struct Value {
    /// A readable name: `conv2d_1`, `d conv2d_1`.
    pub name: String,
    /// Its shape, batch first if it has one.
    pub shape: Vec<usize>,
    /// Its storage.
    pub home: Home,
}

impl Value {
    /// The number of its elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns true if it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Part of a step to which a dispatch belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    /// From the image to the output.
    Forward,
    /// The loss and the gradient of the output.
    Loss,
    /// From the gradient of the output to those of the parameters.
    Backward,
    /// The update of the parameters.
    Update,
}

/// One dispatch: an operation and its buffers by name.
#[derive(Clone, Debug)]
pub struct Node {
    /// The layer that it belongs to, or its purpose.
    pub label: String,
    /// The part of the step that it belongs to.
    pub pass: Pass,
    /// Operation, sizes, activation.
    pub call: Call,
    /// Name in the interface, value.
    pub buffers: Vec<(&'static str, ValueId)>,
}

/// A tensor that is trained, or stored with the trained ones.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// `dense_1.kernel`.
    pub name: String,
    /// Its shape in Keras's order: HWIO, (in, out), (out).
    pub shape: Vec<usize>,
    /// Its initializer.
    pub initializer: Initializer,
    /// Its offset in the arena, in elements.
    pub offset: usize,
    /// True if the optimizer changes it; the others, such as moving averages, follow the trained ones in the arena.
    pub trained: bool,
}

impl Parameter {
    /// The name of its layer: `dense_1` of `dense_1.kernel`.
    pub fn layer(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(layer, _)| layer)
    }

    /// The number of its elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns true if it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Purpose of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Forward, loss, backward, update.
    Train,
    /// Forward and loss.
    Evaluate,
    /// Forward and softmax.
    Predict,
    /// Forward as in prediction, keeping every layer's output; and the gradient of the output with respect to the
    /// image.
    Explain,
}

/// Operations in the order of execution, with their values and parameters.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its purpose.
    pub mode: Mode,
    /// Images per step.
    pub batch: usize,
    /// Bytes per image.
    pub pixels: usize,
    /// Labels per image.
    pub labels: usize,
    /// Number of outputs with a loss of their own, if there are several; else 0.
    pub heads: usize,
    /// All values.
    pub values: Vec<Value>,
    /// All dispatches.
    pub nodes: Vec<Node>,
    /// All parameters, in the order of their arena.
    pub parameters: Vec<Parameter>,
    /// The network's output: logits in training and evaluation, probabilities in prediction.
    pub output: ValueId,
    /// The weights of the images of a chunk, if the loss takes them.
    pub example_weights: Option<ValueId>,
    /// Values besides the output that remain available after the last dispatch.
    pub kept: Vec<ValueId>,
    /// Number of steps whose results are stored before the host reads them.
    pub slots: usize,
    /// The contents of the constant values.
    pub constants: Vec<Data>,
}

/// The parameters of each layer, with its name, in their order.
pub fn by_layer(parameters: &[Parameter]) -> impl Iterator<Item = (&str, &[Parameter])> {
    parameters.chunk_by(|a, b| a.layer() == b.layer()).map(|own| (own[0].layer(), own))
}

impl Program {
    /// Elements of the arena of parameters, padding included.
    pub fn arena_len(&self) -> usize {
        arena_len(&self.parameters)
    }

    /// Changes the program for a batch that is computed in parts: it sums the gradients of the parts before the update.
    pub fn in_parts(mut self) -> Self {
        let (trained, updates) = (trained_len(&self.parameters), |node: &Node| node.pass == Pass::Update);
        let Some(at) = self.nodes.iter().position(updates).filter(|_| trained > 0) else { return self };
        let mut value = |name: &str, home| {
            self.values.push(Value { name: name.to_string(), shape: vec![trained], home });
            ValueId(self.values.len() - 1)
        };
        let buffers =
            vec![("total", value("totals", Home::Totals)), ("grad", value("gradients", Home::Gradients))];
        let call = Call::new(&crate::kernels::ACCUMULATE, &[("COUNT", trained)]);
        self.nodes.insert(at, Node { label: "parts".to_string(), pass: Pass::Backward, call, buffers });
        self
    }

    /// Floating point operations of one step, by the formulas of the interfaces.
    pub fn flops(&self) -> f64 {
        self.nodes.iter().map(|node| node.call.flops()).sum()
    }
}

/// The number of elements of a shape from a file.
///
/// # Errors
/// A message if it is more than a shader can index on any adapter; so the product of some of its axes never
/// overflows either.
pub fn counted(shape: &[usize]) -> std::result::Result<usize, String> {
    let product = shape.iter().try_fold(1usize, |all, len| all.checked_mul((*len).max(1)));
    match product.and_then(|all| u32::try_from(all).ok()) {
        Some(_) => Ok(shape.iter().product()),
        None => Err(format!(
            "{shape:?} has more elements than the {} that a shader can count; choose smaller sizes",
            u32::MAX
        )),
    }
}

/// Elements of the arena that holds `parameters`, padding included.
pub fn arena_len(parameters: &[Parameter]) -> usize {
    parameters.iter().map(|p| (p.offset + p.len()).next_multiple_of(ALIGN)).max().unwrap_or(ALIGN)
}

/// Elements of the leading part of the arena that the optimizer changes, padding included.
pub fn trained_len(parameters: &[Parameter]) -> usize {
    let ends = parameters.iter().filter(|p| p.trained).map(|p| (p.offset + p.len()).next_multiple_of(ALIGN));
    ends.max().unwrap_or(0)
}

/// Builds a program node by node; layers call it.
pub struct Builder {
    /// The program built so far.
    pub program: Program,
    /// The part of the step to which the next dispatches belong; initially [`Pass::Forward`].
    pub pass: Pass,
    /// Number of steps of a sequence that are examples of their own; 1 outside of [`Builder::distributed`].
    steps: usize,
    fused: HashMap<ValueId, &'static Activation>,
    parameters: HashMap<ParameterId, ValueId>,
    /// For each tensor that several layers use, their gradients so far.
    shared: BTreeMap<ParameterId, Vec<ValueId>>,
}

impl Builder {
    /// An empty program over `parameters`.
    pub fn new(mode: Mode, batch: usize, pixels: usize, slots: usize, parameters: Vec<Parameter>) -> Self {
        let program = Program {
            mode,
            batch,
            pixels,
            labels: 1,
            heads: 0,
            values: Vec::new(),
            nodes: Vec::new(),
            parameters,
            output: ValueId(0),
            example_weights: None,
            kept: Vec::new(),
            slots,
            constants: Vec::new(),
        };
        Self {
            program,
            pass: Pass::Forward,
            steps: 1,
            fused: HashMap::new(),
            parameters: HashMap::new(),
            shared: BTreeMap::new(),
        }
    }

    /// Images per step of the training, or steps of their sequences within [`Builder::distributed`].
    pub fn batch(&self) -> usize {
        self.program.batch * self.steps
    }

    /// Runs `each` with the `steps` of every sequence of the batch as examples of their own.
    pub fn distributed<T>(&mut self, steps: usize, each: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.steps;
        self.steps = before * steps;
        let made = each(self);
        self.steps = before;
        made
    }

    /// Returns true if the program trains: layers then apply dropout, and use the statistics of the batch.
    pub fn training(&self) -> bool {
        self.program.mode == Mode::Train
    }

    /// Returns true if a backward pass follows: layers then keep the values that it needs.
    pub fn differentiates(&self) -> bool {
        matches!(self.program.mode, Mode::Train | Mode::Explain)
    }

    fn add(&mut self, name: String, shape: Vec<usize>, home: Home) -> ValueId {
        self.program.values.push(Value { name, shape, home });
        ValueId(self.program.values.len() - 1)
    }

    /// A new activation, gradient or other intermediate value; `shape` without the batch.
    pub fn batched(&mut self, name: &str, shape: &[usize]) -> ValueId {
        let shape = [&[self.batch()], shape].concat();
        self.add(name.to_string(), shape, Home::Temporary)
    }

    /// A new intermediate value of exactly this shape.
    pub fn temporary(&mut self, name: &str, shape: Vec<usize>) -> ValueId {
        self.add(name.to_string(), shape, Home::Temporary)
    }

    /// A value that is stored outside the step.
    pub fn fixed(&mut self, name: &str, shape: Vec<usize>, home: Home) -> ValueId {
        self.add(name.to_string(), shape, home)
    }

    /// Constant numbers.
    pub fn constant(&mut self, name: &str, numbers: Vec<f32>) -> ValueId {
        let shape = vec![numbers.len()];
        self.add_constant(name, shape, Data::Real(numbers.into_iter().map(f64::from).collect()))
    }

    /// One constant integer, such as the index of one among many equal calls: unlike a size, it does not require a
    /// separate kernel for each.
    pub fn index(&mut self, name: &str, number: u32) -> ValueId {
        self.add_constant(name, vec![1], Data::Index(vec![number]))
    }

    /// Constant integers.
    pub fn indices(&mut self, name: &str, numbers: Vec<u32>) -> ValueId {
        let shape = vec![numbers.len()];
        self.add_constant(name, shape, Data::Index(numbers))
    }

    /// Adds a constant; equal constants share one buffer.
    fn add_constant(&mut self, name: &str, shape: Vec<usize>, data: Data) -> ValueId {
        let constants = &mut self.program.constants;
        let index = constants.iter().position(|known| *known == data).unwrap_or_else(|| {
            constants.push(data);
            constants.len() - 1
        });
        self.add(name.to_string(), shape, Home::Constant(index))
    }

    /// The value of a parameter.
    pub fn parameter(&mut self, id: ParameterId) -> ValueId {
        if let Some(value) = self.parameters.get(&id) {
            return *value;
        }
        let Parameter { name, shape, .. } = self.program.parameters[id.0].clone();
        let value = self.add(name, shape, Home::Parameter(id));
        self.parameters.insert(id, value);
        value
    }

    /// The value that receives the gradient of a parameter; an unused one if the parameter is not trained.
    pub fn gradient(&mut self, id: ParameterId) -> ValueId {
        let Parameter { name, shape, trained, .. } = self.program.parameters[id.0].clone();
        let shared = trained && self.shared.contains_key(&id);
        let home = if trained && !shared { Home::Gradient(id) } else { Home::Temporary };
        let value = self.add(format!("d {name}"), shape, home);
        if let Some(gradients) = self.shared.get_mut(&id).filter(|_| shared) {
            gradients.push(value);
        }
        value
    }

    /// Expects several gradients of each tensor that occurs several times in `used`, the tensors of all layers.
    pub(crate) fn share<'a>(&mut self, used: impl Iterator<Item = &'a ParameterId>) {
        let mut counts: BTreeMap<ParameterId, usize> = BTreeMap::new();
        for id in used {
            *counts.entry(*id).or_default() += 1;
        }
        let several = counts.into_iter().filter(|(_, count)| *count > 1);
        self.shared = several.map(|(id, _)| (id, Vec::new())).collect();
    }

    /// Adds up the gradients of the tensors that several layers use, in the order in which they were computed.
    pub(crate) fn add_shared(&mut self) {
        for (id, gradients) in std::mem::take(&mut self.shared) {
            let Some((last, before)) = gradients.split_last() else { continue };
            let Parameter { name, shape, .. } = self.program.parameters[id.0].clone();
            let layer = self.program.parameters[id.0].layer().to_string();
            let whole = self.add(format!("d {name}"), shape, Home::Gradient(id));
            let count = self.program.values[whole.0].len();
            let sum = before
                .split_first()
                .map(|(first, more)| more.iter().fold(*first, |sum, next| self.sum(&layer, sum, *next)));
            // One gradient alone is added to zeros.
            let sum = sum.unwrap_or_else(|| self.fixed("zeros", vec![count], Home::Zeros));
            let call = Call::new(&crate::kernels::ADD, &[("COUNT", count)]);
            self.call(&layer, call, &[("y", whole), ("a", sum), ("b", *last)]);
        }
    }

    /// `bias` if the layer has one, else zeros.
    pub fn bias(&mut self, bias: Option<ParameterId>, len: usize) -> ValueId {
        match bias {
            Some(id) => self.parameter(id),
            None => self.fixed("zeros", vec![len], Home::Zeros),
        }
    }

    /// Zeros of a shape without the batch: the input `x` of a gradient kernel that multiplies by no activation's gradient.
    pub fn zeros(&mut self, shape: &[usize]) -> ValueId {
        let shape = [&[self.batch()], shape].concat();
        self.fixed("zeros", shape, Home::Zeros)
    }

    /// The value that receives the gradient of `bias`; an unused one if the layer has no bias.
    pub fn bias_gradient(&mut self, bias: Option<ParameterId>, len: usize) -> ValueId {
        match bias {
            Some(id) => self.gradient(id),
            None => self.temporary("unused", vec![len]),
        }
    }

    /// Appends a dispatch.
    pub fn call(&mut self, label: &str, call: Call, buffers: &[(&'static str, ValueId)]) {
        let (label, buffers) = (label.to_string(), buffers.to_vec());
        self.program.nodes.push(Node { label, pass: self.pass, call, buffers });
    }

    /// Records that `activation` is fused into the kernel that wrote `value`. The code that computes the gradient of
    /// `value` multiplies by the activation's gradient, so that the result is the gradient of the activation's input.
    pub fn fuse(&mut self, value: ValueId, activation: &'static Activation) {
        self.fused.insert(value, activation);
    }

    /// The activation fused into the kernel that wrote `value`; `linear` if there is none.
    pub fn fused(&self, value: ValueId) -> &'static Activation {
        self.fused.get(&value).copied().unwrap_or(&crate::op::activations::LINEAR)
    }

    /// Makes the kernel that wrote `x` apply `activation`, if it can and applies none yet; returns true if it does. Use
    /// it only if nothing else needs `x` without the activation.
    pub fn absorb(&mut self, x: ValueId, activation: &'static Activation) -> bool {
        let writes = |node: &&mut Node| node.buffers.first().is_some_and(|(_, value)| *value == x);
        let Some(node) = self.program.nodes.iter_mut().rev().find(writes) else { return false };
        // A gradient kernel, which some layers compute with, composes the activation's gradient.
        if node.buffers.first().is_some_and(|(name, _)| *name == "dx") {
            return false;
        }
        if !node.call.op.activated() || node.call.activation.name != "linear" {
            return false;
        }
        node.call.activation = activation;
        self.fuse(x, activation);
        true
    }

    /// The sum of two gradients of one value.
    pub fn sum(&mut self, label: &str, a: ValueId, b: ValueId) -> ValueId {
        let value = &self.program.values[a.0];
        let (name, shape, count) = (value.name.clone(), value.shape.clone(), value.len());
        let y = self.temporary(&name, shape);
        self.call(
            label,
            Call::new(&crate::kernels::ADD, &[("COUNT", count)]),
            &[("y", y), ("a", a), ("b", b)],
        );
        y
    }

    /// Multiplies a gradient `dx` of `x` by the gradient of the activation fused into `x`, if there is one.
    pub fn through_fused(&mut self, label: &str, x: ValueId, dx: ValueId) -> ValueId {
        let activation = self.fused(x);
        if activation.name == "linear" {
            return dx;
        }
        let value = &self.program.values[x.0];
        let (name, shape, count) = (format!("d {}", value.name), value.shape.clone(), value.len());
        let dz = self.temporary(&name, shape);
        let call = Call::new(&crate::kernels::ACTIVATION_GRAD, &[("COUNT", count)]).activated(activation);
        self.call(label, call, &[("dx", dz), ("dy", dx), ("at", x)]);
        dz
    }
}
