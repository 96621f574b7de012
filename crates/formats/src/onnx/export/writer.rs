//! Builds a graph node by node, with unique names, initializers, and transposes where the order of axes changes.

use super::super::{
    proto::{
        AttributeProto, Dimension, GraphProto, NodeProto, TensorShapeProto, TensorTypeProto, TypeProto,
        ValueInfoProto, attribute, kind,
    },
    tensor::Tensor,
};
use std::collections::{BTreeMap, BTreeSet};

/// A value between two layers.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Name of the value in the graph.
    pub name: String,
    /// Shape in wgrad, without the batch.
    pub shape: Vec<usize>,
    /// True if the value is (batch, channels, height, width) or (batch, channels, time) in the graph; all others are in
    /// wgrad's order.
    pub nchw: bool,
}

impl Flow {
    /// A value with this order of axes, and another name and shape.
    pub fn to(&self, name: String, shape: &[usize]) -> Self {
        Self { name, shape: shape.to_vec(), nchw: self.nchw }
    }
}

/// An attribute with one integer.
pub(super) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(i), r#type: attribute::INT, ..AttributeProto::default() }
}

/// An attribute with several integers.
pub(super) fn ints(name: &str, ints: &[usize]) -> AttributeProto {
    let ints = ints.iter().map(|n| *n as i64).collect();
    AttributeProto { name: name.into(), ints, r#type: attribute::INTS, ..AttributeProto::default() }
}

/// An attribute with one float.
pub(super) fn float(name: &str, f: f64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        f: Some(f as f32),
        r#type: attribute::FLOAT,
        ..AttributeProto::default()
    }
}

/// An attribute with several floats.
pub(super) fn floats(name: &str, floats: &[f64]) -> AttributeProto {
    let floats = floats.iter().map(|v| *v as f32).collect();
    AttributeProto { name: name.into(), floats, r#type: attribute::FLOATS, ..AttributeProto::default() }
}

/// An attribute with one string.
pub(super) fn text(name: &str, s: &str) -> AttributeProto {
    let s = Some(s.as_bytes().to_vec());
    AttributeProto { name: name.into(), s, r#type: attribute::STRING, ..AttributeProto::default() }
}

/// An attribute with several strings.
pub(super) fn texts(name: &str, strings: &[&str]) -> AttributeProto {
    let strings = strings.iter().map(|s| s.as_bytes().to_vec()).collect();
    AttributeProto { name: name.into(), strings, r#type: attribute::STRINGS, ..AttributeProto::default() }
}

/// A graph under construction.
pub(super) struct Writer {
    pub graph: GraphProto,
    taken: BTreeSet<String>,
    turned: BTreeMap<String, String>,
}

fn described(name: &str, element: i32, batch: &str, shape: &[usize]) -> ValueInfoProto {
    let free = Dimension { dim_param: Some(batch.to_string()), dim_value: None };
    let fixed = shape.iter().map(|n| Dimension { dim_value: Some(*n as i64), dim_param: None });
    let shape = TensorShapeProto { dim: std::iter::once(free).chain(fixed).collect() };
    let tensor_type = Some(TensorTypeProto { elem_type: element, shape: Some(shape) });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }), doc_string: String::new() }
}

impl Writer {
    /// An empty graph that reserves these names.
    pub fn new(reserved: &[&str]) -> Self {
        let taken = reserved.iter().map(ToString::to_string).collect();
        Self { graph: GraphProto::default(), taken, turned: BTreeMap::new() }
    }

    /// The first unused name of `wanted`, `wanted_2`, ...
    fn unique(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_string();
        let mut n = 1;
        while !self.taken.insert(name.clone()) {
            n += 1;
            name = format!("{wanted}_{n}");
        }
        name
    }

    /// Declares an input whose first axis has variable length.
    pub fn input(&mut self, name: &str, element: i32, batch: &str, shape: &[usize]) {
        self.graph.input.push(described(name, element, batch, shape));
    }

    /// Declares an output whose first axis has variable length.
    pub fn output(&mut self, name: &str, batch: &str, shape: &[usize]) {
        self.graph.output.push(described(name, kind::FLOAT, batch, shape));
    }

    /// Adds an initializer, unless layers that share it have added it before. Returns its name.
    pub fn constant(&mut self, wanted: &str, tensor: Tensor) -> String {
        if self.taken.contains(wanted) {
            let (known, same) = (&self.graph.initializer, tensor.to_proto(wanted));
            if known.contains(&same) {
                return same.name;
            }
        }
        let name = self.unique(wanted);
        self.graph.initializer.push(tensor.to_proto(&name));
        name
    }

    /// Adds an initializer of integers. Returns its name.
    pub fn whole(&mut self, wanted: &str, numbers: &[i64]) -> String {
        self.constant(wanted, Tensor::whole(&[numbers.len()], numbers.to_vec()))
    }

    /// Appends a node with one output. Node and output are called `wanted` if that is unused.
    pub fn node(
        &mut self,
        op: &str,
        wanted: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let name = self.unique(wanted);
        self.named(op, &name, inputs, attributes);
        name
    }

    /// Appends a node whose one output has exactly this name.
    pub fn named(&mut self, op: &str, name: &str, inputs: &[&str], attributes: Vec<AttributeProto>) {
        self.many(op, name, inputs, &[name], attributes);
    }

    /// Appends a node with several outputs.
    pub fn many(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        outputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) {
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: outputs.iter().map(ToString::to_string).collect(),
            name: name.into(),
            op_type: op.into(),
            attribute,
            ..NodeProto::default()
        });
    }

    /// Reserves an unused name like `wanted`, for one of several outputs.
    pub fn free(&mut self, wanted: &str) -> String {
        self.unique(wanted)
    }

    /// Renames the value `name` to that of an output.
    pub fn call_output(&mut self, name: &str, output: &str) {
        if self.graph.input.iter().any(|input| input.name == name) {
            return self.named("Identity", output, &[name], Vec::new());
        }
        for node in &mut self.graph.node {
            for value in node.input.iter_mut().chain(&mut node.output).filter(|value| *value == name) {
                *value = output.to_string();
            }
        }
    }

    /// Appends a transposition.
    pub fn transpose(&mut self, wanted: &str, x: &str, order: &[usize]) -> String {
        self.node("Transpose", wanted, &[x], vec![ints("perm", order)])
    }

    /// Appends a dropout, which does nothing outside of training.
    pub fn dropout(&mut self, wanted: &str, x: &str, rate: f64) -> String {
        let rate = self.constant(&format!("{wanted}/rate"), Tensor::real(&[], vec![rate as f32]));
        self.node("Dropout", wanted, &[x, &rate], Vec::new())
    }

    fn turned(&mut self, flow: &Flow, order: &[usize], suffix: &str) -> Flow {
        let name = match self.turned.get(&flow.name) {
            Some(name) => name.clone(),
            None => self.transpose(&format!("{}/{suffix}", flow.name), &flow.name, order),
        };
        self.turned.insert(flow.name.clone(), name.clone());
        self.turned.insert(name.clone(), flow.name.clone());
        Flow { name, shape: flow.shape.clone(), nchw: !flow.nchw }
    }

    /// `flow` with channels first, if it is an image or a sequence.
    pub fn nchw(&mut self, flow: &Flow) -> Flow {
        match (flow.nchw, flow.shape.len()) {
            (false, 3) => self.turned(flow, &[0, 3, 1, 2], "nchw"),
            (false, 2) => self.turned(flow, &[0, 2, 1], "nct"),
            _ => flow.clone(),
        }
    }

    /// `flow` in wgrad's order of axes.
    pub fn nhwc(&mut self, flow: &Flow) -> Flow {
        match (flow.nchw, flow.shape.len()) {
            (true, 3) => self.turned(flow, &[0, 2, 3, 1], "nhwc"),
            (true, 2) => self.turned(flow, &[0, 2, 1], "ntc"),
            _ => flow.clone(),
        }
    }
}
