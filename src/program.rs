//! A program: the list of operations that one training step, evaluation or prediction consists of, with
//! its values and parameters. It knows no device; `plan::Plan` compiles it, `interpreter::Interpreter` runs it on twins.

pub mod interpreter;
mod temporaries;
mod words;

use crate::{
    initializer::Initializer,
    op::{Activation, Call, twin::Data},
};
use std::collections::HashMap;
pub use temporaries::Temporaries;

/// Parameters start at multiples of this many elements in their arena: 256 bytes, WebGPU's alignment.
pub const ALIGN: usize = 64;

/// Names a value of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// Names a parameter of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParameterId(pub usize);

/// Where a value lives.
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
    /// The trained part of an arena that the optimizer keeps, in the order of [`crate::optim::Optimizer::slots`].
    Slot(usize),
    /// The whole arena of the weights' moving averages.
    Averages,
    /// The trained part of the arena in which the gradients of a batch's parts add up.
    Totals,
    /// Loss and hits of the last steps.
    Results,
    /// Zeros that nobody writes: the bias of a layer without one.
    Zeros,
    /// Numbers that never change: [`Program::constants`] holds them under this index.
    Constant(usize),
}

/// A buffer of a program.
#[derive(Clone, Debug)]
pub struct Value {
    /// A name for people: `conv2d_1`, `d conv2d_1`.
    pub name: String,
    /// Its shape, batch first where it has one.
    pub shape: Vec<usize>,
    /// Where it lives.
    pub home: Home,
}

impl Value {
    /// The number of its elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which part of a step a dispatch belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    /// From the image to the output.
    Forward,
    /// What the output costs, and its gradient.
    Loss,
    /// From the gradient of the output to those of the parameters.
    Backward,
    /// The parameters' change.
    Update,
}

/// One dispatch: an operation and its buffers by name.
#[derive(Clone, Debug)]
pub struct Node {
    /// Which layer it belongs to, or what it does.
    pub label: String,
    /// Which part of the step it belongs to.
    pub pass: Pass,
    /// Operation, sizes, activation.
    pub call: Call,
    /// Name in the interface, value.
    pub buffers: Vec<(&'static str, ValueId)>,
}

/// A tensor that is trained, or kept with those that are.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// `dense_1.kernel`.
    pub name: String,
    /// Its shape in Keras's order: HWIO, (in, out), (out).
    pub shape: Vec<usize>,
    /// How it starts.
    pub initializer: Initializer,
    /// Where it begins in the arena, in elements.
    pub offset: usize,
    /// Whether the optimizer changes it; the others, such as moving averages, stand behind in the arena.
    pub trained: bool,
}

impl Parameter {
    /// The number of its elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Forward, loss, backward, update.
    Train,
    /// Forward and loss.
    Evaluate,
    /// Forward and softmax.
    Predict,
    /// Forward as it is used, every layer's output kept; and the gradient of the output with respect to the image.
    Explain,
}

/// Operations in the order in which they run, with everything they touch.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it is for.
    pub mode: Mode,
    /// Images a step.
    pub batch: usize,
    /// Bytes an image.
    pub pixels: usize,
    /// All values.
    pub values: Vec<Value>,
    /// All dispatches.
    pub nodes: Vec<Node>,
    /// All parameters, in the order of their arena.
    pub parameters: Vec<Parameter>,
    /// The network's output: logits while training and evaluating, probabilities when predicting.
    pub output: ValueId,
    /// Values besides the output that are still there after the last dispatch.
    pub kept: Vec<ValueId>,
    /// Steps whose results are kept before the host reads them.
    pub slots: usize,
    /// The content of the values that never change.
    pub constants: Vec<Data>,
}

impl Program {
    /// Elements of the arena of parameters, padding included.
    pub fn arena_len(&self) -> usize {
        arena_len(&self.parameters)
    }

    /// The same for a batch that is computed in parts: before the update the gradients of the parts add up.
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

/// The number of elements of a shape that a file gave.
///
/// # Errors
/// In words, where it is more than a shader can index, whatever the adapter; so the product of some of its axes never
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

/// Elements from the start of the arena that the optimizer changes, padding included.
pub fn trained_len(parameters: &[Parameter]) -> usize {
    let ends = parameters.iter().filter(|p| p.trained).map(|p| (p.offset + p.len()).next_multiple_of(ALIGN));
    ends.max().unwrap_or(0)
}

/// Builds a program node by node; layers call it.
pub struct Builder {
    /// What is built so far.
    pub program: Program,
    /// Which part of the step the dispatches that follow belong to; [`Pass::Forward`] at first.
    pub pass: Pass,
    fused: HashMap<ValueId, &'static Activation>,
    parameters: HashMap<ParameterId, ValueId>,
}

impl Builder {
    /// An empty program over `parameters`.
    pub fn new(mode: Mode, batch: usize, pixels: usize, slots: usize, parameters: Vec<Parameter>) -> Self {
        let program = Program {
            mode,
            batch,
            pixels,
            values: Vec::new(),
            nodes: Vec::new(),
            parameters,
            output: ValueId(0),
            kept: Vec::new(),
            slots,
            constants: Vec::new(),
        };
        Self { program, pass: Pass::Forward, fused: HashMap::new(), parameters: HashMap::new() }
    }

    /// Images a step.
    pub fn batch(&self) -> usize {
        self.program.batch
    }

    /// Whether the program trains: layers drop at random, and take the statistics of the batch.
    pub fn training(&self) -> bool {
        self.program.mode == Mode::Train
    }

    /// Whether a backward pass follows: layers keep what it needs.
    pub fn differentiates(&self) -> bool {
        matches!(self.program.mode, Mode::Train | Mode::Explain)
    }

    fn add(&mut self, name: String, shape: Vec<usize>, home: Home) -> ValueId {
        self.program.values.push(Value { name, shape, home });
        ValueId(self.program.values.len() - 1)
    }

    /// A new value for one activation, gradient or other intermediate; `shape` without the batch.
    pub fn batched(&mut self, name: &str, shape: &[usize]) -> ValueId {
        let shape = [&[self.program.batch], shape].concat();
        self.add(name.to_string(), shape, Home::Temporary)
    }

    /// A new intermediate of this very shape.
    pub fn temporary(&mut self, name: &str, shape: Vec<usize>) -> ValueId {
        self.add(name.to_string(), shape, Home::Temporary)
    }

    /// A value that lives outside the step.
    pub fn fixed(&mut self, name: &str, shape: Vec<usize>, home: Home) -> ValueId {
        self.add(name.to_string(), shape, home)
    }

    /// Numbers that never change.
    pub fn constant(&mut self, name: &str, numbers: Vec<f32>) -> ValueId {
        let shape = vec![numbers.len()];
        self.add_constant(name, shape, Data::Real(numbers.into_iter().map(f64::from).collect()))
    }

    /// One integer that never changes, such as which of many equal calls this is: unlike a size, it does not make
    /// another kernel of each.
    pub fn index(&mut self, name: &str, number: u32) -> ValueId {
        self.add_constant(name, vec![1], Data::Index(vec![number]))
    }

    /// Equal constants lie in one buffer.
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

    /// Where the gradient of a parameter is to be written.
    pub fn gradient(&mut self, id: ParameterId) -> ValueId {
        let Parameter { name, shape, .. } = self.program.parameters[id.0].clone();
        self.add(format!("d {name}"), shape, Home::Gradient(id))
    }

    /// `bias` if the layer has one, else zeros.
    pub fn bias(&mut self, bias: Option<ParameterId>, len: usize) -> ValueId {
        match bias {
            Some(id) => self.parameter(id),
            None => self.fixed("zeros", vec![len], Home::Zeros),
        }
    }

    /// Where the gradient of `bias` goes: nowhere that counts, if the layer has none.
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

    /// Notes that `value` came out of `activation`, fused into the kernel that wrote it. Whoever computes
    /// the gradient of `value` multiplies by the activation's gradient, so that what flows on is the
    /// gradient of the activation's input.
    pub fn fuse(&mut self, value: ValueId, activation: &'static Activation) {
        self.fused.insert(value, activation);
    }

    /// The activation fused into the kernel that wrote `value`; `linear` where there is none.
    pub fn fused(&self, value: ValueId) -> &'static Activation {
        self.fused.get(&value).copied().unwrap_or(&crate::op::activations::LINEAR)
    }

    /// Lets the kernel that wrote `x` apply `activation`, if it can and applies none: the layer before takes over
    /// the work of the one behind it. Only where nobody else needs `x` as it is.
    pub fn absorb(&mut self, x: ValueId, activation: &'static Activation) -> bool {
        let writes = |node: &&mut Node| node.buffers.first().is_some_and(|(_, value)| *value == x);
        let Some(node) = self.program.nodes.iter_mut().rev().find(writes) else { return false };
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

    /// For a gradient `dx` of `x` computed without the activation fused into `x`: adds the missing factor.
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
