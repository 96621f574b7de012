//! Twins of element-wise operations: decode, activations, dropout.

use crate::{
    feed::Step,
    op::twin::{EPSILON, Expected, Inputs, Sum, flushed},
};

/// image(ROWS, PIXELS) = bytes / 255 or floats, normalized, zero beyond the batch
pub fn decode(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [rows, pixels] = i.sizes(["ROWS", "PIXELS"]);
    let (first, channels) = (i.step.first as usize * pixels, i.size("CHANNELS").max(1));
    let image = (0..rows * pixels)
        .map(|at| match at / pixels < i.step.rows as usize {
            true => normalized(i, raw(i, first + at), at % pixels % channels),
            false => Sum::exact(0.0),
        })
        .collect();
    vec![("image", Expected::Real(image))]
}

/// Value number `at` of the chunk: a byte divided by 255, or a float unchanged.
pub(super) fn raw(i: &Inputs<'_>, at: usize) -> Sum {
    match i.size("FLOATS") {
        1 => {
            let bytes: [u8; 4] = std::array::from_fn(|n| i.batch.images[4 * at + n]);
            Sum::exact(f64::from(f32::from_le_bytes(bytes)))
        }
        _ => Sum::of(f64::from(i.batch.images[at]) / 255.0),
    }
}

/// GAIN · value + SHIFT of the channel, if SCALED is 1.
pub(super) fn normalized(i: &Inputs<'_>, value: Sum, channel: usize) -> Sum {
    if i.size("SCALED") != 1 {
        return value;
    }
    let number = |name: String, default| i.sizes.get(&name).copied().unwrap_or(default);
    let gain = number(format!("GAIN{channel}"), 1.0);
    let mut sum = value.times(gain);
    sum.add(number(format!("SHIFT{channel}"), 0.0));
    sum
}

/// y = activate(x)
pub fn activation_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let y = i.real("x").iter().map(|x| Sum::exact(*x).through(i.activation)).collect();
    vec![("y", Expected::Real(y))]
}

/// dx = dy * activate_grad(at), where `at` is y or x
pub fn activation_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let pairs = i.real("dy").iter().zip(i.real("at"));
    let dx = pairs.map(|(dy, at)| Sum::of(*dy).sloped(i.activation, *at)).collect();
    vec![("dx", Expected::Real(dx))]
}

/// y = one of a list of functions of x, A and B
pub fn unary(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (a, b) = (i.number("A"), i.number("B"));
    // The slope scales the error of x + A; exp and log are correct to some units in the last place.
    let shifted = |x: f64, value: f64, slope: f64| {
        Sum::within(
            value,
            EPSILON * (2.0 * (x + a).abs().max(a.abs()) * slope.abs() + 24.0 * value.abs().max(1.0)),
        )
    };
    let apply = |x: f64| match i.size("FUNCTION") {
        1 => Sum::exact(x.abs()),
        2 => shifted(x, (x + a).sqrt(), 0.5 / (x + a).sqrt()),
        3 => shifted(x, (x + a).ln(), 1.0 / (x + a)),
        4 => shifted(x, 1.0 / (x + a), (x + a).powi(-2)),
        5 => Sum::exact(x.max(a).min(b)),
        6 => Sum::exact(x.floor()),
        7 => Sum::exact(x.ceil()),
        8 => Sum::exact(if x == 0.0 { 0.0 } else { x.signum() }),
        9 if x <= 0.0 => {
            let value = a * ((x / b).exp() - 1.0);
            Sum::within(value, 30.0 * EPSILON * a.abs().max(value.abs()))
        }
        10 if x < 0.0 => Sum::of(a * x),
        11 => Sum::exact(if x > a { x } else { 0.0 }),
        12 if x < -a => Sum::of(x + b),
        12 if x > a => Sum::of(x - b),
        12 => Sum::exact(0.0),
        9 | 10 => Sum::exact(x),
        _ => {
            let mut sum = Sum::of(b);
            sum.add(a * x);
            sum
        }
    };
    let either = |x: &f64| apply(*x).or(apply(flushed(*x)));
    vec![("y", Expected::Real(i.real("x").iter().map(either).collect()))]
}

/// y = one of a list of functions of a and b
pub fn binary(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let apply = |(a, b): (&f64, &f64)| match i.size("FUNCTION") {
        1 => Sum::of(a * b),
        // Two subnormal numbers may count as equal.
        2 => Sum::exact(a.min(*b)).or(Sum::exact(if flushed(*a) == flushed(*b) {
            a.max(*b)
        } else {
            a.min(*b)
        })),
        3 => Sum::exact(a.max(*b)).or(Sum::exact(if flushed(*a) == flushed(*b) {
            a.min(*b)
        } else {
            a.max(*b)
        })),
        _ => {
            let mut sum = Sum::of(*a);
            sum.add(-b);
            sum
        }
    };
    vec![("y", Expected::Real(i.real("a").iter().zip(i.real("b")).map(apply).collect()))]
}

/// The counter-based random number of the shader part `random.wgsl`: PCG3D (Jarzynski and Olano 2020).
pub fn random(step: &Step, stream: u32, index: u32) -> u32 {
    let lcg = |v: u32| v.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    let mut v = [index, step.key0 ^ stream.wrapping_mul(0x9E37_79B9), step.key1].map(lcg);
    v[0] = v[0].wrapping_add(v[1].wrapping_mul(v[2]));
    v[1] = v[1].wrapping_add(v[2].wrapping_mul(v[0]));
    v[2] = v[2].wrapping_add(v[0].wrapping_mul(v[1]));
    v = v.map(|x| x ^ (x >> 16));
    v[0] = v[0].wrapping_add(v[1].wrapping_mul(v[2]));
    v[1] = v[1].wrapping_add(v[2].wrapping_mul(v[0]));
    v[0] ^ v[1]
}

fn kept(i: &Inputs<'_>, index: usize) -> bool {
    // Whole channels share a number if there is more than one pixel.
    let [spatial, c] = i.sizes(["SPATIAL", "C"]).map(|size| size.max(1));
    let place = index / (spatial * c) * c + index % c;
    random(&i.step, i.number("STREAM") as u32, place as u32) >= i.number("THRESHOLD") as u32
}

/// y = x · SCALE where kept, else 0
pub fn dropout_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let scale = i.number("SCALE");
    let keep = |(at, x): (usize, &f64)| match kept(i, at) {
        true => Sum::of(*x).times(scale),
        false => Sum::exact(0.0),
    };
    vec![("y", Expected::Real(i.real("x").iter().enumerate().map(keep).collect()))]
}

/// dx = dy · SCALE · activate_grad(x) where kept, else 0
pub fn dropout_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (scale, x) = (i.number("SCALE"), i.real("x"));
    let keep = |(at, dy): (usize, &f64)| match kept(i, at) {
        true => Sum::of(*dy).times(scale).sloped(i.activation, x[at]),
        false => Sum::exact(0.0),
    };
    vec![("dx", Expected::Real(i.real("dy").iter().enumerate().map(keep).collect()))]
}
