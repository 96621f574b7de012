//! Converts nodes to layers, except those for sequences.

use super::{
    Axis, Flow, Said, Value, heads, network::Network, nodes::drop_rate, sequence, written::Function,
};
use crate::onnx::{
    attributes::Node,
    proto::{NodeProto, kind},
    tensor::Tensor,
};
use wgrad::{
    layers::{
        Activation, ActivationName, Add, Average, BatchNormalization, Concatenate, Dropout, Embedding,
        Flatten, Layer, Maximum, Minimum, Multiply, Subtract,
    },
    op::activations,
};

/// Operators that work on the rows of an image whose axis of channels the file omits, as on a sequence.
const ON_SEQUENCES: &[&str] = &[
    "AveragePool",
    "BatchNormalization",
    "Conv",
    "ConvTranspose",
    "Einsum",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "LpNormalization",
    "MatMul",
    "MaxPool",
    "Pad",
    "RMSNormalization",
    "ReduceMean",
    "Resize",
];

/// Imports `node`. Returns its output. `sole` is true if no other node takes the first of its inputs that
/// is no constant.
pub(super) fn node(
    network: &mut Network,
    node: &Node<'_>,
    inputs: &[Option<Value>],
    name: &str,
    sole: bool,
) -> Said<Flow> {
    let mut b = Reader { network, node: *node, inputs, name };
    if let ("Add" | "Sub" | "Mul" | "Div", Some(Some(Value::Constant(_)))) = (node.op(), inputs.first()) {
        return b.with_constant(b.flow(1)?, b.constant(0)?, true, sole);
    }
    if let ("Gather", Some(Some(Value::Constant(_)))) = (node.op(), inputs.first()) {
        return b.lookup(b.flow(1)?, b.constant(0)?);
    }
    let mut x = b.flow(0)?.clone();
    x.sole &= sole;
    let kept = ["Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"];
    if x.whole && !kept.contains(&node.op()) {
        return Err(
            "on whole numbers, by which only a table can be looked up (Gather); cast them to float".into()
        );
    }
    if ON_SEQUENCES.contains(&node.op()) && x.axes.len() == 3 {
        x = Flow { positive: x.positive, ..sequence::of_image(b.network, &x, name)? };
    }
    let x = &x;
    match node.op() {
        "Identity" => Ok(x.clone()),
        "Cast" => match node.int("to", 0) as i32 {
            kind::FLOAT | kind::DOUBLE if x.cut => {
                Err("to float behind a cast to whole numbers, which drops the rest".into())
            }
            kind::FLOAT | kind::DOUBLE => Ok(Flow { whole: false, ..x.clone() }),
            // Values of the input; a table refuses those that are not whole.
            kind::INT32 | kind::INT64 if x.whole || !x.raw && b.network.is_input(x.layer.as_deref()) => {
                Ok(Flow { whole: true, cut: x.cut || !x.whole, ..x.clone() })
            }
            kind::UINT8 if x.raw => Ok(x.clone()),
            other => Err(format!(
                "to {}; numbers of the network are float here, other types round",
                kind::name(other)
            )),
        },
        "CastLike" => match inputs.get(1) {
            Some(Some(Value::Flow(like))) if !like.whole && !like.raw => Ok(x.clone()),
            Some(Some(Value::Constant(like))) if like.reals().is_ok() => Ok(x.clone()),
            _ => {
                Err("to the type of a value that is not float; numbers of the network are float here".into())
            }
        },
        "Add" | "Sub" | "Mul" | "Div" => match inputs.get(1) {
            Some(Some(Value::Constant(c))) => b.with_constant(x, c, false, sole),
            _ => match node.op() {
                "Add" => b.join(Add::new().into()),
                "Sub" => b.join(Subtract::new().into()),
                "Mul" => b.join(Multiply::new().into()),
                _ => Err("a quotient of two values of the network, which no layer computes".into()),
            },
        },
        "Sum" => b.join(Add::new().into()),
        "Mean" => b.join(Average::new().into()),
        "Max" => b.join(Maximum::new().into()),
        "Min" => b.join(Minimum::new().into()),
        "Expand" => b.repeat(x.settled()?),
        "Transpose" => b.transpose(x),
        "Squeeze" | "Unsqueeze" => b.unit_axes(x),
        "Flatten" => {
            let at = node.int("axis", 1);
            if at != 1 && at != 1 - x.axes.len() as i64 {
                return Err(format!("axis {at}; only 1 keeps the batch"));
            }
            b.flat(x)
        }
        "Reshape" => b.reshape(x),
        "Slice" => b.slice(x),
        "Gather" => b.gather(x),
        "Gemm" => b.gemm(x),
        "MatMul" => match inputs.get(1) {
            Some(Some(Value::Flow(other))) => b.dot(x, other),
            _ => b.matmul(x),
        },
        "Einsum" => b.einsum(x),
        "Conv" => b.conv(x.settled()?),
        "ConvTranspose" => b.conv_transpose(x.settled()?),
        "MaxPool" | "AveragePool" => b.pool(x.settled()?),
        "GlobalAveragePool" | "GlobalMaxPool" => b.global(x.settled()?, true),
        "ReduceMean" => b.mean(x.settled()?),
        "ReduceSum" => b.sum_of_directions(x),
        "BatchNormalization" => b.batch_norm(x.settled()?),
        "LayerNormalization" => b.layer_norm(x.settled()?),
        "InstanceNormalization" => b.group_norm(x.settled()?, None),
        "GroupNormalization" => b.group_norm(x.settled()?, Some(node.int("num_groups", 0))),
        "RMSNormalization" => b.root_mean_square(x.settled()?),
        "LpNormalization" => b.unit_norm(x.settled()?),
        "Pad" => b.pad(x.settled()?),
        "Resize" => b.resize(x.settled()?),
        "Dropout" => {
            let rate = drop_rate(*node, [b.optional(1)?, b.optional(2)?], b.network.training)?;
            Ok(b.one(x, &x.shape, |name| Dropout { name, ..Dropout::new(rate) }.into(), Vec::new()))
        }
        "Concat" => b.join(Concatenate::new().into()),
        "PRelu" => {
            let slope = b.constant(1)?.clone();
            b.prelu(x.settled()?, &slope)
        }
        "LeakyRelu" if node.activation().is_none() => {
            b.prelu(x.settled()?, &Tensor::real(&[1], vec![node.float("alpha", 0.01)]))
        }
        "Softmax" | "LogSoftmax" => {
            b.over_classes(x)?;
            b.activation(x, ActivationName::Softmax)
        }
        _ => {
            let activation = b.named_activation()?;
            b.activation(x.settled()?, activation)
        }
    }
}

/// The input of a `LogSoftmax` over the classes, which appends no layer.
pub(super) fn before_log_softmax(
    network: &mut Network,
    node: &Node<'_>,
    inputs: &[Option<Value>],
    name: &str,
) -> Said<Flow> {
    let b = Reader { network, node: *node, inputs, name };
    let x = b.flow(0)?;
    b.over_classes(x)?;
    Ok(x.clone())
}

/// Appends the normalization (image - mean) / deviation.
pub(super) fn normalized(network: &mut Network, x: &Flow, mean: f32, deviation: f32) -> Said<Flow> {
    let [scale, shift] = [1.0 / deviation, -mean / deviation].map(|v| Tensor::real(&[1], vec![v]));
    affine(network, "normalization", x, &scale, &shift)
}

/// Appends the activation that several nodes up to `last` compute. `rank` is the largest rank of the constants in
/// them.
pub(super) fn written(
    network: &mut Network,
    last: &NodeProto,
    x: &Flow,
    function: Function,
    rank: usize,
) -> Said<Flow> {
    if rank > x.axes.len() {
        return Err(format!("constants of {rank} axes with {:?}", x.lens()));
    }
    let mut b = Reader { network, node: Node(last), inputs: &[], name: super::name_of(last) };
    match function {
        Function::Named(name) => {
            let activation = activations::activation(name).map_err(|e| e.to_string())?;
            b.activation(x.settled()?, ActivationName::Elementwise(activation))
        }
        Function::Slope(slope) => b.prelu(x.settled()?, &Tensor::real(&[1], vec![slope])),
    }
}

/// Flattens an image in its order in memory.
pub(super) fn flattened(network: &mut Network, x: &Flow) -> Flow {
    let name =
        network.add("flatten", std::slice::from_ref(&x.layer), |name| Flatten { name }.into(), Vec::new());
    let all = x.shape.iter().product();
    Flow {
        raw: x.raw,
        whole: x.whole,
        cut: x.cut,
        positive: x.positive,
        ..Flow::new(&name, &[all], super::plain(1))
    }
}

/// Appends scale · x + shift, for each channel: a batch normalization with mean 0 and variance + epsilon 1.
fn affine(network: &mut Network, name: &str, x: &Flow, scale: &Tensor, shift: &Tensor) -> Said<Flow> {
    let layer = BatchNormalization::new();
    let channels = x.shape.last().copied().unwrap_or(1);
    let variance = 1.0 - layer.epsilon as f32;
    let weights = vec![
        ("gamma", scale.expanded(&[channels])?),
        ("beta", shift.expanded(&[channels])?),
        ("moving_mean", Tensor::real(&[channels], vec![0.0; channels])),
        ("moving_variance", Tensor::real(&[channels], vec![variance; channels])),
    ];
    let make = |name| BatchNormalization { name, ..layer }.into();
    let name = network.add(name, std::slice::from_ref(&x.layer), make, weights);
    Ok(x.through(&name, &x.shape))
}

/// A node under conversion, with its inputs.
pub(super) struct Reader<'a, 'b> {
    pub network: &'a mut Network,
    pub node: Node<'b>,
    pub inputs: &'a [Option<Value>],
    pub name: &'a str,
}

impl<'a> Reader<'a, '_> {
    pub(super) fn flow(&self, n: usize) -> Said<&'a Flow> {
        match self.inputs.get(n) {
            Some(Some(Value::Flow(flow))) => Ok(flow),
            _ => Err(format!("input {} does not follow from the image", n + 1)),
        }
    }

    pub fn constant(&self, n: usize) -> Said<&'a Tensor> {
        self.optional(n)?.ok_or_else(|| format!("input {} is missing", n + 1))
    }

    pub fn optional(&self, n: usize) -> Said<Option<&'a Tensor>> {
        match self.inputs.get(n) {
            Some(Some(Value::Constant(tensor))) => Ok(Some(tensor)),
            Some(Some(_)) => {
                Err(format!("input {} follows from the image; it must be part of the file", n + 1))
            }
            _ => Ok(None),
        }
    }

    /// Appends a table whose rows the whole numbers `x` look up.
    fn lookup(&mut self, x: &Flow, table: &Tensor) -> Said<Flow> {
        let [words, units] = table.shape[..] else {
            return Err(format!("in a table of shape {:?}; a row of it has to be a vector", table.shape));
        };
        if !matches!(self.node.int("axis", 0), 0 | -2) {
            return Err("in the columns of a table; its rows have to be looked up".into());
        }
        if !x.whole {
            return Err("by numbers that are not whole; cast the input to int64".into());
        }
        let count: usize = x.shape.iter().product();
        let make = |name| Embedding { name, ..Embedding::new(words, units) }.into();
        let flow = self.one(x, &[count, units], make, vec![("embeddings", table.clone())]);
        Ok(Flow { whole: false, cut: false, axes: super::plain(2), ..flow })
    }

    /// Appends a layer with one input.
    pub(super) fn one(
        &mut self,
        x: &Flow,
        shape: &[usize],
        make: impl FnOnce(Option<String>) -> Layer,
        weights: Vec<(&str, Tensor)>,
    ) -> Flow {
        let name = self.network.add(self.name, std::slice::from_ref(&x.layer), make, weights);
        x.through(&name, shape)
    }

    pub(super) fn activation(&mut self, x: &Flow, activation: ActivationName) -> Said<Flow> {
        if x.axes.contains(&Axis::Directions) || x.raw {
            x.settled()?;
        }
        let positive = ["relu", "relu6", "sigmoid", "hard_sigmoid", "softplus", "exponential", "softmax"];
        let make = |name| Activation { activation, name }.into();
        let flow = self.one(x, &x.shape, make, Vec::new());
        Ok(Flow { positive: positive.contains(&activation.name()), ..flow })
    }

    /// Refuses a softmax over another axis than the last.
    fn over_classes(&self, x: &Flow) -> Said<()> {
        // Before version 13, Softmax works over all axes from this one on.
        let old = self.network.opset < 13;
        let at = x.axis(self.node.int("axis", if old { 1 } else { -1 }))?;
        if !x.settled()?.is_last(at) || old && at + 1 != x.axes.len() {
            return Err("over an axis other than that of channels or classes".into());
        }
        Ok(())
    }

    /// The activation that an operator computes.
    pub(super) fn named_activation(&self) -> Said<ActivationName> {
        let node = &self.node;
        let name = match (node.activation(), node.op()) {
            (Some(name), _) => name,
            (None, "Clip") => {
                let bound = |n: usize, name| -> Said<Option<f32>> {
                    match self.optional(n)? {
                        Some(t) if t.len() == 1 => Ok(t.reals()?.first().copied()),
                        Some(t) => {
                            Err(format!("to bounds of the shape {:?}, expected one number each", t.shape))
                        }
                        None => Ok(node.attribute(name).and_then(|a| a.f)),
                    }
                };
                match (bound(1, "min")?, bound(2, "max")?) {
                    (Some(0.0), Some(f32::MAX)) => "relu",
                    (Some(0.0), Some(6.0)) => "relu6",
                    (Some(0.0), None) => "relu",
                    (low, high) => {
                        let words = |bound: Option<f32>| bound.map_or("no bound".into(), |x| x.to_string());
                        let (low, high) = (words(low), words(high));
                        return Err(format!(
                            "from {low} to {high}; wgrad has relu (from 0 on) and relu6 (from 0 to 6)"
                        ));
                    }
                }
            }
            (None, "Elu" | "Selu" | "HardSigmoid" | "Swish") => {
                return Err("with an unusual alpha or beta; wgrad only has the usual ones".into());
            }
            _ => return Err(format!("is not supported; supported are {}", super::OPERATORS.join(", "))),
        };
        activations::activation(name).map(ActivationName::Elementwise).map_err(|e| e.to_string())
    }

    /// Combines x with a constant: a bias of the previous layer, or a scale and a shift for each channel.
    pub(super) fn with_constant(&mut self, x: &Flow, c: &Tensor, first: bool, sole: bool) -> Said<Flow> {
        let op = self.node.op();
        if c.shape.len() > x.axes.len() {
            return Err(format!("a constant {:?} with more axes than {:?}", c.shape, x.lens()));
        }
        let scalar = (c.len() == 1).then(|| c.reals().map(|v| v[0])).transpose()?;
        if x.raw {
            let by_255 = match (op, scalar, first) {
                ("Div", Some(v), false) => v == 255.0,
                ("Mul", Some(v), _) => (v * 255.0 - 1.0).abs() < 1e-6,
                _ => false,
            };
            return match by_255 {
                true => Ok(Flow { raw: false, ..x.clone() }),
                false => x.settled().cloned(),
            };
        }
        if x.axes.contains(&Axis::Directions) {
            x.settled()?;
        }
        if op == "Add" && x.sole && sole && self.einsum_bias(x, c) {
            return Ok(x.clone());
        }
        let c = self.by_channel(x, c)?;
        if x.sole && sole && (op == "Add" && self.bias(x, &c) || self.normal(x, &c)) {
            return Ok(x.clone());
        }
        let channels = c.len();
        let all = |value: f32| Tensor::real(&[channels], vec![value; channels]);
        let each = |f: fn(f32) -> f32| -> Said<Tensor> {
            Ok(Tensor::real(&[channels], c.reals()?.iter().map(|v| f(*v)).collect()))
        };
        let (scale, shift) = match (op, first) {
            ("Add", _) => (all(1.0), c.clone()),
            ("Mul", _) => (c.clone(), all(0.0)),
            ("Sub", false) => (all(1.0), each(|v| -v)?),
            ("Sub", true) => (all(-1.0), c.clone()),
            ("Div", false) => (each(|v| 1.0 / v)?, all(0.0)),
            _ => return Err("a constant divided by a value of the network".into()),
        };
        affine(self.network, self.name, x, &scale, &shift)
    }

    /// Converts a constant that broadcasts over all axes except the channels to one number for each channel.
    pub(super) fn by_channel(&self, x: &Flow, c: &Tensor) -> Said<Tensor> {
        c.reals()?;
        let channels = x.shape.last().copied().unwrap_or(1);
        if c.len() == 1 {
            return c.reshaped(&[1])?.expanded(&[channels]);
        }
        let last =
            x.axes.iter().position(|axis| *axis == Axis::Of(x.shape.len())).ok_or("no axis of channels")?;
        let behind = x.axes.len() - last;
        let longer =
            c.shape.iter().rev().enumerate().filter(|(n, len)| **len != 1 && n + 1 != behind).count();
        if longer > 0 || c.len() != channels {
            return Err(format!("a constant {:?}; it must be one number, or one for each channel", c.shape));
        }
        let flat = c.reshaped(&[channels])?;
        Ok(reordered(&flat, x))
    }

    /// Returns true if the previous layer takes `c` as its bias.
    pub(super) fn bias(&mut self, x: &Flow, c: &Tensor) -> bool {
        let Some(built) = self.network.layer(x.layer.as_deref()) else { return false };
        if let Layer::MultiHeadAttention(_) = built.layer {
            let name = built.name.clone();
            return heads::output_bias(self.network, &name, c);
        }
        let flag = match &mut built.layer {
            Layer::Dense(layer) => &mut layer.use_bias,
            Layer::Conv1D(layer) => &mut layer.use_bias,
            Layer::Conv2D(layer) => &mut layer.use_bias,
            Layer::DepthwiseConv2D(layer) => &mut layer.use_bias,
            _ => return false,
        };
        if *flag {
            return false;
        }
        *flag = true;
        let name = built.name.clone();
        self.network.set(&name, "bias", c.clone());
        true
    }
}

/// Reorders one number per channel to wgrad's order.
pub(super) fn reordered(c: &Tensor, x: &Flow) -> Tensor {
    let Some(gather) = &x.gather else { return c.clone() };
    let mut from = vec![0; gather.len()];
    for (n, to) in gather.iter().enumerate() {
        from[*to] = n;
    }
    c.pick(&c.shape, &from)
}
