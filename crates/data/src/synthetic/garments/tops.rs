//! Garments for the upper body: T-shirt, pullover, dress, coat, shirt, all from one set of measures.

use super::{Shape, mirrored, rectangle};
use wgrad::data::random::Random;

/// Measures of a garment for the upper body; widths are half widths from the middle line.
struct Top {
    neck: f32,
    neck_depth: f32,
    shoulder: f32,
    /// Height at which a sleeve ends: -9 is no sleeve, 9 a long one.
    sleeve: f32,
    cuff: f32,
    chest: f32,
    waist: f32,
    hem: f32,
    top: f32,
    bottom: f32,
}

impl Top {
    fn new(random: &mut Random) -> Self {
        let chest = random.between(5.2, 7.0);
        Self {
            neck: random.between(2.0, 3.2),
            neck_depth: random.between(0.4, 2.2),
            shoulder: random.between(6.0, 7.4),
            sleeve: -3.0,
            cuff: random.between(1.5, 2.6),
            chest,
            waist: chest - random.between(0.0, 0.8),
            hem: chest + random.between(-0.4, 0.8),
            top: random.between(-11.5, -10.0),
            bottom: random.between(9.0, 12.0),
        }
    }

    /// The body, and a separate shape for the sleeve on each side.
    fn shapes(&self, body: f32, sleeves: f32) -> Vec<Shape> {
        let waist = self.top + 0.5 * (self.bottom - self.top);
        let armpit = self.top + 6.5;
        let right = [
            (0.0, self.top + self.neck_depth),
            (self.neck, self.top),
            (self.shoulder, self.top + 1.4),
            (self.chest, armpit),
            (self.waist, waist),
            (self.hem, self.bottom),
        ];
        let mut shapes = Vec::with_capacity(3);
        let length = self.sleeve - self.top - 1.4;
        if length > 1.5 {
            // Long sleeves hang, short ones stand off.
            let reach = (self.shoulder + 1.2 + 0.28 * length).min(12.2);
            for side in [-1.0, 1.0] {
                let outline = [
                    (self.shoulder - 1.6, self.top + 0.9),
                    (self.shoulder, self.top + 1.4),
                    (reach, self.sleeve - 0.6),
                    (reach - 2.0 * self.cuff + 0.6, self.sleeve + 0.8),
                    (self.chest - 0.8, armpit + 0.6),
                ];
                shapes.push(Shape { outline: outline.map(|(x, y)| (side * x, y)).to_vec(), shade: sleeves });
            }
        }
        shapes.push(Shape { outline: mirrored(&right), shade: body });
        shapes
    }
}

pub(super) fn t_shirt(random: &mut Random) -> Vec<Shape> {
    let mut top = Top::new(random);
    top.sleeve = top.top + random.between(5.0, 8.5);
    top.cuff = random.between(1.9, 2.7);
    let mut shapes = top.shapes(1.0, random.between(0.85, 1.0));
    if random.below(3) == 0 {
        // A print on the chest.
        let (half, y) = (random.between(1.5, 3.5), random.between(-4.0, 1.0));
        shapes.push(rectangle(-half, y, half, y + random.between(2.0, 6.0), random.between(0.3, 0.8)));
    }
    shapes
}

pub(super) fn pullover(random: &mut Random) -> Vec<Shape> {
    let mut top = Top::new(random);
    top.sleeve = random.between(6.0, 10.0);
    top.neck_depth = random.between(0.2, 1.2);
    let mut shapes = top.shapes(1.0, random.between(0.82, 0.98));
    // The ribbed hem.
    let y = top.bottom - random.between(1.0, 2.0);
    shapes.push(rectangle(-top.hem, y, top.hem, top.bottom, random.between(0.6, 0.95)));
    shapes
}

pub(super) fn dress(random: &mut Random) -> Vec<Shape> {
    let mut top = Top::new(random);
    top.chest = random.between(3.4, 5.0);
    top.shoulder = top.chest + random.between(-0.8, 0.8);
    top.waist = top.chest - random.between(0.3, 1.4);
    top.hem = random.between(3.6, 8.0);
    top.bottom = random.between(11.0, 12.5);
    top.sleeve = if random.below(3) == 0 { random.between(-6.0, 6.0) } else { -20.0 };
    let mut shapes = top.shapes(1.0, 0.9);
    if random.below(2) == 0 {
        let y = top.top + 0.45 * (top.bottom - top.top);
        shapes.push(rectangle(-top.chest, y, top.chest, y + 1.2, random.between(0.4, 0.8)));
    }
    shapes
}

pub(super) fn coat(random: &mut Random) -> Vec<Shape> {
    let mut top = Top::new(random);
    top.sleeve = random.between(6.5, 10.5);
    top.bottom = random.between(10.0, 12.5);
    top.hem = top.chest + random.between(0.0, 1.4);
    top.neck_depth = random.between(1.0, 3.5);
    let mut shapes = top.shapes(1.0, random.between(0.8, 0.98));
    // The front, open or closed, and its lapels.
    let gap = random.between(0.3, 0.7);
    let start = top.top + top.neck_depth;
    shapes.push(rectangle(-gap, start, gap, top.bottom, random.between(0.1, 0.6)));
    let lapel = random.between(3.0, 6.0);
    let outline =
        [(0.3, start), (top.neck, top.top), (top.neck + 0.8, top.top + lapel), (0.3, start + lapel)];
    for side in [-1.0, 1.0] {
        shapes.push(Shape {
            outline: outline.map(|(x, y)| (side * x, y)).to_vec(),
            shade: random.between(0.6, 0.9),
        });
    }
    shapes
}

pub(super) fn shirt(random: &mut Random) -> Vec<Shape> {
    let mut top = Top::new(random);
    top.sleeve = match random.below(3) {
        0 => top.top + random.between(5.5, 9.0),
        _ => random.between(5.0, 10.0),
    };
    let mut shapes = top.shapes(1.0, random.between(0.85, 1.0));
    // The collar and, on most, buttons.
    let depth = random.between(1.5, 3.0);
    for side in [-1.0, 1.0] {
        let outline =
            [(0.2, top.top + depth), (top.neck - 0.6, top.top - 0.6), (top.neck + 0.6, top.top + depth)];
        shapes.push(Shape {
            outline: outline.map(|(x, y)| (side * x, y)).to_vec(),
            shade: random.between(0.7, 1.2),
        });
    }
    if random.below(4) != 0 {
        let shade = random.between(0.3, 0.75);
        for button in 0..5 {
            let y = top.top + 4.5 + 3.2 * button as f32;
            shapes.push(rectangle(-0.5, y, 0.5, y + 1.3, shade));
        }
    }
    shapes
}
