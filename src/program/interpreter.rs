//! Interpreter of a whole program: runs the CPU twins in f64, without a device. Unlike a plan it shares no buffers,
//! chooses no variants and rounds nothing to f32.

use crate::{
    feed::{Batch, Step},
    op::twin::{Data, Inputs, Outputs, values},
    program::{Home, Node, ParameterId, Program, Value, ValueId},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// A program with all its values, in f64.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// The program that it runs.
    pub program: Program,
    /// The arena of parameters.
    pub parameters: Vec<f64>,
    /// The arena of gradients.
    pub gradients: Vec<f64>,
    /// The arenas of the optimizer's state.
    pub slots: Vec<Vec<f64>>,
    /// The arena of the weights' moving averages.
    pub averages: Vec<f64>,
    /// The arena that sums the gradients of a batch's parts.
    pub totals: Vec<f64>,
    /// Loss and number of correct predictions of the last steps, (slots, 2).
    pub results: Vec<f64>,
    /// The same of each of several outputs.
    pub heads: Vec<Vec<f64>>,
    /// Operations that have run, by name.
    pub ran: BTreeSet<&'static str>,
    temporaries: Vec<Option<Data>>,
}

/// The outputs that the twin of `node` computes from `buffers`.
pub fn expect(node: &Node, buffers: BTreeMap<&str, &Data>, batch: &Batch, step: Step) -> Outputs {
    let Node { call, .. } = node;
    call.op.twin(&Inputs { sizes: &call.sizes, buffers, activation: call.activation, step, batch })
}

impl Interpreter {
    /// An interpreter of `program` with `weights` as the arena of parameters and everything else zero.
    pub fn new(program: Program, weights: &[f32]) -> Self {
        let len = program.arena_len();
        let slot = |value: &Value| if let Home::Slot(n) = value.home { n + 1 } else { 0 };
        let slots = program.values.iter().map(slot).max().unwrap_or(0);
        let mut parameters: Vec<f64> = weights.iter().map(|w| f64::from(*w)).collect();
        parameters.resize(len, 0.0);
        Self {
            parameters,
            gradients: vec![0.0; len],
            slots: vec![vec![0.0; len]; slots],
            averages: vec![0.0; len],
            totals: vec![0.0; len],
            results: vec![0.0; 2 * program.slots],
            heads: vec![vec![0.0; 2 * program.slots]; program.heads],
            ran: BTreeSet::new(),
            temporaries: vec![None; program.values.len()],
            program,
        }
    }

    /// Runs every dispatch of a step.
    pub fn step(&mut self, batch: &Batch, step: Step) {
        self.run(0..self.program.nodes.len(), batch, step);
    }

    /// Runs the dispatches `range`; those before them must have run.
    pub fn run(&mut self, range: Range<usize>, batch: &Batch, step: Step) {
        for n in range {
            let node = &self.program.nodes[n];
            let bound: Vec<(&str, Cow<'_, Data>)> =
                node.buffers.iter().filter_map(|(name, value)| Some((*name, self.value(*value)?))).collect();
            let buffers = bound.iter().map(|(name, data)| (*name, &**data)).collect();
            let outputs = expect(node, buffers, batch, step);
            let written: Vec<(ValueId, Data)> = outputs
                .into_iter()
                .filter_map(|(name, expected)| {
                    let (_, value) = node.buffers.iter().find(|(bound, _)| *bound == name)?;
                    Some((*value, values(expected)))
                })
                .collect();
            self.ran.insert(node.call.op.name);
            for (value, data) in written {
                self.set(value, data);
            }
        }
    }

    /// The contents of a value; `None` for an intermediate that has not been written yet.
    pub fn value(&self, id: ValueId) -> Option<Cow<'_, Data>> {
        let value = &self.program.values[id.0];
        let offset = |p: ParameterId| self.program.parameters[p.0].offset;
        let owned = |arena: &[f64]| Some(Cow::Owned(Data::Real(arena.to_vec())));
        match value.home {
            Home::Temporary => self.temporaries[id.0].as_ref().map(Cow::Borrowed),
            Home::Parameter(p) => owned(&self.parameters[offset(p)..offset(p) + value.len()]),
            Home::Gradient(p) => owned(&self.gradients[offset(p)..offset(p) + value.len()]),
            Home::Parameters => owned(&self.parameters[..value.len()]),
            Home::Gradients => owned(&self.gradients[..value.len()]),
            Home::Slot(n) => owned(&self.slots[n][..value.len()]),
            Home::Averages => owned(&self.averages[..value.len()]),
            Home::Totals => owned(&self.totals[..value.len()]),
            Home::Results => owned(&self.results),
            Home::HeadResults(n) => owned(&self.heads[n]),
            Home::Zeros => Some(Cow::Owned(Data::Real(vec![0.0; value.len()]))),
            Home::Constant(n) => self.program.constants.get(n).map(Cow::Borrowed),
        }
    }

    /// The elements of an `f32` value; empty if it has not been written.
    pub fn real(&self, id: ValueId) -> Vec<f64> {
        match self.value(id).map(Cow::into_owned) {
            Some(Data::Real(values)) => values,
            _ => Vec::new(),
        }
    }

    /// Stores `data` in a value.
    pub fn set(&mut self, id: ValueId, data: Data) {
        let home = self.program.values[id.0].home;
        let start = match home {
            Home::Parameter(p) | Home::Gradient(p) => self.program.parameters[p.0].offset,
            _ => 0,
        };
        let arena = match home {
            Home::Temporary => {
                self.temporaries[id.0] = Some(data);
                return;
            }
            Home::Parameter(_) | Home::Parameters => &mut self.parameters,
            Home::Gradient(_) | Home::Gradients => &mut self.gradients,
            Home::Slot(n) => &mut self.slots[n],
            Home::Averages => &mut self.averages,
            Home::Totals => &mut self.totals,
            Home::Results => &mut self.results,
            Home::HeadResults(n) => &mut self.heads[n],
            Home::Zeros | Home::Constant(_) => return,
        };
        if let Data::Real(values) = data {
            arena[start..start + values.len()].copy_from_slice(&values);
        }
    }

    /// Mean loss of the step that wrote slot `step.slot`.
    pub fn loss(&self, step: &Step) -> f64 {
        self.results[2 * step.slot as usize] / f64::from(step.rows.max(1))
    }

    /// The dispatches from the first that reads `parameter` to the one that writes the loss: those that must run again
    /// when that parameter changes.
    pub fn forward_from(&self, parameter: ParameterId) -> Range<usize> {
        let touches = |home: Home| {
            move |node: &Node| node.buffers.iter().any(|(_, v)| self.program.values[v.0].home == home)
        };
        let nodes = &self.program.nodes;
        let first = nodes.iter().position(touches(Home::Parameter(parameter))).unwrap_or(0);
        let last = nodes.iter().rposition(touches(Home::Results)).map_or(nodes.len(), |n| n + 1);
        first..last
    }

    /// The dispatches before the update of the parameters: forward, loss, backward.
    pub fn without_update(&self) -> Range<usize> {
        let of_update = |home: Home| matches!(home, Home::Parameters | Home::Slot(_));
        let updates =
            |node: &Node| node.buffers.iter().any(|(_, v)| of_update(self.program.values[v.0].home));
        0..self.program.nodes.iter().position(updates).unwrap_or(self.program.nodes.len())
    }
}
