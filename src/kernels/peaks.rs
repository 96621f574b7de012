//! Operations that measure an adapter: arithmetic without memory, and memory without arithmetic.

use super::peaks as twin;
use crate::op::{
    Listed, Op,
    twin::{EPSILON, Expected, Inputs, Sum},
};

operations! {
    /// The operations that measure an adapter. Training uses none of them.
    PEAKS: texts in "../../shaders/", twins in twin;

    PEAK_FMA peak_fma "multiplications and additions, no memory" { naive []; }
    PEAK_COPY peak_copy "a copy" { several []; vec4 []; naive []; }
}

/// y[i] = Σ of twelve chains of v = 0.7 · v + x[i]
fn peak_fma(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let steps = 16 * i.size("ROUNDS");
    let y = i.real("x").iter().map(|x| {
        let (mut sum, mut magnitude) = (0.0, 0.0);
        for chain in 0..12 {
            let mut v = f64::from(chain);
            for _ in 0..steps {
                v = f64::from(0.7f32) * v + x;
            }
            sum += v;
            magnitude += v.abs().max(f64::from(chain));
        }
        // A step adds a rounding and keeps seven tenths of those before it.
        Sum::within(sum, 16.0 * EPSILON * magnitude)
    });
    vec![("y", Expected::Real(y.collect()))]
}

/// y = x
fn peak_copy(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    vec![("y", Expected::Real(i.real("x").iter().map(|x| Sum::exact(*x)).collect()))]
}
