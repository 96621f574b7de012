//! Twins of the recurrent layers over all their steps, and of their gradients. Rounding errors of a state are inputs of
//! the next step: they are carried on as independent of each other, until they are no longer small.

use super::{EPSILON, Expected, Inputs, Sum};
use crate::{
    kernels::{HARD_SIGMOID, SIGMOID},
    op::Activation,
};

/// An error of a state, of numbers about one, that is no longer small.
const LARGE: f64 = 0.01;

/// The sizes of a call, and where its steps lie.
struct Course {
    rows: usize,
    time: usize,
    units: usize,
    out: usize,
    reverse: bool,
    flip: bool,
    gate: &'static Activation,
}

impl Course {
    fn of(i: &Inputs<'_>) -> Self {
        let [rows, time, units, out] = i.sizes(["ROWS", "TIME", "UNITS", "OUT"]);
        let [reverse, flip] = i.sizes(["REVERSE", "FLIP"]).map(|flag| flag == 1);
        let gate = if i.size("GATE") == 1 { &HARD_SIGMOID } else { &SIGMOID };
        Self { rows, time, units, out, reverse, flip, gate }
    }

    /// The place in (ROWS · TIME) that a step of `row` treats.
    fn moment(&self, row: usize, step: usize) -> usize {
        row * self.time + if self.reverse { self.time - 1 - step } else { step }
    }

    /// The place in (ROWS · OUT) of the state behind a step, if y holds it.
    fn output(&self, row: usize, step: usize) -> Option<usize> {
        match self.out == self.time {
            true => Some(row * self.time + if self.flip { self.time - 1 - step } else { step }),
            false => (step + 1 == self.time).then_some(row),
        }
    }

    /// All (row, step) in the order of the forward pass.
    fn steps(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> + use<> {
        let (rows, time) = (self.rows, self.time);
        (0..rows).flat_map(move |row| (0..time).map(move |step| (row, step)))
    }

    /// Zeros for `columns` numbers a moment.
    fn moments(&self, columns: usize) -> Vec<Sum> {
        vec![Sum::new(); self.rows * self.time * columns]
    }

    /// Σ values(k) · weight(k)
    fn product(&self, values: &[Sum], weight: impl Fn(usize) -> f64) -> Sum {
        let (mut sum, mut square) = (Sum::new(), 0.0);
        for (k, value) in values.iter().enumerate() {
            sum.add(value.value * weight(k));
            square += (value.allowed() * weight(k)).powi(2);
        }
        sum.widen(square.sqrt())
    }

    /// The same for states, which activations bend: where random weights have made a state's error large, it is
    /// neither small nor independent of the others any more, and only the worst case holds.
    fn product_of_states(&self, states: &[Sum], weight: impl Fn(usize) -> f64) -> Sum {
        let sum = self.product(states, &weight);
        if states.iter().all(|state| state.allowed() <= LARGE) {
            return sum;
        }
        sum.widen(states.iter().enumerate().map(|(k, state)| (state.allowed() * weight(k)).abs()).sum())
    }

    /// The state behind `step` goes where the next step and y find it.
    fn hand_on(&self, (row, step): (usize, usize), state: &[Sum], h: &mut [Sum], y: &mut [Sum]) {
        if step + 1 < self.time {
            h[self.moment(row, step + 1) * self.units..][..self.units].copy_from_slice(state);
        }
        if let Some(at) = self.output(row, step) {
            y[at * self.units..][..self.units].copy_from_slice(state);
        }
    }

    /// The gradient of the state behind a step: what later steps left, and dy.
    fn arriving(&self, (row, step): (usize, usize), j: usize, dh: &[Sum], dy: &[f64]) -> Sum {
        let mut d = dh[row * self.units + j];
        if let Some(at) = self.output(row, step) {
            d.add(dy[at * self.units + j]);
        }
        d
    }
}

/// a · b, both with errors of their own.
fn times(a: Sum, b: Sum) -> Sum {
    let value = a.value * b.value;
    let (off_a, off_b) = (a.allowed(), b.allowed());
    let off = a.value.abs() * off_b + b.value.abs() * off_a + off_a * off_b;
    Sum::within(value, off + 2.0 * EPSILON * value.abs())
}

/// a + b, both with errors of their own.
fn plus(a: Sum, b: Sum) -> Sum {
    let rounding = 2.0 * EPSILON * (a.value.abs() + b.value.abs());
    Sum::within(a.value + b.value, a.allowed() + b.allowed() + rounding)
}

fn with(mut sum: Sum, term: f64) -> Sum {
    sum.add(term);
    sum
}

fn real(name: &'static str, values: Vec<Sum>) -> (&'static str, Expected) {
    (name, Expected::Real(values))
}

/// y = activate(z + h · u) step after step, h the state before each
pub fn simple_rnn_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (z, u, n) = (i.real("z"), i.real("u"), course.units);
    let (mut h, mut y) = (course.moments(n), vec![Sum::new(); course.rows * course.out * n]);
    for at in course.steps() {
        let now = course.moment(at.0, at.1) * n;
        let of = |j: usize| {
            with(course.product_of_states(&h[now..][..n], |k| u[k * n + j]), z[now + j]).through(i.activation)
        };
        let state: Vec<Sum> = (0..n).map(of).collect();
        course.hand_on(at, &state, &mut h, &mut y);
    }
    vec![real("h", h), real("y", y)]
}

/// dz = dh · activate_grad(y), and before each step dh = dz · uᵀ
pub fn simple_rnn_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (dy, y, h, u, n) = (i.real("dy"), i.real("y"), i.real("h"), i.real("u"), course.units);
    let (mut dz, mut dh) = (course.moments(n), vec![Sum::new(); course.rows * n]);
    for at in course.steps().rev() {
        let now = course.moment(at.0, at.1) * n;
        for j in 0..n {
            let state = match course.output(at.0, at.1) {
                Some(place) => y[place * n + j],
                None => h[course.moment(at.0, at.1 + 1) * n + j],
            };
            dz[now + j] = course.arriving(at, j, &dh, dy).sloped(i.activation, state);
        }
        for k in 0..n {
            dh[at.0 * n + k] = course.product(&dz[now..][..n], |j| u[k * n + j]);
        }
    }
    vec![real("dz", dz), real("dh", dh)]
}

/// i, f, o = gate(z + h · u), g = activate(z + h · u), c = f · c + i · g, y = o · activate(c)
pub fn lstm_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (z, u, n) = (i.real("z"), i.real("u"), course.units);
    let (mut h, mut y) = (course.moments(n), vec![Sum::new(); course.rows * course.out * n]);
    let (mut gates, mut c) = (course.moments(4 * n), course.moments(n));
    for at in course.steps() {
        let now = course.moment(at.0, at.1);
        let mut state = vec![Sum::new(); n];
        for j in 0..n {
            let four = [0, 1, 2, 3].map(|gate| {
                let sum = course.product_of_states(&h[now * n..][..n], |k| u[(4 * k + gate) * n + j]);
                let activation = if gate == 2 { i.activation } else { course.gate };
                let value = with(sum, z[(4 * now + gate) * n + j]).through(activation);
                gates[(4 * now + gate) * n + j] = value;
                value
            });
            let mut cell = times(four[0], four[2]);
            if at.1 > 0 {
                cell = plus(cell, times(four[1], c[course.moment(at.0, at.1 - 1) * n + j]));
            }
            c[now * n + j] = cell;
            state[j] = times(four[3], cell.through(i.activation));
        }
        course.hand_on(at, &state, &mut h, &mut y);
    }
    vec![real("h", h), real("y", y), real("gates", gates), real("c", c)]
}

/// dz of an LSTM's four gates, and what is left of dh and dc before the first step
pub fn lstm_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (dy, gates, c, u, n) = (i.real("dy"), i.real("gates"), i.real("c"), i.real("u"), course.units);
    let (mut dh, mut dc) = (vec![Sum::new(); course.rows * n], vec![Sum::new(); course.rows * n]);
    let mut dz = course.moments(4 * n);
    for at in course.steps().rev() {
        let now = course.moment(at.0, at.1);
        for j in 0..n {
            let [of_i, of_f, of_g, of_o] = [0, 1, 2, 3].map(|gate| gates[(4 * now + gate) * n + j]);
            let earlier = if at.1 > 0 { c[course.moment(at.0, at.1 - 1) * n + j] } else { 0.0 };
            let t = Sum::exact(c[now * n + j]).through(i.activation);
            let d = course.arriving(at, j, &dh, dy);
            // t is off by a little, and so is the slope at it.
            let slope = |t: f64| (i.activation.grad)(t);
            let bent = [t.value - t.allowed(), t.value + t.allowed()]
                .map(|near| (slope(near) - slope(t.value)).abs());
            let through = d.times(of_o).sloped(i.activation, t.value);
            let through = through.widen((d.value * of_o).abs() * bent[0].max(bent[1]));
            let dcell = plus(dc[at.0 * n + j], through);
            let four = [
                dcell.times(of_g).sloped(course.gate, of_i),
                dcell.times(earlier).sloped(course.gate, of_f),
                dcell.times(of_i).sloped(i.activation, of_g),
                times(d, t).sloped(course.gate, of_o),
            ];
            for (gate, value) in four.into_iter().enumerate() {
                dz[(4 * now + gate) * n + j] = value;
            }
            dc[at.0 * n + j] = dcell.times(of_f);
        }
        for k in 0..n {
            dh[at.0 * n + k] = course.product(&dz[4 * now * n..][..4 * n], |j| u[4 * k * n + j]);
        }
    }
    vec![real("dz", dz), real("dh", dh), real("dc", dc)]
}

/// q = h · u + bias, s, r = gate(z + q), g = activate(z + r · q), y = s · h + (1 - s) · g
pub fn gru_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (z, u, bias, n) = (i.real("z"), i.real("u"), i.real("bias"), course.units);
    let recurrent = &bias[3 * n * i.size("BIASES").saturating_sub(1)..];
    let (mut h, mut y) = (course.moments(n), vec![Sum::new(); course.rows * course.out * n]);
    let mut gates = course.moments(4 * n);
    for at in course.steps() {
        let now = course.moment(at.0, at.1);
        let mut state = vec![Sum::new(); n];
        for j in 0..n {
            let before = &h[now * n..][..n];
            let q = |gate: usize| {
                with(course.product_of_states(before, |k| u[(3 * k + gate) * n + j]), recurrent[gate * n + j])
            };
            let open = |gate: usize, q: Sum| with(with(q, z[(3 * now + gate) * n + j]), bias[gate * n + j]);
            let s = open(0, q(0)).through(course.gate);
            let r = open(1, q(1)).through(course.gate);
            let held = q(2);
            let g = open(2, times(r, held)).through(i.activation);
            let rest = plus(Sum::exact(1.0), s.times(-1.0));
            state[j] = plus(times(s, before[j]), times(rest, g));
            for (gate, value) in [s, r, g, held].into_iter().enumerate() {
                gates[(4 * now + gate) * n + j] = value;
            }
        }
        course.hand_on(at, &state, &mut h, &mut y);
    }
    vec![real("h", h), real("y", y), real("gates", gates)]
}

/// dz and dq of a GRU's three gates, and what is left of dh before the first step
pub fn gru_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (dy, gates, h, u, n) = (i.real("dy"), i.real("gates"), i.real("h"), i.real("u"), course.units);
    let mut dh = vec![Sum::new(); course.rows * n];
    let (mut dz, mut dq) = (course.moments(3 * n), course.moments(3 * n));
    for at in course.steps().rev() {
        let now = course.moment(at.0, at.1);
        for j in 0..n {
            let [s, r, g, held] = [0, 1, 2, 3].map(|gate| gates[(4 * now + gate) * n + j]);
            let d = course.arriving(at, j, &dh, dy);
            let ds = times(d, with(Sum::of(h[now * n + j]), -g)).sloped(course.gate, s);
            let dg = d.times(1.0 - s).widen(2.0 * EPSILON * d.value.abs()).sloped(i.activation, g);
            let dr = dg.times(held).sloped(course.gate, r);
            for (gate, value, recurrent) in [(0, ds, ds), (1, dr, dr), (2, dg, dg.times(r))] {
                dz[(3 * now + gate) * n + j] = value;
                dq[(3 * now + gate) * n + j] = recurrent;
            }
            dh[at.0 * n + j] = d.times(s);
        }
        for k in 0..n {
            let back = course.product(&dq[3 * now * n..][..3 * n], |j| u[3 * k * n + j]);
            dh[at.0 * n + k] = plus(dh[at.0 * n + k], back);
        }
    }
    vec![real("dz", dz), real("dq", dq), real("dh", dh)]
}
