//! Twins of the max-pool and its gradient. Layout NHWC.

use super::{Expected, Inputs, Sum};

/// Visits every (output pixel, place in the window, input pixel): indices without their channel.
fn visit(i: &Inputs<'_>, mut each: impl FnMut(usize, usize, usize)) {
    let [n, h, w, oh, ow] = i.sizes(["N", "H", "W", "OH", "OW"]);
    let [ph, pw, sh, sw, pt, pl] = i.sizes(["PH", "PW", "SH", "SW", "PT", "PL"]);
    for image in 0..n {
        for (y, x) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
            for (ty, tx) in (0..ph).flat_map(|ty| (0..pw).map(move |tx| (ty, tx))) {
                let (Some(iy), Some(ix)) = ((y * sh + ty).checked_sub(pt), (x * sw + tx).checked_sub(pl))
                else {
                    continue;
                };
                if iy < h && ix < w {
                    each((image * oh + y) * ow + x, ty * pw + tx, (image * h + iy) * w + ix);
                }
            }
        }
    }
}

/// y(N, OH, OW, C) = the largest of each window, argmax = the place of its first occurrence
pub fn max_pool2d_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, oh, ow, c] = i.sizes(["N", "OH", "OW", "C"]);
    let x = i.real("x");
    let nothing = i.size("PH") * i.size("PW");
    let mut y = vec![Sum::new(); n * oh * ow * c];
    let mut argmax = vec![nothing as u32; n * oh * ow * c];
    visit(i, |to, place, from| {
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
    visit(i, |to, place, from| {
        for channel in 0..c {
            if argmax[to * c + channel] == place as u32 {
                dx[from * c + channel].add(dy[to * c + channel]);
            }
        }
    });
    let grad = i.activation.grad;
    vec![("dx", Expected::Real(dx.into_iter().zip(x).map(|(sum, x)| sum.sloped(grad(*x))).collect()))]
}
