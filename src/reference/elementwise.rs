//! Twins of element-wise operations: decode, activations, dropout and noise.

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

/// dx = dy · the derivative by a of one of a list of functions of a and b * activate_grad(a)
pub fn binary_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (dy, a, b) = (i.real("dy"), i.real("a"), i.real("b"));
    // Two numbers whose distance is subnormal may count as equal.
    let larger = |distance: f64| if distance == 0.0 { 0.5 } else { f64::from(u8::from(distance > 0.0)) };
    let slopes = |a: f64, b: f64| {
        let shares = [a - b, flushed(a - b), flushed(a) - flushed(b)].map(larger);
        match i.size("FUNCTION") {
            2 => shares.map(|share| 1.0 - share),
            3 => shares,
            _ => [b, b, flushed(b)],
        }
    };
    let of = |at: usize| {
        let [own, close, zero] =
            slopes(a[at], b[at]).map(|slope| Sum::of(dy[at] * slope).sloped(i.activation, a[at]));
        own.or(close).or(zero)
    };
    vec![("dx", Expected::Real((0..dy.len()).map(of).collect()))]
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
    let index = i.step.index_in_step(index, i.size("COUNT")) as usize;
    let place = index / (spatial * c) * c + index % c;
    random(&i.step, i.number("STREAM") as u32, place as u32) >= i.number("THRESHOLD") as u32
}

/// A number of the normal distribution, of two random numbers (Box and Muller 1958), as in the shader part
/// `gaussian.wgsl`; and the distance from it that rounding may cause.
fn normal(step: &Step, stream: u32, index: u32) -> [f64; 2] {
    /// The stream beside those of layers.
    const SECOND: u32 = 0x4000_0000;
    let [first, second] =
        [stream, stream.wrapping_add(SECOND)].map(|stream| random(step, stream, index) >> 8);
    let share = f64::from(first + 1) / 2f64.powi(24);
    let radius = (-2.0 * share.ln()).sqrt();
    let angle = std::f64::consts::TAU * (f64::from(second) / 2f64.powi(24) - 0.5);
    [radius * angle.cos(), 64.0 * EPSILON * radius]
}

/// What a kept element is multiplied by: SCALE, or 1 + SCALE · g where NOISE is 2; and what rounding may add.
fn factor(i: &Inputs<'_>, at: usize) -> [f64; 2] {
    let scale = i.number("SCALE");
    match i.size("NOISE") {
        2 => {
            let [g, off] =
                normal(&i.step, i.number("STREAM") as u32, i.step.index_in_step(at, i.size("COUNT")));
            let value = 1.0 + scale * g;
            [value, scale.abs() * (off + 2.0 * EPSILON * g.abs()) + EPSILON * value.abs()]
        }
        _ => [scale, 0.0],
    }
}

/// y = x · SCALE where kept, else 0; with NOISE 1 x + SCALE · g, with 2 x · (1 + SCALE · g), with 3 x · SCALE + SHIFT where
/// kept, else LEAST
pub fn dropout_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (scale, noise) = (i.number("SCALE"), i.size("NOISE"));
    let noisy = |(at, x): (usize, &f64)| match noise {
        1 => {
            let [g, off] =
                normal(&i.step, i.number("STREAM") as u32, i.step.index_in_step(at, i.size("COUNT")));
            let mut sum = Sum::of(*x);
            sum.add(scale * g);
            sum.widen(scale.abs() * off)
        }
        3 if kept(i, at) => {
            let mut sum = Sum::of(*x).times(scale);
            sum.add(i.number("SHIFT"));
            sum
        }
        3 => Sum::exact(i.number("LEAST")),
        2 => multiplied(*x, factor(i, at)),
        _ if kept(i, at) => multiplied(*x, factor(i, at)),
        _ => Sum::exact(0.0),
    };
    vec![("y", Expected::Real(i.real("x").iter().enumerate().map(noisy).collect()))]
}

/// A number times a factor that is only known to a distance.
fn multiplied(x: f64, [factor, off]: [f64; 2]) -> Sum {
    Sum::of(x).times(factor).widen(x.abs() * off)
}

/// dx = dy · SCALE · activate_grad(x) where kept, else 0; with NOISE 2 dy · (1 + SCALE · g) · activate_grad(x)
pub fn dropout_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let x = i.real("x");
    let keep = |(at, dy): (usize, &f64)| match i.size("NOISE") == 2 || kept(i, at) {
        true => multiplied(*dy, factor(i, at)).sloped(i.activation, x[at]),
        false => Sum::exact(0.0),
    };
    vec![("dx", Expected::Real(i.real("dy").iter().enumerate().map(keep).collect()))]
}

#[cfg(test)]
mod tests {
    use super::{Step, normal};

    /// Mean of the first four powers of numbers.
    fn moments(numbers: &[f64]) -> [f64; 4] {
        [1, 2, 3, 4].map(|n| numbers.iter().map(|x| x.powi(n)).sum::<f64>() / numbers.len() as f64)
    }

    #[test]
    fn numbers_of_the_normal_distribution_have_its_moments_and_are_independent() {
        const COUNT: u32 = 200_000;
        let draw = |step: Step, stream: u32| -> Vec<f64> {
            (0..COUNT).map(|index| normal(&step, stream, index)[0]).collect()
        };
        let step = |n: u64| Step::default().keyed(7, n);
        let first = draw(step(3), 0);
        for (found, (expected, deviation)) in moments(&first).iter().zip([
            (0.0, 1.0),
            (1.0, 2f64.sqrt()),
            (0.0, 15f64.sqrt()),
            (3.0, 96f64.sqrt()),
        ]) {
            let allowed = 4.0 * deviation / f64::from(COUNT).sqrt();
            assert!((found - expected).abs() < allowed, "{found} for {expected}");
        }
        // Of other layers, of other steps, of neighbours, and of what dropout of the same layer draws.
        let neighbours: Vec<f64> = first[1..].iter().chain(&first[..1]).copied().collect();
        for other in [draw(step(3), 1), draw(step(4), 0), neighbours] {
            let product = first.iter().zip(&other).map(|(a, b)| a * b).sum::<f64>() / f64::from(COUNT);
            assert!(product.abs() < 4.0 / f64::from(COUNT).sqrt(), "{product}");
        }
        let within = first.iter().filter(|x| x.abs() < 1.0).count() as f64 / f64::from(COUNT);
        assert!((within - 0.682_689).abs() < 0.005, "{within}");
    }
}
