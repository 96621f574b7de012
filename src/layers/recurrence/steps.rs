//! The dispatches of a recurrent layer in one direction: forward through time, and backward.

use super::{Cell, Recurrence, Site};
use crate::{
    kernels::{
        CLEAR, CONCATENATE, GRU_CELL_FORWARD, GRU_CELL_GRAD, LSTM_CELL_FORWARD, LSTM_CELL_GRAD, MASKED_CELL,
        MASKED_GRADIENT, MASKED_STATE, MATMUL, MATMUL_GRAD_INPUT, MATMUL_GRAD_WEIGHT, RECURRENT_OUTPUT,
        SIMPLE_RNN_CELL_FORWARD, SIMPLE_RNN_CELL_GRAD,
    },
    layers::{ActivationName, mask},
    op::{Call, Op},
    program::{Builder, Home, ValueId},
};

impl Cell {
    /// The operations of a step: forward, which follows the product with the recurrent kernel, and backward, which
    /// precedes its gradient.
    fn operations(self) -> (&'static Op, &'static Op) {
        match self {
            Self::Simple => (&SIMPLE_RNN_CELL_FORWARD, &SIMPLE_RNN_CELL_GRAD),
            Self::Lstm => (&LSTM_CELL_FORWARD, &LSTM_CELL_GRAD),
            Self::Gru => (&GRU_CELL_FORWARD, &GRU_CELL_GRAD),
        }
    }

    /// Numbers that each unit stores of its gates for the gradient.
    fn kept(self) -> usize {
        match self {
            Self::Simple => 0,
            Self::Lstm => 4,
            Self::Gru => 5,
        }
    }
}

/// The values of one direction that the backward pass needs.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The output.
    pub y: ValueId,
    /// The product with the input; backward overwrites it with its gradient.
    z: ValueId,
    /// The state before each step.
    h: ValueId,
    /// The values that each step stores.
    steps: Vec<Kept>,
}

/// The values that a step stores: the state after it, and its gates and cell state where the cell has them.
#[derive(Clone, Copy, Debug)]
struct Kept {
    state: ValueId,
    gates: ValueId,
    cell: ValueId,
}

impl Run {
    /// Flattens the run into a list for [`crate::layers::Place::saved`].
    pub fn saved(&self) -> Vec<ValueId> {
        let steps = self.steps.iter().flat_map(|step| [step.state, step.gates, step.cell]);
        [self.y, self.z, self.h].into_iter().chain(steps).collect()
    }

    /// Restores the run from such a list.
    pub fn restored(saved: &[ValueId]) -> Self {
        let kept = |at: &[ValueId]| Kept { state: at[0], gates: at[1], cell: at[2] };
        Self { y: saved[0], z: saved[1], h: saved[2], steps: saved[3..].chunks_exact(3).map(kept).collect() }
    }
}

impl Recurrence {
    /// Sizes of the product with the input: rows of all steps at once, columns, features.
    fn of_input(&self, b: &Builder, site: &Site<'_>) -> [(&'static str, usize); 3] {
        let rows = b.batch() * site.time();
        [("M", rows), ("N", self.cell.gates() * self.units), ("K", site.features())]
    }

    /// Sizes of the product with the state in each step.
    fn of_state(&self, rows: usize) -> [(&'static str, usize); 3] {
        [("M", rows), ("N", self.cell.gates() * self.units), ("K", self.units)]
    }

    /// The call of `op`, equal in every step, so that all steps run one kernel.
    fn call(&self, b: &Builder, site: &Site<'_>, op: &'static Op) -> Call {
        let flag = |name, on: bool| (name, usize::from(on));
        let sizes = [
            ("ROWS", b.batch()),
            ("TIME", site.time()),
            ("UNITS", self.units),
            // Of a masked layer, the gradient of the output comes with that of the state.
            ("OUT", if self.sequences && site.mask.is_none() { site.time() } else { 1 }),
            flag("REVERSE", self.backwards),
            flag("FLIP", self.flip),
            flag("GATE", self.recurrent_activation.name() == "hard_sigmoid"),
            ("BIASES", 1 + usize::from(self.use_bias)),
        ];
        let taken: Vec<_> = sizes.into_iter().filter(|(name, _)| op.takes(name)).collect();
        Call::new(op, &taken)
    }

    /// The call of `op` together with the activation of the states.
    fn activated(&self, b: &Builder, site: &Site<'_>, op: &'static Op) -> Call {
        let call = self.call(b, site, op);
        match self.activation {
            ActivationName::Elementwise(activation) => call.activated(activation),
            _ => call,
        }
    }

    /// Appends a new value of zeros that later dispatches write in parts.
    fn cleared(&self, b: &mut Builder, label: &str, name: &str, shape: &[usize]) -> ValueId {
        let y = b.batched(name, shape);
        let count = b.batch() * shape.iter().product::<usize>();
        b.call(label, Call::new(&CLEAR, &[("COUNT", count)]), &[("y", y)]);
        y
    }

    /// Appends the forward pass.
    pub(crate) fn forward(&self, b: &mut Builder, site: Site<'_>) -> Run {
        let Site { label, x, parameters, .. } = site;
        let (time, n, gates) = (site.time(), self.units, self.cell.gates());
        let w = b.parameter(parameters[0]);
        let z = b.batched(&format!("{label} input product"), &[time, gates, n]);
        // The two biases of a GRU are one tensor, which the GRU's cell kernel reads.
        let bias = parameters.get(2).copied().filter(|_| self.cell != Cell::Gru);
        let added = b.bias(bias, gates * n);
        let product = Call::new(&MATMUL, &self.of_input(b, &site));
        b.call(label, product, &[("y", z), ("x", x), ("w", w), ("b", added)]);

        let h = self.cleared(b, label, &format!("{label} states"), &[time, n]);
        let mut steps: Vec<Kept> = Vec::with_capacity(time);
        for step in 0..time {
            let q = self.recurrent_product(b, &site, step, steps.last());
            let last = self.step(b, &site, (step, h, z, q), steps.last());
            steps.push(last);
        }
        let last = steps.last().map_or(h, |step| step.state);
        let y = if self.sequences { self.output(b, &site, h, last) } else { last };
        Run { y, z, h, steps }
    }

    /// Appends the product of the state before a step with the recurrent kernel. Before the first step the product is
    /// zero.
    fn recurrent_product(
        &self,
        b: &mut Builder,
        site: &Site<'_>,
        step: usize,
        before: Option<&Kept>,
    ) -> ValueId {
        let columns = self.cell.gates() * self.units;
        let Some(before) = before else { return self.nothing(b, columns) };
        let (u, none) = (b.parameter(site.parameters[1]), b.bias(None, columns));
        let q = b.batched(&format!("{} product {}", site.label, step + 1), &[columns]);
        let call = Call::new(&MATMUL, &self.of_state(b.batch()));
        b.call(site.label, call, &[("y", q), ("x", before.state), ("w", u), ("b", none)]);
        q
    }

    /// A value of zeros with `columns` numbers for each sequence.
    fn nothing(&self, b: &mut Builder, columns: usize) -> ValueId {
        let shape = vec![b.batch(), columns];
        b.fixed("zeros", shape, Home::Zeros)
    }

    /// Appends the cell of a step, which follows the product `q` of the state.
    fn step(
        &self,
        b: &mut Builder,
        site: &Site<'_>,
        (step, h, z, q): (usize, ValueId, ValueId, ValueId),
        before: Option<&Kept>,
    ) -> Kept {
        let (label, n) = (site.label, self.units);
        let number = b.index("step", step as u32);
        let mut named =
            |what: &str, columns: usize| b.batched(&format!("{label} {what} {}", step + 1), &[columns]);
        let state = named("state", n);
        let mut kept = Kept { state, gates: state, cell: state };
        // `state` is not the first buffer that the kernel writes, so a following layer cannot fuse its activation into
        // this kernel.
        let mut buffers = vec![("h", h), ("state", state), ("z", z), ("step", number)];
        if self.cell != Cell::Simple {
            kept.gates = named("gates", self.cell.kept() * n);
            buffers.push(("gates", kept.gates));
        }
        let call = self.activated(b, site, self.cell.operations().0);
        match self.cell {
            Cell::Simple => buffers.push(("q", q)),
            Cell::Lstm => {
                kept.cell = b.batched(&format!("{label} cell {}", step + 1), &[n]);
                let before = before.map_or_else(|| self.nothing(b, n), |before| before.cell);
                buffers.extend([("c", kept.cell), ("q", q), ("before", before)]);
            }
            Cell::Gru => {
                let bias = b.bias(site.parameters.get(2).copied(), self.cell.gates() * n);
                let before = before.map_or_else(|| self.nothing(b, n), |before| before.state);
                buffers.extend([("product", q), ("before", before), ("bias", bias)]);
            }
        }
        let before = buffers.iter().find(|(name, _)| *name == "before").map(|(_, before)| *before);
        b.call(label, call, &buffers);
        if let Some(mask) = site.mask {
            let call = self.call(b, site, &MASKED_STATE);
            b.call(label, call, &[("h", h), ("state", state), ("mask", mask), ("step", number)]);
            if let (Cell::Lstm, Some(before)) = (self.cell, before) {
                let call = self.call(b, site, &MASKED_CELL);
                let buffers = [("c", kept.cell), ("before", before), ("mask", mask), ("step", number)];
                b.call(label, call, &buffers);
            }
        }
        kept
    }

    /// Appends the copy of the states after every step into the order of the output.
    fn output(&self, b: &mut Builder, site: &Site<'_>, h: ValueId, last: ValueId) -> ValueId {
        let y = b.batched(site.label, &[site.time(), self.units]);
        let call = self.call(b, site, &RECURRENT_OUTPUT);
        b.call(site.label, call, &[("y", y), ("h", h), ("last", last)]);
        self.zeroed(b, site, y)
    }

    /// Appends the zeros of the steps that do not count, to the output or to its gradient, if they are wanted.
    fn zeroed(&self, b: &mut Builder, site: &Site<'_>, y: ValueId) -> ValueId {
        match site.mask.filter(|_| self.zero && self.sequences) {
            Some(mask) => mask::rows(b, site.label, y, mask, 0.0),
            None => y,
        }
    }

    /// Appends the backward pass and returns the gradient of the input if `wanted`.
    pub(crate) fn backward(
        &self,
        b: &mut Builder,
        site: Site<'_>,
        run: &Run,
        dy: ValueId,
        wanted: bool,
    ) -> Option<ValueId> {
        let Site { label, x, parameters, .. } = site;
        let (n, gates) = (self.units, self.cell.gates());
        let dz = run.z;
        let dq = self.through_time(b, &site, run, dy);

        let bias = parameters.get(2).copied();
        let gru = bias.filter(|_| self.cell == Cell::Gru);
        let of_input = self.of_input(b, &site);
        let of_state = self.of_state(b.batch() * site.time());
        let (dw, du) = (b.gradient(parameters[0]), b.gradient(parameters[1]));
        let db = b.bias_gradient(bias.filter(|_| gru.is_none()), gates * n);
        let call = Call::new(&MATMUL_GRAD_WEIGHT, &of_input);
        b.call(label, call, &[("dw", dw), ("db", db), ("x", x), ("dy", dz)]);
        let recurrent = b.temporary(&format!("d {label} recurrent bias"), vec![gates * n]);
        let call = Call::new(&MATMUL_GRAD_WEIGHT, &of_state);
        b.call(label, call, &[("dw", du), ("db", recurrent), ("x", run.h), ("dy", dq)]);
        if let Some(bias) = gru {
            let both = b.gradient(bias);
            let sizes = [("ROWS", 1), ("A", gates * n), ("B", gates * n)];
            b.call(label, Call::new(&CONCATENATE, &sizes), &[("y", both), ("a", db), ("b", recurrent)]);
        }
        wanted.then(|| {
            let w = b.parameter(parameters[0]);
            let dx = b.batched(&format!("d {label} input"), site.input);
            let call = Call::new(&MATMUL_GRAD_INPUT, &of_input).activated(b.fused(x));
            b.call(label, call, &[("dx", dx), ("dy", dz), ("w", w), ("x", x)]);
            dx
        })
    }

    /// Appends the steps from last to first, which overwrite z with dz. Returns dq for all steps, the gradient of the
    /// product with the state. It equals dz except for a GRU.
    fn through_time(&self, b: &mut Builder, site: &Site<'_>, run: &Run, dy: ValueId) -> ValueId {
        let (label, n, gates) = (site.label, self.units, self.cell.gates());
        let u = b.parameter(site.parameters[1]);
        let dy = self.zeroed(b, site, dy);
        let mut held = site.mask.map(|mask| Held::new(self, b, site, mask, dy));
        let mut own = vec![("dz", run.z), ("dy", if held.is_some() { self.nothing(b, n) } else { dy })];
        let mut all_dq = run.z;
        // What the cell updates in place: the gradient of an LSTM's cell, or what passes a GRU's gates.
        let mut through = None;
        match self.cell {
            Cell::Simple => {}
            Cell::Lstm => {
                through = Some(("dc", self.cleared(b, label, &format!("d {label} cell"), &[n])));
            }
            Cell::Gru => {
                let name = format!("d {label} recurrent product");
                all_dq = self.cleared(b, label, &name, &[site.time(), gates, n]);
                own.push(("all_dq", all_dq));
                through = Some(("past", self.cleared(b, label, &format!("d {label} past the gates"), &[n])));
            }
        }
        let mut dh = self.nothing(b, n);
        for (step, kept) in run.steps.iter().enumerate().rev() {
            let number = b.index("step", step as u32);
            if let Some(held) = &mut held {
                (dh, through) = held.let_through(b, number, dh, through);
            }
            let dq = b.batched(&format!("d {label} product {}", step + 1), &[gates, n]);
            let mut buffers = [own.as_slice(), &[("dq", dq), ("dh", dh), ("step", number)]].concat();
            buffers.extend(through);
            match self.cell {
                Cell::Simple => buffers.push(("state", kept.state)),
                Cell::Lstm => {
                    let before = step.checked_sub(1).map(|before| run.steps[before].cell);
                    let before = before.unwrap_or_else(|| self.nothing(b, n));
                    buffers.extend([("gates", kept.gates), ("before", before)]);
                }
                Cell::Gru => buffers.push(("gates", kept.gates)),
            }
            let call = self.activated(b, site, self.cell.operations().1);
            b.call(label, call, &buffers);
            if step > 0 {
                let before = run.steps[step - 1].state;
                dh = b.batched(&format!("d {label} state {step}"), &[n]);
                let call = Call::new(&MATMUL_GRAD_INPUT, &self.of_state(b.batch()));
                b.call(label, call, &[("dx", dh), ("dy", dq), ("w", u), ("x", before)]);
            }
        }
        all_dq
    }
}

/// The gradients of states and cells behind the steps of a masked layer that do not count. They are held for the step
/// before, while the cell of such a step gets zeros.
struct Held<'r> {
    recurrence: &'r Recurrence,
    label: &'r str,
    mask: ValueId,
    /// The gradient of the output.
    dy: ValueId,
    /// The call for a state, whose gradient also comes from the output, and for a cell.
    calls: [Call; 2],
    /// What is held of the state and of an LSTM's cell.
    held: [ValueId; 2],
}

impl<'r> Held<'r> {
    fn new(recurrence: &'r Recurrence, b: &mut Builder, site: &Site<'r>, mask: ValueId, dy: ValueId) -> Self {
        let (label, n) = (site.label, recurrence.units);
        let call = |out: usize| {
            let call = recurrence.call(b, site, &MASKED_GRADIENT);
            call.with("OUT", out as f64)
        };
        let calls = [call(if recurrence.sequences { site.time() } else { 1 }), call(1)];
        let held = recurrence.cleared(b, label, &format!("d {label} held"), &[n]);
        let of_cell = match recurrence.cell {
            Cell::Lstm => recurrence.cleared(b, label, &format!("d {label} cell held"), &[n]),
            Cell::Simple | Cell::Gru => held,
        };
        Self { recurrence, label, mask, dy, calls, held: [held, of_cell] }
    }

    /// Returns the gradients that go through the cell of a step: of its state, and of what the cell updates in place.
    fn let_through(
        &mut self,
        b: &mut Builder,
        step: ValueId,
        dh: ValueId,
        through: Option<(&'static str, ValueId)>,
    ) -> (ValueId, Option<(&'static str, ValueId)>) {
        let n = self.recurrence.units;
        let nothing = self.recurrence.nothing(b, n);
        match (self.recurrence.cell, through) {
            (Cell::Lstm, Some((name, dc))) => {
                let d = self.split(b, step, 0, dh, self.dy);
                (d, Some((name, self.split(b, step, 1, dc, nothing))))
            }
            (Cell::Gru, Some((name, past))) => {
                let whole = b.sum(self.label, dh, past);
                let d = self.split(b, step, 0, whole, self.dy);
                let past =
                    self.recurrence.cleared(b, self.label, &format!("d {} past the gates", self.label), &[n]);
                (d, Some((name, past)))
            }
            _ => (self.split(b, step, 0, dh, self.dy), through),
        }
    }

    /// Splits a gradient, of the state (0) or the cell (1), by the mask of a step.
    fn split(&self, b: &mut Builder, step: ValueId, which: usize, dh: ValueId, dy: ValueId) -> ValueId {
        let d = b.batched(&format!("d {} through", self.label), &[self.recurrence.units]);
        let buffers = [
            ("d", d),
            ("held", self.held[which]),
            ("dh", dh),
            ("dy", dy),
            ("mask", self.mask),
            ("step", step),
        ];
        b.call(self.label, self.calls[which].clone(), &buffers);
        d
    }
}
