//! Muon (Jordan 2024), with Keras's formulas and defaults. The update of a matrix is its momentum, orthogonalized by a
//! few Newton-Schulz iterations and scaled so that its elements are as large as AdamW's (Liu et al. 2025). Parameters
//! that are not matrices take AdamW's step. A convolution's kernel counts as the matrix (taps and input channels,
//! filters), as in Jordan's own program; Keras leaves it to AdamW.

use super::{
    adam::Adam,
    numbers::numbers,
    rules::{About, Rules, Slot, Update},
    squares::sum_squares,
};
use crate::{
    Result,
    kernels::{
        INVERSE_NORM, MATMUL, MATMUL_GRAD_INPUT, MATMUL_GRAD_WEIGHT, MUON, MUON_MOMENTUM, NEWTON_SCHULZ,
        SCALED,
    },
    op::Call,
    program::{Builder, Home, Parameter, ParameterId, ValueId},
    range::{check, positive, share},
};

pub(super) const ABOUT: About = About {
    name: "muon",
    line: "Orthogonal directions for matrices, AdamW for the rest",
    source: "Jordan 2024",
    learning_rate: 0.001,
    weight_decay: 0.004,
};

/// Refuses 0 iterations, and numbers of iterations that would take too long.
fn steps(name: &'static str, value: f64) -> Result<()> {
    check(name, value, (1.0..=100.0).contains(&value), "a number from 1 to 100")
}

numbers! {
    /// Options of Muon.
    pub struct Muon {
        /// Momentum: share of a matrix's last direction that is kept, in [0, 1).
        momentum: f64 = 0.95, share;
        /// Nesterov's look-ahead.
        nesterov: bool = true;
        /// Number of Newton-Schulz iterations.
        ns_steps: u32 = 5, steps;
        /// Root mean square of the elements of a step, at a learning rate of 1.
        rms_rate: f64 = 0.2, positive;
    }
    and
    /// Options of AdamW, for parameters that are not matrices.
    adam: Adam
}

/// Jordan's coefficients, which raise small singular values as steeply as possible.
const COEFFICIENTS: [(&str, f64); 3] = [("A", 3.4445), ("B", -4.775), ("C", 2.0315)];
/// Added to the norm of a direction, which may be 0.
const SMALL: f64 = 1e-7;

/// Rows and columns of a parameter that counts as a matrix.
fn matrix(parameter: &Parameter) -> Option<[usize; 2]> {
    let sizes = match parameter.shape[..] {
        [rows, columns] => [rows, columns],
        [height, width, channels, filters] => [height * width * channels, filters],
        _ => return None,
    };
    (parameter.trained && !sizes.contains(&1)).then_some(sizes)
}

impl Rules for Muon {
    fn slots(&self) -> Vec<Slot> {
        self.adam.slots()
    }

    /// Momentum of the matrices.
    fn momentum(&self) -> Option<f64> {
        Some(self.momentum).filter(|momentum| *momentum > 0.0)
    }

    fn correction(&self, steps: f64, _momentum: f64) -> f64 {
        self.adam.corrected(steps, self.adam.beta_1)
    }

    fn update(&self, update: &mut Update<'_>) -> Call {
        let factor = self.directions(update);
        update.others.push(("factor", factor));
        self.adam.call(update, &MUON)
    }
}

impl Muon {
    /// Appends the momenta, and replaces the gradient of each matrix by its direction, before the update. Returns the
    /// factor of each parameter's direction; 0 selects AdamW's step.
    fn directions(&self, update: &mut Update<'_>) -> ValueId {
        let Update { b, count: trained, clipped, grad, scale, kept, .. } = update;
        let (trained, m) = (*trained, kept[1].1);
        let mut factors = vec![0.0; trained];
        let mut matrices = Vec::new();
        for (n, parameter) in b.program.parameters.iter().enumerate() {
            let Some([rows, columns]) = matrix(parameter) else { continue };
            let factor = self.rms_rate * (rows.max(columns) as f64).sqrt();
            factors[parameter.offset..parameter.offset + parameter.len()].fill(factor as f32);
            matrices.push((ParameterId(n), [rows, columns]));
        }
        let factor = b.constant("factors", factors);
        let sizes = [("COUNT", trained), ("NESTEROV", self.nesterov.into()), ("CLIPPED", (*clipped).into())];
        let call = Call::new(&MUON_MOMENTUM, &sizes).with("MOMENTUM", self.momentum);
        b.call("momentum", call, &[("grad", *grad), ("m", m), ("scale", *scale), ("factor", factor)]);
        for (id, sizes) in matrices {
            self.orthogonalize(b, id, sizes);
        }
        factor
    }

    /// Replaces the gradient of a matrix by the iteration's approximation of the nearest orthogonal matrix. The Gram
    /// matrices have the size of the shorter side.
    fn orthogonalize(&self, b: &mut Builder, id: ParameterId, [rows, columns]: [usize; 2]) {
        let label = b.program.parameters[id.0].name.clone();
        let (count, size) = (rows * columns, rows.min(columns));
        let direction = b.fixed(&format!("direction {label}"), vec![count], Home::Gradient(id));
        let (partials, splits) = sum_squares(b, &label, direction, count);
        let inverse = b.temporary("inverse norm", vec![1]);
        let call = Call::new(&INVERSE_NORM, &[("SPLITS", splits)]).with("EPSILON", SMALL);
        b.call(&label, call, &[("scale", inverse), ("partials", partials)]);
        let mut x = b.temporary(&format!("x {label}"), vec![count]);
        let call = Call::new(&SCALED, &[("COUNT", count)]);
        b.call(&label, call, &[("y", x), ("x", direction), ("scale", inverse)]);
        for step in 1..=self.ns_steps {
            let gram = gram(b, &label, x, [rows, columns]);
            let squared = product(b, &label, [gram, gram], [size; 3], None);
            let p = b.temporary(&format!("p {label}"), vec![size * size]);
            let call = Call::new(&NEWTON_SCHULZ, &[("SIZE", size)]);
            let call = COEFFICIENTS.iter().fold(call, |call, (name, value)| call.with(name, *value));
            b.call(&label, call, &[("p", p), ("g", gram), ("squared", squared)]);
            let last = (step == self.ns_steps).then_some(direction);
            x = match rows <= columns {
                true => product(b, &label, [p, x], [rows, columns, rows], last),
                false => product(b, &label, [x, p], [rows, columns, columns], last),
            };
        }
    }
}

/// x · xᵀ, or xᵀ · x if that is smaller.
fn gram(b: &mut Builder, label: &str, x: ValueId, [rows, columns]: [usize; 2]) -> ValueId {
    let size = rows.min(columns);
    let y = b.temporary(&format!("gram {label}"), vec![size * size]);
    if rows <= columns {
        // The activation is linear, so the operation does not read its `x`.
        let unread = b.bias(None, size * size);
        let call = Call::new(&MATMUL_GRAD_INPUT, &[("M", rows), ("N", columns), ("K", rows)]);
        b.call(label, call, &[("dx", y), ("dy", x), ("w", x), ("x", unread)]);
    } else {
        let sums = b.bias_gradient(None, columns);
        let call = Call::new(&MATMUL_GRAD_WEIGHT, &[("M", rows), ("N", columns), ("K", columns)]);
        b.call(label, call, &[("dw", y), ("db", sums), ("x", x), ("dy", x)]);
    }
    y
}

/// a · b, of shapes (m, k) and (k, n), into `to` or a new value.
fn product(
    b: &mut Builder,
    label: &str,
    [left, right]: [ValueId; 2],
    [m, n, k]: [usize; 3],
    to: Option<ValueId>,
) -> ValueId {
    let y = to.unwrap_or_else(|| b.temporary(&format!("product {label}"), vec![m * n]));
    let zeros = b.bias(None, n);
    let call = Call::new(&MATMUL, &[("M", m), ("N", n), ("K", k)]);
    b.call(label, call, &[("y", y), ("x", left), ("w", right), ("b", zeros)]);
    y
}
