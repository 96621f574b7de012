//! Twins of the random changes of images within a network: affine maps in whole numbers, as in the shader parts
//! `affine.wgsl` and `gathered.wgsl`, and contrast and brightness.

use super::random;
use crate::op::twin::{EPSILON, Expected, Inputs, Sum};

/// The stream of second numbers, beside those of layers.
const SECOND_DRAW: u32 = 0x2000_0000;

/// One of a factor, in units of 2⁻²⁹.
const UNIT: i64 = 1 << 29;

/// Bits of a part of a pixel.
fn bits(i: &Inputs<'_>) -> u32 {
    let [h, w] = i.sizes(["H", "W"]);
    (h as u32 + w as u32).leading_zeros().saturating_sub(5).min(22)
}

/// The upper word of a product.
fn high(a: u32, b: u32) -> u32 {
    ((u64::from(a) * u64::from(b)) >> 32) as u32
}

/// (cos, sin) in 2⁻²⁹ of an angle in 2⁻³² of a turn.
fn turned(turn: u32) -> [i64; 2] {
    /// π / 4 in 2⁻³².
    const EIGHTH: u32 = 0xC90F_DAA2;
    let x = high(turn << 2, EIGHTH);
    let q = high(x, x);
    // 1 - q / a · (1 - q / b · ...)
    let series = |parts: [u32; 5]| {
        let last = !(q / parts[4]);
        parts[..4].iter().rev().fold(last, |inner, part| !(high(q, inner) / part))
    };
    let (s, c) = (high(x, series([6, 20, 42, 72, 110])), series([2, 12, 30, 56, 90]));
    let (along, across) = (UNIT - i64::from(high(s, s) >> 2), i64::from(high(s, c) >> 2));
    match turn >> 30 {
        0 => [along, across],
        1 => [-across, along],
        2 => [-along, -across],
        _ => [across, -along],
    }
}

/// The affine map of an image, from places in the outcome to places in the image.
struct Map {
    row: [i64; 2],
    column: [i64; 2],
    shift: [i64; 2],
}

fn map(i: &Inputs<'_>, image: usize) -> Map {
    let bits = bits(i);
    let one = 1i64 << bits;
    let word = |name: &str| i.number(name) as u32;
    let crop = word("CROP") == 1;
    let drawn = if crop { 0 } else { i.step.index_in_step(image, i.size("N")) };
    let first = random(&i.step, word("STREAM"), drawn);
    let second = random(&i.step, word("STREAM").wrapping_add(SECOND_DRAW), drawn);
    let within = |factor: i64| (factor + (1 << (28 - bits))) >> (29 - bits);
    let mut m = Map { row: [one, 0], column: [0, one], shift: [0, 0] };
    if first < 1 << 31 {
        let flip = word("FLIP");
        m.column[1] = if flip & 1 == 1 { -one } else { one };
        m.row[0] = if flip & 2 == 2 { -one } else { one };
    }
    if word("TURN") > 0 || word("TURNS") > 0 {
        let angle = word("TURN").wrapping_add(high(first, word("TURNS"))) << 2;
        let [along, across] = turned(angle).map(within);
        m.row = [along, across];
        m.column = [-across, along];
    }
    if word("TALL") > 0 {
        let tall = i64::from(word("TALL") + high(first, word("TALLS")));
        let wide = i64::from(word("WIDE") + high(second, word("WIDES")));
        m.row[0] = within(tall);
        m.column[1] = within(if word("TIED") == 1 { tall } else { wide });
    }
    let shift = [high(first, word("DOWNS")), high(second, word("RIGHTS"))].map(i64::from);
    m.shift = match crop {
        true => shift.map(|pixels| -2 * one * pixels),
        false => [i64::from(word("DOWN") as i32) + shift[0], i64::from(word("RIGHT") as i32) + shift[1]],
    };
    m
}

/// The pixel of an axis of `len` that is at `at`, if there is one.
fn filled(fill: usize, at: i64, len: i64) -> Option<usize> {
    let at = match fill {
        1 => at.clamp(0, len - 1),
        2 => {
            let within = at.rem_euclid(2 * len);
            within.min(2 * len - 1 - within)
        }
        3 => at.rem_euclid(len),
        _ => at,
    };
    usize::try_from(at).ok().filter(|_| at < len)
}

/// Visits each pixel of the outcome with each pixel of the input that it takes a share of; `None` is the outside.
fn pairs(i: &Inputs<'_>, mut each: impl FnMut(usize, Option<usize>, f64)) {
    let [n, h, w, oh, ow] = i.sizes(["N", "H", "W", "OH", "OW"]);
    let (nearest, fill) = (i.size("NEAREST") == 1, i.size("FILL"));
    let len = [h, w].map(|len| len as i64);
    let one = 1i64 << bits(i);
    for image in 0..n {
        let m = map(i, image);
        for at in 0..oh * ow {
            let d = [2 * (at / ow) as i64 - (len[0] - 1), 2 * (at % ow) as i64 - (len[1] - 1)];
            let of = |axis: usize, by: [i64; 2]| {
                (len[axis] - 1) * one + by[0] * d[0] + by[1] * d[1] - m.shift[axis]
            };
            // The pixels of an axis around a place, with their shares.
            let along = |place: i64| -> Vec<(i64, f64)> {
                if nearest {
                    return vec![(place.signum() * ((place.abs() + one) / (2 * one)), 1.0)];
                }
                let first = place.div_euclid(2 * one);
                let share = place.rem_euclid(2 * one) as f64 / (2 * one) as f64;
                vec![(first, 1.0 - share), (first + 1, share)]
            };
            for (row, of_row) in along(of(0, m.row)) {
                for (column, of_column) in along(of(1, m.column)) {
                    let (row, column) = (filled(fill, row, len[0]), filled(fill, column, len[1]));
                    let pixel = row.zip(column).map(|(row, column)| (image * h + row) * w + column);
                    each(image * oh * ow + at, pixel, of_row * of_column);
                }
            }
        }
    }
}

/// What the roundings of a share, and of the product with it, may change of a value.
fn rounded(value: f64) -> f64 {
    8.0 * EPSILON * value.abs()
}

/// y(N, OH, OW, C) = x where the random affine map of each image says
pub fn random_affine_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, oh, ow, c] = i.sizes(["N", "OH", "OW", "C"]);
    let (x, outside) = (i.real("x"), i.number("VALUE"));
    let mut y = vec![Sum::new(); n * oh * ow * c];
    pairs(i, |to, from, share| {
        for channel in 0..c {
            let value = from.map_or(outside, |from| x[from * c + channel]);
            let sum = &mut y[to * c + channel];
            if share == 1.0 {
                *sum = Sum::exact(value);
            } else if share != 0.0 {
                sum.add(share * value);
                *sum = sum.widen(rounded(value));
            }
        }
    });
    vec![("y", Expected::Real(y))]
}

/// dx(N, H, W, C) = the shares of dy that each pixel gave, times activate_grad(x)
pub fn random_affine_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let c = i.size("C");
    let (dy, x) = (i.real("dy"), i.real("x"));
    let mut dx = vec![Sum::new(); x.len()];
    pairs(i, |to, from, share| {
        let Some(from) = from.filter(|_| share != 0.0) else { return };
        for channel in 0..c {
            let value = dy[to * c + channel];
            dx[from * c + channel].add(share * value);
            dx[from * c + channel] = dx[from * c + channel].widen(rounded(value));
        }
    });
    let of = |(sum, x): (Sum, &f64)| sum.sloped(i.activation, *x);
    vec![("dx", Expected::Real(dx.into_iter().zip(x).map(of).collect()))]
}

/// A value before it is clipped, with the distance from it that rounding may cause.
fn toned(i: &Inputs<'_>, at: usize) -> [f64; 2] {
    let [pixels, c] = i.sizes(["PIXELS", "C"]);
    let image = at / (pixels * c);
    let share =
        f64::from(random(&i.step, i.number("STREAM") as u32, i.step.index_in_step(image, i.size("N"))) >> 8)
            / f64::from(1 << 24);
    let [least, span] = ["LEAST", "SPAN"].map(|name| i.number(name));
    let amount = least + span * share;
    let (x, size) = (i.real("x")[at], least.abs() + span.abs());
    if i.size("CONTRAST") == 0 {
        return [x + amount, 8.0 * EPSILON * (x.abs() + size)];
    }
    let mean = i.real("mean")[image * c + at % c];
    let allowed = 8.0 * EPSILON * ((x.abs() + mean.abs()) * (size + 1.0));
    [(x - mean) * amount + mean, allowed]
}

/// y(N, PIXELS, C) = x plus its image's number, or its distance from the channel's mean times that, clipped
pub fn random_tone_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [low, high] = ["LOW", "HIGH"].map(|name| i.number(name));
    let of = |at: usize| {
        let [value, allowed] = toned(i, at);
        let clipped = [value - allowed, value, value + allowed].map(|value| value.clamp(low, high));
        Sum::within(clipped[1], (clipped[2] - clipped[0]).max(EPSILON * clipped[1].abs()))
    };
    vec![("y", Expected::Real((0..i.real("x").len()).map(of).collect()))]
}

/// dx(N, PIXELS, C) = dy · activate_grad(x) where nothing was clipped, else 0
pub fn random_tone_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [low, high] = ["LOW", "HIGH"].map(|name| i.number(name));
    let of = |(at, dy): (usize, &f64)| {
        let [value, allowed] = toned(i, at);
        let full = Sum::of(*dy).sloped(i.activation, i.real("x")[at]);
        let kept = (low..=high).contains(&value);
        // Whether a value at an end is clipped hangs on its roundings.
        let near = (value - low).abs() <= allowed || (value - high).abs() <= allowed;
        let sum = if kept { full } else { Sum::exact(0.0) };
        if near { sum.widen(full.value.abs() + full.allowed()) } else { sum }
    };
    vec![("dx", Expected::Real(i.real("dy").iter().enumerate().map(of).collect()))]
}

#[cfg(test)]
mod tests {
    use super::{UNIT, turned};

    #[test]
    fn angles_are_right_to_a_millionth_of_a_thousandth_and_quarters_exact() {
        for (quarter, expected) in [[UNIT, 0], [0, UNIT], [-UNIT, 0], [0, -UNIT]].into_iter().enumerate() {
            assert_eq!(turned((quarter as u32) << 30), expected);
        }
        for n in 0..10_000u32 {
            let turn = n.wrapping_mul(429_496_729).wrapping_add(n);
            let angle = f64::from(turn) / 2f64.powi(32) * std::f64::consts::TAU;
            let [cos, sin] = turned(turn).map(|part| part as f64 / UNIT as f64);
            let off = (cos - angle.cos()).abs().max((sin - angle.sin()).abs());
            assert!(off < 1e-8, "{turn}: {off:e}");
        }
    }
}
