//! The ten silhouettes as polygons with random dimensions. The ranges of similar classes overlap (a shirt may have
//! the sleeves of a T-shirt or of a coat), so that no single measure separates the classes. `canvas` places a
//! garment and draws its cloth.

use wgrad::data::random::Random;

mod shoes;
mod tops;

/// A point: x to the right, y downwards; the middle of the garment is (0, 0), its length about 24.
pub(super) type Point = (f32, f32);

/// A polygon with the brightness of its cloth; later shapes lie on top.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) outline: Vec<Point>,
    pub(super) shade: f32,
}

/// The shapes of a garment of class `label` (0 to 9, in the order of Fashion-MNIST).
pub(super) fn garment(label: u8, random: &mut Random) -> Vec<Shape> {
    match label {
        0 => tops::t_shirt(random),
        1 => trouser(random),
        2 => tops::pullover(random),
        3 => tops::dress(random),
        4 => tops::coat(random),
        5 => shoes::sandal(random),
        6 => tops::shirt(random),
        7 => shoes::sneaker(random),
        8 => bag(random),
        _ => shoes::ankle_boot(random),
    }
}

fn trouser(random: &mut Random) -> Vec<Shape> {
    let waist = random.between(3.2, 4.6);
    let hip = waist + random.between(0.2, 1.2);
    let crotch = random.between(-6.0, -2.5);
    let knee = random.between(2.2, 3.6);
    let ankle = random.between(1.6, 3.4);
    let spread = random.between(0.3, 1.6);
    let right = [
        (0.0, -12.0),
        (waist, -12.0),
        (hip, -7.0),
        (spread + knee + 0.6, 2.0),
        (spread + ankle, 12.2),
        (spread, 12.2),
        (0.4 * spread + 0.2, 3.0),
        (0.0, crotch),
    ];
    let belt = rectangle(-waist, -12.0, waist, -10.8, random.between(0.5, 0.9));
    vec![Shape { outline: mirrored(&right), shade: 1.0 }, belt]
}

fn bag(random: &mut Random) -> Vec<Shape> {
    let (half, top) = (random.between(8.0, 11.5), random.between(-4.0, 0.0));
    let bottom = random.between(7.0, 10.5);
    let taper = random.between(-1.0, 2.0);
    let handle = random.between(3.0, 6.5);
    let rise = top - random.between(3.5, 8.0);
    let thick = random.between(0.9, 1.7);
    let bow = |inner: f32| {
        mirrored(&[
            (0.0, rise + inner),
            (0.7 * handle - inner, rise + 0.4 + inner),
            (handle - inner, rise + 2.4),
            (handle - inner, top + 0.5),
            (0.0, top + 0.5),
        ])
    };
    let body = [
        (0.0, top),
        (half - taper, top),
        (half, top + 2.5),
        (half, bottom - 1.5),
        (half - 1.2, bottom),
        (0.0, bottom),
    ];
    let flap = random.between(2.0, 6.0);
    vec![
        Shape { outline: bow(0.0), shade: random.between(0.6, 1.0) },
        Shape { outline: bow(thick), shade: 0.0 },
        Shape { outline: mirrored(&body), shade: 1.0 },
        rectangle(-half + 1.0, top + flap, half - 1.0, top + flap + 0.9, random.between(0.4, 0.9)),
    ]
}

/// Completes the right half of an outline, drawn from the middle line down to it, by its mirror image.
fn mirrored(right: &[Point]) -> Vec<Point> {
    let left = right.iter().rev().map(|&(x, y)| (-x, y));
    right.iter().copied().chain(left).collect()
}

fn rectangle(left: f32, top: f32, right: f32, bottom: f32, shade: f32) -> Shape {
    let outline = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
    Shape { outline, shade }
}
