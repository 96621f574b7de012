//! Twin of augmentation: the random draws and changes of the shader part `augment.wgsl`, in integers for the draws and
//! in f64 for the values.

use super::{
    elementwise::{normalized, raw},
    random,
};
use crate::op::twin::{EPSILON, Expected, Inputs, Sum};

const PARTNER: u32 = 0x8000_0000;
const FLIP: u32 = PARTNER + 1;
const DOWN: u32 = PARTNER + 2;
const RIGHT: u32 = PARTNER + 3;
const ANGLE: u32 = PARTNER + 4;
const ZOOM: u32 = PARTNER + 5;
const BRIGHTNESS: u32 = PARTNER + 6;
const CONTRAST: u32 = PARTNER + 7;
const ERASE: u32 = PARTNER + 8;
const AREA: u32 = PARTNER + 9;
const ASPECT: u32 = PARTNER + 10;
const TOP: u32 = PARTNER + 11;
const LEFT: u32 = PARTNER + 12;
const NOISE: u32 = PARTNER + 13;

/// The row of the batch with which `row` is mixed.
pub(super) fn partner(i: &Inputs<'_>, row: usize) -> usize {
    let rows = i.step.rows as usize;
    let distance = 1 + random(&i.step, PARTNER, 0) as usize % rows.saturating_sub(1).max(1);
    (row + distance) % rows.max(1)
}

/// A rectangle; `bottom` and `right` are exclusive.
#[derive(Clone, Copy, Default)]
struct Hole {
    top: usize,
    left: usize,
    bottom: usize,
    right: usize,
}

/// The random changes of one image.
struct Change {
    flipped: bool,
    shift: [i64; 2],
    turn: Option<[f64; 2]>,
    gain: f64,
    contrast: f64,
    hole: Hole,
}

fn root(n: usize) -> usize {
    (1..).take_while(|r| r * r <= n).last().unwrap_or(0)
}

fn hole(i: &Inputs<'_>, row: u32) -> Hole {
    let [h, w] = i.sizes(["H", "W"]);
    let draw = |stream| random(&i.step, stream, row) as usize;
    if random(&i.step, ERASE, row) >= i.number("ERASE") as u32 {
        return Hole::default();
    }
    let least = (h * w / 50).max(1);
    let most = (h * w * 33 / 100).max(least);
    let area = least + draw(AREA) % (most - least + 1);
    let proportion = 77 + (draw(ASPECT) >> 1) % 180;
    let sides = [area * proportion / 256, area * 256 / proportion].map(|n| root(n).max(1));
    let [height, width] = if draw(ASPECT) % 2 == 0 { [sides[1], sides[0]] } else { sides };
    let (height, width) = (height.min(h), width.min(w));
    let (top, left) = (draw(TOP) % (h - height + 1), draw(LEFT) % (w - width + 1));
    Hole { top, left, bottom: top + height, right: left + width }
}

fn change(i: &Inputs<'_>, row: usize) -> Change {
    let row = row as u32 + i.step.before;
    let signed = |stream| f64::from(random(&i.step, stream, row) >> 8) / f64::from(1 << 23) - 1.0;
    let whole = |stream, most: i64| i64::from(random(&i.step, stream, row)) % (2 * most + 1) - most;
    let [rotate, zoom] = ["ROTATE", "ZOOM"].map(|name| i.number(name));
    let shift = i.size("SHIFT") as i64;
    let scale = 1.0 + zoom * signed(ZOOM);
    let angle = rotate * signed(ANGLE);
    Change {
        flipped: random(&i.step, FLIP, row) < i.number("FLIP") as u32,
        shift: [whole(DOWN, shift), whole(RIGHT, shift)],
        turn: (rotate > 0.0 || zoom > 0.0).then(|| [angle.cos() / scale, angle.sin() / scale]),
        gain: 1.0 + i.number("BRIGHTNESS") * signed(BRIGHTNESS),
        contrast: 1.0 + i.number("CONTRAST") * signed(CONTRAST),
        hole: hole(i, row),
    }
}

/// A value of the unchanged image; zero outside it.
fn pixel(i: &Inputs<'_>, row: usize, [y, x]: [i64; 2], channel: usize, flipped: bool) -> Sum {
    let [h, w, c] = i.sizes(["H", "W", "C"]);
    let (Ok(y), Ok(x)) = (usize::try_from(y), usize::try_from(x)) else { return Sum::of(0.0) };
    if y >= h || x >= w {
        return Sum::of(0.0);
    }
    let x = if flipped { w - 1 - x } else { x };
    raw(i, (((i.step.first as usize + row) * h + y) * w + x) * c + channel)
}

/// A value interpolated between four pixels, with the error that an f32 kernel may have: its position is correct to
/// some roundings of the size of the image. Bytes change by at most 1 per pixel; floats by at most what they do nearby.
fn between(i: &Inputs<'_>, row: usize, at: [f64; 2], channel: usize, c: &Change, turn: [f64; 2]) -> Sum {
    let [h, w] = i.sizes(["H", "W"]);
    let centre = [h, w].map(|size| 0.5 * (size as f64 - 1.0));
    let [dy, dx] = [at[0] - centre[0], at[1] - centre[1]];
    let source = [centre[0] + turn[0] * dy + turn[1] * dx, centre[1] + turn[0] * dx - turn[1] * dy];
    let corner = source.map(f64::floor);
    let [part_y, part_x] = [source[0] - corner[0], source[1] - corner[1]];
    let tap = |down: i64, right: i64| {
        pixel(i, row, [corner[0] as i64 + down, corner[1] as i64 + right], channel, c.flipped).value
    };
    let line = |down| (1.0 - part_x) * tap(down, 0) + part_x * tap(down, 1);
    let value = (1.0 - part_y) * line(0) + part_y * line(1);
    let reach = (h + w) as f64 + dy.abs() + dx.abs();
    let steepest = match i.size("FLOATS") {
        1 => (0..16).map(|n| 2.0 * tap(n / 4 - 1, n % 4 - 1).abs()).fold(0.0, f64::max),
        _ => 1.0,
    };
    Sum::within(value, 8.0 * EPSILON * (1.0 + turn[0].abs() + turn[1].abs()) * reach * steepest)
}

fn changed(i: &Inputs<'_>, c: &Change, row: usize, [y, x, channel]: [usize; 3]) -> Sum {
    let [h, w, channels] = i.sizes(["H", "W", "C"]);
    let Hole { top, left, bottom, right } = c.hole;
    if (top..bottom).contains(&y) && (left..right).contains(&x) {
        let place = (((row + i.step.before as usize) * h + y) * w + x) * channels + channel;
        return Sum::exact(f64::from(random(&i.step, NOISE, place as u32) >> 8) / f64::from(1 << 24));
    }
    let at = [y as i64 - c.shift[0], x as i64 - c.shift[1]];
    let mut value = match c.turn {
        Some(turn) => between(i, row, at.map(|v| v as f64), channel, c, turn),
        None => pixel(i, row, at, channel, c.flipped),
    };
    if i.number("BRIGHTNESS") > 0.0 {
        value = clamped(value.value * c.gain, value.allowed() * c.gain);
    }
    if i.number("CONTRAST") > 0.0 {
        value = clamped((value.value - 0.5) * c.contrast + 0.5, value.allowed() * c.contrast);
    }
    value
}

fn clamped(value: f64, allowed: f64) -> Sum {
    Sum::within(value.clamp(0.0, 1.0), allowed + 4.0 * EPSILON)
}

/// image(ROWS, H, W, C) = the images of the batch, changed and mixed; zero beyond the batch
pub fn augment(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [rows, h, w, c] = i.sizes(["ROWS", "H", "W", "C"]);
    let valid = (i.step.rows as usize).min(rows);
    let changes: Vec<Change> = (0..valid).map(|row| change(i, row)).collect();
    let mixed = f64::from(i.step.mixed);
    let image = (0..rows * h * w * c)
        .map(|at| {
            let (row, place) = (at / (h * w * c), [at / (w * c) % h, at / c % w, at % c]);
            if row >= valid {
                return Sum::exact(0.0);
            }
            let own = changed(i, &changes[row], row, place);
            let channel = place[2];
            if i.size("MIXUP") == 0 {
                return normalized(i, own, channel);
            }
            let second = partner(i, row);
            let other = changed(i, &changes[second], second, place);
            let size = own.value.abs().max(other.value.abs()).max(1.0);
            let allowed = (1.0 - mixed) * own.allowed() + mixed * other.allowed() + 4.0 * EPSILON * size;
            let value = Sum::within((1.0 - mixed) * own.value + mixed * other.value, allowed);
            normalized(i, value, channel)
        })
        .collect();
    vec![("image", Expected::Real(image))]
}
