//! What the recurrent layers share: their arguments in one form, parameters, forward and backward in one direction. The
//! product with the input is one for all steps; one dispatch runs over time, and one back; the gradients of the weights
//! are again one product each.

use super::ActivationName;
use crate::{
    initializer::{Initializer, KernelInitializer},
    kernels::{
        CONCATENATE, GRU_FORWARD, GRU_GRAD, LSTM_FORWARD, LSTM_GRAD, MATMUL, MATMUL_GRAD_INPUT,
        MATMUL_GRAD_WEIGHT, SIMPLE_RNN_FORWARD, SIMPLE_RNN_GRAD,
    },
    op::{Activation, At, Call, Op},
    program::{Builder, ParameterId, ValueId},
};

/// What a layer does with its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// One product, one activation.
    Simple,
    /// Four gates and a cell.
    Lstm,
    /// Three gates, the reset behind the product.
    Gru,
}

impl Cell {
    /// How many products of `units` a step has.
    pub(crate) fn gates(self) -> usize {
        match self {
            Self::Simple => 1,
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    fn operations(self) -> (&'static Op, &'static Op) {
        match self {
            Self::Simple => (&SIMPLE_RNN_FORWARD, &SIMPLE_RNN_GRAD),
            Self::Lstm => (&LSTM_FORWARD, &LSTM_GRAD),
            Self::Gru => (&GRU_FORWARD, &GRU_GRAD),
        }
    }
}

/// A recurrent layer in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Recurrence {
    pub cell: Cell,
    pub units: usize,
    pub activation: ActivationName,
    /// Of the gates; no matter where there are none.
    pub recurrent_activation: ActivationName,
    pub use_bias: bool,
    /// Whether the state behind every step comes out, or the last one only.
    pub sequences: bool,
    /// Whether time runs from its end.
    pub backwards: bool,
    /// Whether the step that was treated last comes out first: the second of two directions.
    pub flip: bool,
    pub kernel: KernelInitializer,
    pub recurrent_kernel: KernelInitializer,
    /// Whether the bias of an LSTM's forget gate starts at one.
    pub open: bool,
}

/// What one direction keeps for its gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// What comes out.
    pub y: ValueId,
    /// The state before each step.
    h: ValueId,
    /// Gates and cell, where there are any.
    gates: ValueId,
    c: ValueId,
}

impl Run {
    /// As a list, for [`super::Place::saved`].
    pub fn saved(self) -> [ValueId; 4] {
        [self.y, self.h, self.gates, self.c]
    }

    /// From such a list.
    pub fn restored([y, h, gates, c]: [ValueId; 4]) -> Self {
        Self { y, h, gates, c }
    }
}

/// Where a direction stands: its label, its input (time, features), its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub label: &'a str,
    pub x: ValueId,
    pub input: &'a [usize],
    pub parameters: &'a [ParameterId],
}

impl Site<'_> {
    fn time(&self) -> usize {
        self.input[0]
    }

    fn features(&self) -> usize {
        self.input[1]
    }
}

/// Keras's default activation of states.
pub(super) fn tanh() -> ActivationName {
    ActivationName::Elementwise(&crate::kernels::TANH)
}

/// Keras's default activation of gates.
pub(super) fn sigmoid() -> ActivationName {
    ActivationName::Elementwise(&crate::kernels::SIGMOID)
}

/// Keras's default start of recurrent kernels.
pub(super) fn orthogonal() -> KernelInitializer {
    KernelInitializer::Orthogonal
}

impl Recurrence {
    /// The shape that comes out of (time, features), or what does not fit.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if self.units == 0 {
            return Err("units is 0; it needs at least one".into());
        }
        let ActivationName::Elementwise(Activation { at: At::Output, .. }) = self.activation else {
            return Err(format!(
                "activation is {:?}; the gradient of a recurrent layer follows from its states, so choose one like \
                 tanh, sigmoid, relu, softsign or linear",
                self.activation
            ));
        };
        if !["sigmoid", "hard_sigmoid"].contains(&self.recurrent_activation.name()) {
            return Err(format!(
                "recurrent_activation is {:?}, expected sigmoid or hard_sigmoid",
                self.recurrent_activation
            ));
        }
        let [time, _] = input else {
            let total: usize = input.iter().product();
            let rows = input.first().copied().unwrap_or(1).max(1);
            return Err(format!(
                "it takes (time, features), got {input:?}; put Reshape before it, such as target_shape = [{rows}, {}]",
                total / rows
            ));
        };
        Ok(if self.sequences { vec![*time, self.units] } else { vec![self.units] })
    }

    /// Kernel, recurrent kernel and bias, in Keras's shapes and order of gates.
    pub fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let (features, units) = (input.last().copied().unwrap_or(1), self.units);
        let columns = self.cell.gates() * units;
        let mut all = vec![
            ("kernel", vec![features, columns], self.kernel.of(features, columns)),
            ("recurrent_kernel", vec![units, columns], self.recurrent_kernel.of(units, columns)),
        ];
        let start = match self.open && self.cell == Cell::Lstm {
            true => Initializer::OnesWithin { from: units, to: 2 * units },
            false => Initializer::Zeros,
        };
        if self.use_bias {
            let shape = if self.cell == Cell::Gru { vec![2, columns] } else { vec![columns] };
            all.push(("bias", shape, start));
        }
        all
    }

    /// How many tensors [`Recurrence::parameters`] lists.
    pub fn tensors(&self) -> usize {
        2 + usize::from(self.use_bias)
    }

    /// The product with the input: rows for all steps at once, columns, features.
    fn of_input(&self, b: &Builder, site: &Site<'_>) -> [(&'static str, usize); 3] {
        let rows = b.batch() * site.time();
        [("M", rows), ("N", self.cell.gates() * self.units), ("K", site.features())]
    }

    fn call(&self, b: &Builder, site: &Site<'_>, op: &'static Op) -> Call {
        let ActivationName::Elementwise(activation) = self.activation else { return Call::new(op, &[]) };
        let flag = |name, on: bool| (name, usize::from(on));
        let mut sizes = vec![
            ("ROWS", b.batch()),
            ("TIME", site.time()),
            ("UNITS", self.units),
            ("OUT", if self.sequences { site.time() } else { 1 }),
            flag("REVERSE", self.backwards),
            flag("FLIP", self.flip),
        ];
        if self.cell != Cell::Simple {
            sizes.push(flag("GATE", self.recurrent_activation.name() == "hard_sigmoid"));
        }
        Call::new(op, &sizes).activated(activation)
    }

    /// Appends the forward pass.
    pub fn forward(&self, b: &mut Builder, site: Site<'_>) -> Run {
        let Site { label, x, parameters, .. } = site;
        let (time, n, gates) = (site.time(), self.units, self.cell.gates());
        let (w, u) = (b.parameter(parameters[0]), b.parameter(parameters[1]));
        let bias = parameters.get(2).copied();
        let z = b.batched(&format!("{label} input product"), &[time, gates, n]);
        // The two biases of a GRU are one tensor, which its own kernel takes.
        let added = b.bias(bias.filter(|_| self.cell != Cell::Gru), gates * n);
        let product = Call::new(&MATMUL, &self.of_input(b, &site));
        b.call(label, product, &[("y", z), ("x", x), ("w", w), ("b", added)]);

        let shape = if self.sequences { vec![time, n] } else { vec![n] };
        let h = b.batched(&format!("{label} states"), &[time, n]);
        let y = b.batched(label, &shape);
        let mut run = Run { y, h, gates: h, c: h };
        // `y` is not the first that is written: a layer behind must not put its activation into this kernel.
        let mut buffers = vec![("h", h), ("y", y), ("z", z), ("u", u)];
        let mut call = self.call(b, &site, self.cell.operations().0);
        if self.cell != Cell::Simple {
            run.gates = b.batched(&format!("{label} gates"), &[time, 4, n]);
            buffers.push(("gates", run.gates));
        }
        if self.cell == Cell::Lstm {
            run.c = b.batched(&format!("{label} cell"), &[time, n]);
            buffers.push(("c", run.c));
        }
        if self.cell == Cell::Gru {
            call = call.with("BIASES", if self.use_bias { 2.0 } else { 1.0 });
            buffers.push(("bias", b.bias(bias, gates * n)));
        }
        b.call(label, call, &buffers);
        run
    }

    /// Appends the backward pass; the gradient of the input if `wanted`.
    pub fn backward(
        &self,
        b: &mut Builder,
        site: Site<'_>,
        run: Run,
        dy: ValueId,
        wanted: bool,
    ) -> Option<ValueId> {
        let Site { label, x, parameters, .. } = site;
        let (time, n, gates) = (site.time(), self.units, self.cell.gates());
        let (w, u) = (b.parameter(parameters[0]), b.parameter(parameters[1]));
        let dz = b.batched(&format!("d {label} input product"), &[time, gates, n]);
        let dh = b.batched(&format!("d {label} first state"), &[n]);
        let mut dq = dz;
        let mut buffers = vec![("dz", dz), ("dh", dh), ("dy", dy), ("u", u)];
        match self.cell {
            Cell::Simple => buffers.extend([("y", run.y), ("h", run.h)]),
            Cell::Lstm => {
                let dc = b.batched(&format!("d {label} first cell"), &[n]);
                buffers.extend([("dc", dc), ("gates", run.gates), ("c", run.c)]);
            }
            Cell::Gru => {
                dq = b.batched(&format!("d {label} recurrent product"), &[time, gates, n]);
                buffers.extend([("dq", dq), ("gates", run.gates), ("h", run.h)]);
            }
        }
        let call = self.call(b, &site, self.cell.operations().1);
        b.call(label, call, &buffers);

        let bias = parameters.get(2).copied();
        let gru = bias.filter(|_| self.cell == Cell::Gru);
        let of_input = self.of_input(b, &site);
        let of_state = [of_input[0], of_input[1], ("K", n)];
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
            let dx = b.batched(&format!("d {label} input"), site.input);
            let call = Call::new(&MATMUL_GRAD_INPUT, &of_input).activated(b.fused(x));
            b.call(label, call, &[("dx", dx), ("dy", dz), ("w", w), ("x", x)]);
            dx
        })
    }
}

/// Lets a struct with a method `recurrence` answer as a layer of one direction.
macro_rules! one_direction {
    ($layer:ident, $slug:literal) => {
        impl super::Rules for $layer {
            fn slug(&self) -> &'static str {
                $slug
            }

            fn given_name(&self) -> Option<&str> {
                self.name.as_deref()
            }

            fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
                self.fits()?;
                self.recurrence().output_shape(input)
            }

            fn parameters(
                &self,
                input: &[usize],
            ) -> Vec<(&'static str, Vec<usize>, crate::initializer::Initializer)> {
                self.recurrence().parameters(input)
            }

            fn forward(
                &self,
                b: &mut crate::program::Builder,
                place: &mut super::Place,
            ) -> crate::program::ValueId {
                let run = self.recurrence().forward(b, super::recurrence::site(place));
                place.saved = run.saved().to_vec();
                run.y
            }

            fn backward(
                &self,
                b: &mut crate::program::Builder,
                place: &super::Place,
                dy: crate::program::ValueId,
                wanted: bool,
            ) -> Option<crate::program::ValueId> {
                let run = super::recurrence::Run::restored(std::array::from_fn(|n| place.saved[n]));
                self.recurrence().backward(b, super::recurrence::site(place), run, dy, wanted)
            }
        }
    };
}
pub(super) use one_direction;

/// Where a layer of one direction stands.
pub(super) fn site(place: &super::Place) -> Site<'_> {
    Site { label: &place.name, x: place.x, input: &place.input, parameters: &place.parameters }
}
