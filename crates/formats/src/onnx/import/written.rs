//! Activations that a file writes out as simpler operators: GELU by `Erf`, hard swish by `Clip`, a leaky rectifier by
//! `Max` or `Where`, and so on, in whatever order of factors. Nothing is compared with a list of forms: operators that go
//! element by element from one value to another are a function of one number, and functions are compared.

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

/// The most operators of which one activation is made.
const MOST: usize = 24;

/// The most that are looked at without one that makes them an activation.
const FEW: usize = 6;

/// How many operators are computed at a few points in all, for the activations of a file: its limit is time.
const WORK: usize = 200_000;

/// Operators that bend nothing: no activation is made of these alone.
const STRAIGHT: [&str; 8] = ["Add", "Cast", "Div", "Identity", "Mul", "Neg", "Pow", "Sub"];

/// What a function of one number is here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    /// An activation of that name.
    Named(&'static str),
    /// x above zero, this times x below.
    Slope(f32),
}

/// One thing to be read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// A node as it is.
    Node(&'a NodeProto),
    /// Several nodes up to `last` that are an activation of `input`; `rank` is the most axes that a constant in it has.
    Written { last: &'a NodeProto, input: &'a str, function: Function, rank: usize },
}

impl<'a> Step<'a> {
    /// The node that gives its output.
    pub fn node(&self) -> &'a NodeProto {
        match self {
            Self::Node(node) => node,
            Self::Written { last, .. } => last,
        }
    }

    /// The values that it takes.
    pub fn inputs(&self) -> impl Iterator<Item = &'a str> {
        let (all, one) = match self {
            Self::Node(node) => (&node.input[..], None),
            Self::Written { input, .. } => (&[][..], Some(*input)),
        };
        all.iter().map(String::as_str).chain(one)
    }
}

/// The constants of one number, by name.
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

/// `nodes`, sorted, as steps: written-out activations in one.
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
        let step = finder.find(n).unwrap_or(Step::Node(node));
        wanted.extend(step.inputs());
        steps.push(step);
    }
    steps.reverse();
    steps
}

/// What matters of a node here.
struct Kind {
    /// It goes element by element, as a function that is known.
    pointwise: bool,
    /// It is an activation by itself, or nothing.
    own: bool,
    /// It may be a part of an activation without which there is none.
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
    /// The node that gives a value.
    gives: BTreeMap<&'a str, usize>,
    /// Operators that were computed.
    work: Cell<usize>,
}

impl<'a> Finder<'a, '_> {
    /// The longest written-out activation that ends in node `n`: all ways from one value to it are looked at.
    fn find(&self, n: usize) -> Option<Step<'a>> {
        if !self.kinds[n].pointwise {
            return None;
        }
        let mut region = BTreeSet::from([n]);
        // Whether some are no activations by themselves, and whether some bend.
        let (mut others, mut bent) = (!self.kinds[n].own, self.kinds[n].bends);
        // What the region takes, by the node that gives it; what no node gives comes last in going back.
        let mut edge: BTreeSet<(usize, &str)> = BTreeSet::new();
        self.enter(n, &mut edge);
        let mut found = None;
        loop {
            if let (true, 1, Some((_, input))) = (others && bent, edge.len(), edge.first()) {
                found = self.function(&region, n, input).or(found);
            }
            // The last in order: nothing else that is left leads to it.
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

    /// Adds what node `n` takes, but for constants of one number.
    fn enter(&self, n: usize, edge: &mut BTreeSet<(usize, &'a str)>) {
        let taken = self.nodes[n].input.iter().map(String::as_str);
        let taken = taken.filter(|name| !name.is_empty() && !self.scalars.contains_key(name));
        edge.extend(taken.map(|name| (self.gives.get(name).map_or(0, |n| n + 1), name)));
    }

    /// The activation that `region` makes of `input`.
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

/// A few points, by which most functions are told apart.
const PROBE: [f64; 8] = [-7.3, -3.1, -1.0, -0.37, 0.29, 1.0, 2.6, 7.1];

/// How far a function may be from the activation that it is taken for, of its value or of 1: constants are rounded.
const APART: f64 = 1e-6;

/// The activation that a function of one number is; `constants` tell where it may change its course.
fn recognised(evaluate: &dyn Fn(&[f64]) -> Option<Vec<f64>>, constants: &[Scalar]) -> Option<Function> {
    let near = evaluate(&PROBE)?;
    let slope = -near[2];
    let one = |x: f64| if x > 0.0 { x } else { slope * x };
    let fits = |value: &dyn Fn(f64) -> f64, points: &[f64], found: &[f64]| {
        points.iter().zip(found).all(|(x, y)| {
            let expected = value(*x);
            // Far out a written-out form may overflow where the activation itself does not.
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
    // Everywhere: closely where activations bend, at all constants and beside them, and far out.
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
