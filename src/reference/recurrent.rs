//! Twins of one step of a recurrent layer and of its gradient, and of the operations before and after all steps.

use crate::op::{
    Activation,
    activations::{HARD_SIGMOID, SIGMOID},
    twin::{EPSILON, Expected, Inputs, Sum},
};

/// The sizes of a call, and its time step.
pub(super) struct Course {
    rows: usize,
    pub time: usize,
    pub units: usize,
    /// The step that the call computes.
    pub now: usize,
    reverse: bool,
    flip: bool,
    gate: &'static Activation,
}

impl Course {
    pub fn of(i: &Inputs<'_>) -> Self {
        let [rows, time, units] = i.sizes(["ROWS", "TIME", "UNITS"]);
        let [reverse, flip] = i.sizes(["REVERSE", "FLIP"]).map(|flag| flag == 1);
        let now = i.indices("step").first().map_or(0, |step| *step as usize);
        let gate = if i.size("GATE") == 1 { &HARD_SIGMOID } else { &SIGMOID };
        Self { rows, time, units, now, reverse, flip, gate }
    }

    /// The index in (ROWS · TIME) of a step of `row`.
    pub fn moment(&self, row: usize, step: usize) -> usize {
        row * self.time + if self.reverse { self.time - 1 - step } else { step }
    }

    /// All elements of a state: row, unit, index.
    pub fn numbers(&self) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
        let (rows, units) = (self.rows, self.units);
        (0..rows).flat_map(move |row| (0..units).map(move |j| (row, j, row * units + j)))
    }

    /// Zeros for `columns` numbers of each row.
    pub fn zeros(&self, columns: usize) -> Vec<Sum> {
        vec![Sum::new(); self.rows * columns * self.units]
    }

    /// Writes the state after this step to where the next step reads its previous state.
    fn hand_on(&self, h: &[f64], state: &[Sum]) -> Vec<Sum> {
        let mut h = kept(h);
        if self.now + 1 < self.time {
            for (row, j, at) in self.numbers() {
                h[self.moment(row, self.now + 1) * self.units + j] = state[at];
            }
        }
        h
    }

    /// Gradient of the state after this step: `parts` from earlier calls, and dy if y holds that state.
    pub fn arriving(&self, i: &Inputs<'_>, (row, j): (usize, usize), parts: &[f64]) -> Sum {
        let mut d = Sum::new();
        parts.iter().for_each(|part| d.add(*part));
        let place = match i.size("OUT") == self.time {
            true => row * self.time + if self.flip { self.time - 1 - self.now } else { self.now },
            false if self.now + 1 == self.time => row,
            false => return d,
        };
        d.add(i.real("dy")[place * self.units + j]);
        d
    }
}

/// The contents of a buffer that is only partly written.
pub(super) fn kept(values: &[f64]) -> Vec<Sum> {
    values.iter().map(|v| Sum::exact(*v)).collect()
}

/// a · b, each with its own error.
fn times(a: Sum, b: Sum) -> Sum {
    let value = a.value * b.value;
    let (off_a, off_b) = (a.allowed(), b.allowed());
    let off = a.value.abs() * off_b + b.value.abs() * off_a + off_a * off_b;
    Sum::within(value, off + 2.0 * EPSILON * value.abs())
}

/// a + b, each with its own error.
fn plus(a: Sum, b: Sum) -> Sum {
    let rounding = 2.0 * EPSILON * (a.value.abs() + b.value.abs());
    Sum::within(a.value + b.value, a.allowed() + b.allowed() + rounding)
}

fn sum(terms: &[f64]) -> Sum {
    let mut sum = Sum::new();
    terms.iter().for_each(|term| sum.add(*term));
    sum
}

fn with(mut sum: Sum, term: f64) -> Sum {
    sum.add(term);
    sum
}

pub(super) fn real(name: &'static str, values: Vec<Sum>) -> (&'static str, Expected) {
    (name, Expected::Real(values))
}

/// y = 0
pub fn clear(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    vec![real("y", vec![Sum::exact(0.0); i.size("COUNT")])]
}

/// y = the state after every step: h of the next one, and the last
pub fn recurrent_output(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (h, last, n) = (i.real("h"), i.real("last"), course.units);
    let mut y = Vec::with_capacity(h.len());
    for row in 0..course.rows {
        for place in 0..course.time {
            let step = if course.flip { course.time - 1 - place } else { place };
            let state = match step + 1 < course.time {
                true => &h[course.moment(row, step + 1) * n..][..n],
                false => &last[row * n..][..n],
            };
            y.extend(kept(state));
        }
    }
    vec![real("y", y)]
}

/// state = activate(z + q)
pub fn simple_rnn_cell_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (q, z, n) = (i.real("q"), i.real("z"), course.units);
    let of = |(row, j, at): (usize, usize, usize)| {
        sum(&[q[at], z[course.moment(row, course.now) * n + j]]).through(i.activation)
    };
    let state: Vec<Sum> = course.numbers().map(of).collect();
    vec![real("h", course.hand_on(i.real("h"), &state)), real("state", state)]
}

/// dz = (dh + dy) · activate_grad(state)
pub fn simple_rnn_cell_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (dh, state, n) = (i.real("dh"), i.real("state"), course.units);
    let (mut dz, mut dq) = (kept(i.real("dz")), course.zeros(1));
    for (row, j, at) in course.numbers() {
        dq[at] = course.arriving(i, (row, j), &[dh[at]]).sloped(i.activation, state[at]);
        dz[course.moment(row, course.now) * n + j] = dq[at];
    }
    vec![real("dz", dz), real("dq", dq)]
}

/// i, f, o = gate(z + q), g = activate(z + q), c = f · before + i · g, state = o · activate(c)
pub fn lstm_cell_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (q, z, before, n) = (i.real("q"), i.real("z"), i.real("before"), course.units);
    let (mut gates, mut c, mut state) = (course.zeros(4), course.zeros(1), course.zeros(1));
    for (row, j, at) in course.numbers() {
        let now = course.moment(row, course.now);
        let four = [0, 1, 2, 3].map(|gate| {
            let activation = if gate == 2 { i.activation } else { course.gate };
            let open = sum(&[q[(4 * row + gate) * n + j], z[(4 * now + gate) * n + j]]);
            gates[(4 * row + gate) * n + j] = open.through(activation);
            gates[(4 * row + gate) * n + j]
        });
        c[at] = plus(four[1].times(before[at]), times(four[0], four[2]));
        state[at] = times(four[3], c[at].through(i.activation));
    }
    let h = course.hand_on(i.real("h"), &state);
    vec![real("h", h), real("state", state), real("gates", gates), real("c", c)]
}

/// dz of an LSTM's four gates, and dc of the previous cell
pub fn lstm_cell_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (dh, before, gates, n) = (i.real("dh"), i.real("before"), i.real("gates"), course.units);
    let (mut dz, mut dq, mut dc) = (kept(i.real("dz")), course.zeros(4), kept(i.real("dc")));
    for (row, j, at) in course.numbers() {
        let [of_i, of_f, of_g, of_o] = [0, 1, 2, 3].map(|gate| gates[(4 * row + gate) * n + j]);
        let t = sum(&[of_f * before[at], of_i * of_g]).through(i.activation);
        let d = course.arriving(i, (row, j), &[dh[at]]);
        // t has a small error, and so has the slope at it.
        let slope = |t: f64| (i.activation.grad)(t);
        let bent =
            [t.value - t.allowed(), t.value + t.allowed()].map(|near| (slope(near) - slope(t.value)).abs());
        let through = d.times(of_o).sloped(i.activation, t.value);
        let through = through.widen((d.value * of_o).abs() * bent[0].max(bent[1]));
        let dcell = plus(Sum::of(dc[at].value), through);
        let four = [
            dcell.times(of_g).sloped(course.gate, of_i),
            dcell.times(before[at]).sloped(course.gate, of_f),
            dcell.times(of_i).sloped(i.activation, of_g),
            times(d, t).sloped(course.gate, of_o),
        ];
        for (gate, value) in four.into_iter().enumerate() {
            dz[(4 * course.moment(row, course.now) + gate) * n + j] = value;
            dq[(4 * row + gate) * n + j] = value;
        }
        dc[at] = dcell.times(of_f);
    }
    vec![real("dz", dz), real("dq", dq), real("dc", dc)]
}

/// q = product + bias, s, r = gate(z + q), g = activate(z + r · q), state = s · before + (1 - s) · g
pub fn gru_cell_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (product, z, bias, before) = (i.real("product"), i.real("z"), i.real("bias"), i.real("before"));
    let n = course.units;
    let recurrent = &bias[3 * n * i.size("BIASES").saturating_sub(1)..];
    let (mut gates, mut state) = (course.zeros(5), course.zeros(1));
    for (row, j, at) in course.numbers() {
        let now = course.moment(row, course.now);
        let q = |gate: usize| sum(&[product[(3 * row + gate) * n + j], recurrent[gate * n + j]]);
        let open = |gate: usize, q: Sum| with(with(q, z[(3 * now + gate) * n + j]), bias[gate * n + j]);
        let s = open(0, q(0)).through(course.gate);
        let r = open(1, q(1)).through(course.gate);
        let held = q(2);
        let g = open(2, times(r, held)).through(i.activation);
        let rest = plus(Sum::exact(1.0), s.times(-1.0));
        state[at] = plus(s.times(before[at]), times(rest, g));
        for (gate, value) in [s, r, g, held, Sum::exact(before[at])].into_iter().enumerate() {
            gates[(5 * row + gate) * n + j] = value;
        }
    }
    let h = course.hand_on(i.real("h"), &state);
    vec![real("h", h), real("state", state), real("gates", gates)]
}

/// dz and dq of a GRU's three gates, and the part of the gradient of the previous state that bypasses them
pub fn gru_cell_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let course = Course::of(i);
    let (dh, gates, n) = (i.real("dh"), i.real("gates"), course.units);
    let (mut dz, mut all_dq) = (kept(i.real("dz")), kept(i.real("all_dq")));
    let (mut dq, mut past) = (course.zeros(3), kept(i.real("past")));
    for (row, j, at) in course.numbers() {
        let now = course.moment(row, course.now);
        let [s, r, g, held, before] = [0, 1, 2, 3, 4].map(|gate| gates[(5 * row + gate) * n + j]);
        let d = course.arriving(i, (row, j), &[dh[at], past[at].value]);
        let ds = times(d, sum(&[before, -g])).sloped(course.gate, s);
        let dg = d.times(1.0 - s).widen(2.0 * EPSILON * d.value.abs()).sloped(i.activation, g);
        let dr = dg.times(held).sloped(course.gate, r);
        for (gate, value, recurrent) in [(0, ds, ds), (1, dr, dr), (2, dg, dg.times(r))] {
            dz[(3 * now + gate) * n + j] = value;
            all_dq[(3 * now + gate) * n + j] = recurrent;
            dq[(3 * row + gate) * n + j] = recurrent;
        }
        past[at] = d.times(s);
    }
    vec![real("dz", dz), real("all_dq", all_dq), real("dq", dq), real("past", past)]
}
