//! Recognises activations that a file composes of simpler operators, with factors in any order: GELU by `Erf`, hard
//! swish by `Clip`, a leaky rectifier by `Max` or `Where`, and so on. There is no list of forms. Elementwise
//! operators from one value to another are a function of one number, and such functions are compared by their
//! values. Normalizations that are composed, by the root mean square or of groups, are found by their nodes.

use super::known;
use crate::onnx::{
    attributes::Node,
    import::pointwise::{self, Scalar},
    proto::{GraphProto, NodeProto},
    tensor::{Data, Tensor},
};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};
use wgrad::op::activations;

/// Maximum number of operators of one activation.
const MOST: usize = 24;

/// Maximum number of operators that are examined as long as they cannot be an activation.
const FEW: usize = 6;

/// Maximum number of operator evaluations at the probe points for all activations of a file; it limits the time.
const WORK: usize = 200_000;

/// Operators without a bend: they alone never make an activation.
const STRAIGHT: [&str; 8] = ["Add", "Cast", "Div", "Identity", "Mul", "Neg", "Pow", "Sub"];

/// A recognised function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    /// The activation of this name.
    Named(&'static str),
    /// x where it is positive, else x times this slope.
    Slope(f32),
}

/// A unit of the import.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// A single node.
    Node(&'a NodeProto),
    /// Several nodes up to `last` that compute an activation of `input`; `rank` is the largest rank of the
    /// constants in them.
    Written { last: &'a NodeProto, input: &'a str, function: Function, rank: usize },
    /// Several nodes up to `last` that compute x / √(mean of x² + epsilon) of the value `input`; `mean` is one of them.
    RootMeanSquare { last: &'a NodeProto, input: &'a str, mean: &'a NodeProto, epsilon: f32 },
    /// A Reshape, an InstanceNormalization, and a Reshape, which may normalize groups of channels.
    Groups { split: &'a NodeProto, normal: &'a NodeProto, last: &'a NodeProto },
}

impl<'a> Step<'a> {
    /// The node that produces the output.
    pub fn node(&self) -> &'a NodeProto {
        match self {
            Self::Node(node) => node,
            Self::Written { last, .. } | Self::RootMeanSquare { last, .. } | Self::Groups { last, .. } => {
                last
            }
        }
    }

    /// Names of the inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &'a str> {
        let behind = |node: &'a NodeProto| node.input.get(1..).unwrap_or_default();
        let (one, all) = match *self {
            Self::Node(node) => (None, [&node.input[..], &[], &[]]),
            Self::Written { input, .. } => (Some(input), [&[][..]; 3]),
            Self::RootMeanSquare { input, mean, .. } => (Some(input), [behind(mean), &[], &[]]),
            Self::Groups { split, normal, last } => (None, [&split.input[..], behind(normal), behind(last)]),
        };
        one.into_iter().chain(all.into_iter().flatten().map(String::as_str))
    }
}

/// The constants with one element, by name.
fn scalars<'a>(nodes: &[&'a NodeProto], graph: &'a GraphProto) -> BTreeMap<&'a str, Scalar> {
    let scalar = |tensor: Tensor| {
        let value = match &tensor.data {
            Data::Real(values) => f64::from(*values.first()?),
            Data::Whole(values) => *values.first()? as f64,
        };
        (tensor.len() == 1).then_some(Scalar { value, rank: tensor.shape.len() })
    };
    let small = graph.initializer.iter().filter(|t| t.dims.iter().all(|len| *len == 1));
    let given = small.filter_map(|t| Some((t.name.as_str(), scalar(Tensor::from_proto(t).ok()?)?)));
    let made = nodes
        .iter()
        .filter(|node| node.op_type == "Constant")
        .filter_map(|node| Some((node.output.first()?.as_str(), scalar(Node(node).constant().ok()?)?)));
    given.chain(made).collect()
}

/// Converts sorted `nodes` to steps; the nodes of a composed activation become one step.
pub(super) fn steps<'a>(nodes: &[&'a NodeProto], graph: &'a GraphProto, output: &'a str) -> Vec<Step<'a>> {
    let scalars = scalars(nodes, graph);
    let gives: BTreeMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .flat_map(|(n, node)| node.output.iter().map(move |o| (o.as_str(), n)))
        .collect();
    let kinds = nodes.iter().map(|node| Kind::of(node)).collect();
    let finder = Finder { nodes, scalars, gives, kinds, work: Cell::new(0) };
    let mut wanted: BTreeSet<&str> = BTreeSet::from([output]);
    let mut steps = Vec::new();
    for (n, node) in nodes.iter().enumerate().rev() {
        if !node.output.iter().any(|name| wanted.contains(name.as_str())) {
            continue;
        }
        let step = finder.groups(n).or_else(|| finder.root_mean_square(n)).or_else(|| finder.find(n));
        let step = step.unwrap_or(Step::Node(node));
        wanted.extend(step.inputs());
        steps.push(step);
    }
    steps.reverse();
    steps
}

/// Properties of a node.
struct Kind {
    /// True if the node works elementwise, as a known function.
    pointwise: bool,
    /// True if the node alone is an activation, or the identity.
    own: bool,
    /// True if the node's function may bend; an activation requires one that does.
    bends: bool,
}

impl Kind {
    fn of(node: &NodeProto) -> Self {
        let ours = ["", "ai.onnx"].contains(&node.domain.as_str()) && node.output.len() == 1;
        let op = node.op_type.as_str();
        Self {
            pointwise: ours && pointwise::known(op) && known::attributes(&Node(node)).is_ok(),
            own: op == "Identity" || Node(node).activation().is_some(),
            bends: !STRAIGHT.contains(&op),
        }
    }
}

struct Finder<'a, 'b> {
    nodes: &'b [&'a NodeProto],
    kinds: Vec<Kind>,
    scalars: BTreeMap<&'a str, Scalar>,
    /// Index of the node that produces each value.
    gives: BTreeMap<&'a str, usize>,
    /// Number of operators evaluated so far.
    work: Cell<usize>,
}

impl<'a> Finder<'a, '_> {
    /// The node whose first output is this value, if it is this operator, as ONNX has it.
    fn node(&self, value: &str, op: &str) -> Option<&'a NodeProto> {
        let node = self.nodes[*self.gives.get(value)?];
        let ours = ["", "ai.onnx"].contains(&node.domain.as_str());
        let first = node.output.first().is_some_and(|output| output == value);
        (ours && first && node.op_type == op && known::attributes(&Node(node)).is_ok()).then_some(node)
    }

    /// What may be a normalization of groups that ends in node `n`.
    fn groups(&self, n: usize) -> Option<Step<'a>> {
        let last = self.node(self.nodes[n].output.first()?, "Reshape")?;
        let normal = self.node(last.input.first()?, "InstanceNormalization")?;
        let split = self.node(normal.input.first()?, "Reshape")?;
        Some(Step::Groups { split, normal, last })
    }

    /// A normalization by the root mean square that ends in node `n`.
    fn root_mean_square(&self, n: usize) -> Option<Step<'a>> {
        if !self.kinds[n].pointwise {
            return None;
        }
        let last = self.nodes[n];
        let [first, second] = &last.input[..] else { return None };
        let reciprocal = |value: &'a String| Some(self.node(value, "Reciprocal")?.input.first()?.as_str());
        let ways: [Option<(&'a String, &str)>; 2] = match last.op_type.as_str() {
            "Div" => [Some((first, second)), None],
            "Mul" => {
                [reciprocal(second).map(|root| (first, root)), reciprocal(first).map(|root| (second, root))]
            }
            _ => [None, None],
        };
        ways.into_iter().flatten().find_map(|(x, root)| {
            let sum = self.node(self.node(root, "Sqrt")?.input.first()?, "Add")?;
            let [a, b] = &sum.input[..] else { return None };
            let (mean, epsilon) = match (self.scalars.get(a.as_str()), self.scalars.get(b.as_str())) {
                (None, Some(epsilon)) => (a, epsilon),
                (Some(epsilon), None) => (b, epsilon),
                _ => return None,
            };
            let mean = self.node(mean, "ReduceMean")?;
            let square = mean.input.first()?;
            let by_itself = self.node(square, "Mul").is_some_and(|node| node.input == [x.clone(), x.clone()]);
            let power = || {
                let node = self.node(square, "Pow")?;
                let two = self.scalars.get(node.input.get(1)?.as_str())?.value == 2.0;
                (two && node.input.first() == Some(x)).then_some(())
            };
            let epsilon = epsilon.value as f32;
            (by_itself || power().is_some()).then_some(Step::RootMeanSquare { last, input: x, mean, epsilon })
        })
    }

    /// The longest composed activation that ends in node `n`. All paths from one value to the node are included.
    fn find(&self, n: usize) -> Option<Step<'a>> {
        if !self.kinds[n].pointwise {
            return None;
        }
        let mut region = BTreeSet::from([n]);
        // Is some operator not an activation alone? Does some operator bend?
        let (mut others, mut bent) = (!self.kinds[n].own, self.kinds[n].bends);
        // The inputs of the region, by the index of the node that produces each; values without such a node come
        // last.
        let mut edge: BTreeSet<(usize, &str)> = BTreeSet::new();
        self.enter(n, &mut edge);
        let mut found = None;
        loop {
            if let (true, 1, Some((_, input))) = (others && bent, edge.len(), edge.first()) {
                found = self.function(&region, n, input).or(found);
            }
            // The input is the last in order: no other remaining input depends on it.
            let Some((next, _)) = edge.pop_last() else { break };
            let Some(next) = next.checked_sub(1).filter(|next| self.kinds[*next].pointwise) else { break };
            region.insert(next);
            (others, bent) = (others || !self.kinds[next].own, bent || self.kinds[next].bends);
            let most = if others && bent { MOST } else { FEW };
            if region.len() > most {
                break;
            }
            self.enter(next, &mut edge);
        }
        found
    }

    /// Adds the inputs of node `n`, except for constants with one element.
    fn enter(&self, n: usize, edge: &mut BTreeSet<(usize, &'a str)>) {
        let taken = self.nodes[n].input.iter().map(String::as_str);
        let taken = taken.filter(|name| !name.is_empty() && !self.scalars.contains_key(name));
        edge.extend(taken.map(|name| (self.gives.get(name).map_or(0, |n| n + 1), name)));
    }

    /// The activation that `region` computes of `input`.
    fn function(&self, region: &BTreeSet<usize>, last: usize, input: &'a str) -> Option<Step<'a>> {
        self.work.set(self.work.get() + region.len());
        if self.work.get() > WORK {
            return None;
        }
        let nodes: Vec<&NodeProto> = region.iter().map(|n| self.nodes[*n]).collect();
        let output = self.nodes[last].output.first()?;
        let evaluate = |points: &[f64]| pointwise::evaluate(&nodes, &self.scalars, input, output, points);
        let constants: Vec<Scalar> = nodes
            .iter()
            .flat_map(|node| &node.input)
            .filter_map(|name| self.scalars.get(name.as_str()).copied())
            .collect();
        let function = recognised(&evaluate, &constants)?;
        let rank = constants.iter().map(|scalar| scalar.rank).max().unwrap_or(0);
        Some(Step::Written { last: self.nodes[last], input, function, rank })
    }
}

/// A few points that distinguish most functions.
const PROBE: [f64; 8] = [-7.3, -3.1, -1.0, -0.37, 0.29, 1.0, 2.6, 7.1];

/// Tolerance relative to the activation's value or 1, whichever is larger: constants in files are rounded.
const APART: f64 = 1e-6;

/// Recognises a function of one number as an activation. `constants` show where it may bend.
fn recognised(evaluate: &dyn Fn(&[f64]) -> Option<Vec<f64>>, constants: &[Scalar]) -> Option<Function> {
    let near = evaluate(&PROBE)?;
    let slope = -near[2];
    let one = |x: f64| if x > 0.0 { x } else { slope * x };
    let fits = |value: &dyn Fn(f64) -> f64, points: &[f64], found: &[f64]| {
        points.iter().zip(found).all(|(x, y)| {
            let expected = value(*x);
            // Far from zero, a composed form may overflow where the activation itself does not.
            let beyond = !y.is_finite() && x.abs() > 80.0;
            beyond || (y - expected).abs() <= APART * expected.abs().max(1.0)
        })
    };
    let named = activations::ACTIVATIONS.iter().filter(|a| a.name != "linear");
    let named = named.filter(|a| fits(&a.value, &PROBE, &near)).map(|a| Some(*a));
    let all: Vec<_> = named.collect();
    let sloped = (slope - 1.0).abs() > 1e-3 && fits(&one, &PROBE, &near);
    if all.is_empty() && !sloped {
        return None;
    }
    // Compare everywhere: densely where activations bend, at and near all constants, and far from zero.
    let mut points: Vec<f64> = (-480..=480).map(|n| f64::from(n) / 24.0 + 1e-3).collect();
    points.extend([20.0, 33.0, 57.0, 78.0, 1e3, 1e4, 1e6, 1e12, 1e30].iter().flat_map(|x| [*x, -x]));
    for Scalar { value: c, .. } in constants.iter().filter(|c| c.value.is_finite()) {
        points.extend([*c, -c, 0.5 * c, -0.5 * c, 2.0 * c, c + 1.0, c - 1.0, c * 1.01, c * 0.99, 1.0 / c]);
    }
    points.retain(|x| x.is_finite());
    let found = evaluate(&points)?;
    for activation in all.into_iter().flatten() {
        if fits(&activation.value, &points, &found) {
            return Some(Function::Named(activation.name));
        }
    }
    (sloped && fits(&one, &points, &found)).then_some(Function::Slope(slope as f32))
}
