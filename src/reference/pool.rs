//! Twins of the max-pool and its gradient. Layout NHWC.

use super::{Expected, Inputs, Sum, windows};

/// The names of a window's height and width.
const WINDOW: [&str; 2] = ["PH", "PW"];

/// y(N, OH, OW, C) = the largest of each window, argmax = the place of its first occurrence
pub fn max_pool2d_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, oh, ow, c] = i.sizes(["N", "OH", "OW", "C"]);
    let x = i.real("x");
    let nothing = i.size("PH") * i.size("PW");
    let mut y = vec![Sum::new(); n * oh * ow * c];
    let mut argmax = vec![nothing as u32; n * oh * ow * c];
    windows(i, WINDOW, |to, from, place| {
        for channel in 0..c {
            let (at, value) = (to * c + channel, x[from * c + channel]);
            if argmax[at] == nothing as u32 || value > y[at].value {
                y[at] = Sum::exact(value);
                argmax[at] = place as u32;
            }
        }
    });
    vec![("y", Expected::Real(y)), ("argmax", Expected::Index(argmax))]
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
