//! Twins of max pooling and its gradient. Layout NHWC.

use super::windows;
use crate::op::twin::{Expected, Inputs, Sum, flushed};

/// The names of a window's height and width.
const WINDOW: [&str; 2] = ["PH", "PW"];

/// y(N, OH, OW, C) = the maximum of each window, argmax = the index of its first occurrence
pub fn max_pool2d_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, oh, ow, c] = i.sizes(["N", "OH", "OW", "C"]);
    let x = i.real("x");
    let nothing = i.size("PH") * i.size("PW");
    // The maximum, and the maximum with subnormal numbers flushed to zero.
    let mut largest = vec![[0.0; 2]; n * oh * ow * c];
    let mut argmax = vec![[nothing as u32; 2]; n * oh * ow * c];
    windows(i, WINDOW, |to, from, place| {
        for channel in 0..c {
            let (at, value) = (to * c + channel, x[from * c + channel]);
            for (way, seen) in [|v| v, flushed].into_iter().enumerate() {
                if argmax[at][way] == nothing as u32 || seen(value) > seen(largest[at][way]) {
                    largest[at][way] = value;
                    argmax[at][way] = place as u32;
                }
            }
        }
    });
    let y = largest.iter().map(|[kept, other]| match kept == other {
        true => Sum::exact(*kept),
        false => Sum::within(*kept, (kept - other).abs()),
    });
    vec![("y", Expected::Real(y.collect())), ("argmax", Expected::Place(argmax))]
}

/// dx(N, H, W, C) = Σ dy of the windows whose maximum it was, times activate_grad(x)
pub fn max_pool2d_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, h, w, c] = i.sizes(["N", "H", "W", "C"]);
    let (dy, argmax, x) = (i.real("dy"), i.indices("argmax"), i.real("x"));
    let mut dx = vec![Sum::new(); n * h * w * c];
    windows(i, WINDOW, |to, from, place| {
        for channel in 0..c {
            if argmax[to * c + channel] == place as u32 {
                dx[from * c + channel].add(dy[to * c + channel]);
            }
        }
    });
    vec![("dx", Expected::Real(dx.into_iter().zip(x).map(|(sum, x)| sum.sloped(i.activation, *x)).collect()))]
}
