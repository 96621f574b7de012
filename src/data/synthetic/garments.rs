//! The ten silhouettes as polygons, each with dimensions of its own drawn at random. The ranges of
//! neighbours overlap (a shirt may have the sleeves of a T-shirt or of a coat), so that the classes cannot be told
//! by one measure. Leaves out where on the canvas a garment lies and what its cloth is like.

use crate::data::random::Random;

/// x to the right, y downwards; the middle of the garment is (0, 0), its length about 24.
pub(super) type Point = (f32, f32);

/// A polygon and how bright its cloth is; one that comes later lies on top.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) outline: Vec<Point>,
    pub(super) shade: f32,
}

/// The shapes of a garment of class `label` (0 to 9, in the order of Fashion-MNIST).
pub(super) fn garment(label: u8, random: &mut Random) -> Vec<Shape> {
    match label {
        0 => t_shirt(random),
        1 => trouser(random),
        2 => pullover(random),
        3 => dress(random),
        4 => coat(random),
        5 => sandal(random),
        6 => shirt(random),
        7 => sneaker(random),
        8 => bag(random),
        _ => ankle_boot(random),
    }
}

/// The measures of everything that is worn on the upper body, half widths from the middle line.
struct Top {
    neck: f32,
    neck_depth: f32,
    shoulder: f32,
    /// How far down a sleeve ends: -9 is none, 9 is a long one.
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

    /// The body and, as a shape of its own on each side, the sleeves.
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
                shapes.push(Shape {
                    outline: outline.map(|(x, y)| (side * x, y)).to_vec(),
                    shade: sleeves,
                });
            }
        }
        shapes.push(Shape {
            outline: mirrored(&right),
            shade: body,
        });
        shapes
    }
}

fn t_shirt(random: &mut Random) -> Vec<Shape> {
    let mut top = Top::new(random);
    top.sleeve = top.top + random.between(5.0, 8.5);
    top.cuff = random.between(1.9, 2.7);
    let mut shapes = top.shapes(1.0, random.between(0.85, 1.0));
    if random.below(3) == 0 {
        // A print on the chest.
        let (half, y) = (random.between(1.5, 3.5), random.between(-4.0, 1.0));
        shapes.push(rectangle(
            -half,
            y,
            half,
            y + random.between(2.0, 6.0),
            random.between(0.3, 0.8),
        ));
    }
    shapes
}

fn pullover(random: &mut Random) -> Vec<Shape> {
    let mut top = Top::new(random);
    top.sleeve = random.between(6.0, 10.0);
    top.neck_depth = random.between(0.2, 1.2);
    let mut shapes = top.shapes(1.0, random.between(0.82, 0.98));
    // The ribbed hem.
    let y = top.bottom - random.between(1.0, 2.0);
    shapes.push(rectangle(
        -top.hem,
        y,
        top.hem,
        top.bottom,
        random.between(0.6, 0.95),
    ));
    shapes
}

fn dress(random: &mut Random) -> Vec<Shape> {
    let mut top = Top::new(random);
    top.chest = random.between(3.4, 5.0);
    top.shoulder = top.chest + random.between(-0.8, 0.8);
    top.waist = top.chest - random.between(0.3, 1.4);
    top.hem = random.between(3.6, 8.0);
    top.bottom = random.between(11.0, 12.5);
    top.sleeve = if random.below(3) == 0 {
        random.between(-6.0, 6.0)
    } else {
        -20.0
    };
    let mut shapes = top.shapes(1.0, 0.9);
    if random.below(2) == 0 {
        let y = top.top + 0.45 * (top.bottom - top.top);
        shapes.push(rectangle(
            -top.chest,
            y,
            top.chest,
            y + 1.2,
            random.between(0.4, 0.8),
        ));
    }
    shapes
}

fn coat(random: &mut Random) -> Vec<Shape> {
    let mut top = Top::new(random);
    top.sleeve = random.between(6.5, 10.5);
    top.bottom = random.between(10.0, 12.5);
    top.hem = top.chest + random.between(0.0, 1.4);
    top.neck_depth = random.between(1.0, 3.5);
    let mut shapes = top.shapes(1.0, random.between(0.8, 0.98));
    // The front, open or closed, and its lapels.
    let gap = random.between(0.3, 0.7);
    let start = top.top + top.neck_depth;
    shapes.push(rectangle(
        -gap,
        start,
        gap,
        top.bottom,
        random.between(0.1, 0.6),
    ));
    let lapel = random.between(3.0, 6.0);
    let outline = [
        (0.3, start),
        (top.neck, top.top),
        (top.neck + 0.8, top.top + lapel),
        (0.3, start + lapel),
    ];
    for side in [-1.0, 1.0] {
        shapes.push(Shape {
            outline: outline.map(|(x, y)| (side * x, y)).to_vec(),
            shade: random.between(0.6, 0.9),
        });
    }
    shapes
}

fn shirt(random: &mut Random) -> Vec<Shape> {
    let mut top = Top::new(random);
    top.sleeve = match random.below(3) {
        0 => top.top + random.between(5.5, 9.0),
        _ => random.between(5.0, 10.0),
    };
    let mut shapes = top.shapes(1.0, random.between(0.85, 1.0));
    // The collar and, on most, buttons.
    let depth = random.between(1.5, 3.0);
    for side in [-1.0, 1.0] {
        let outline = [
            (0.2, top.top + depth),
            (top.neck - 0.6, top.top - 0.6),
            (top.neck + 0.6, top.top + depth),
        ];
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
    vec![
        Shape {
            outline: mirrored(&right),
            shade: 1.0,
        },
        belt,
    ]
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
        Shape {
            outline: bow(0.0),
            shade: random.between(0.6, 1.0),
        },
        Shape {
            outline: bow(thick),
            shade: 0.0,
        },
        Shape {
            outline: mirrored(&body),
            shade: 1.0,
        },
        rectangle(
            -half + 1.0,
            top + flap,
            half - 1.0,
            top + flap + 0.9,
            random.between(0.4, 0.9),
        ),
    ]
}

fn sandal(random: &mut Random) -> Vec<Shape> {
    let heel = random.between(0.5, 5.0);
    let thick = random.between(1.0, 2.0);
    let ground = random.between(4.5, 7.0);
    let back = ground - heel;
    let sole = vec![
        (-11.5, ground - thick),
        (-3.0, ground - thick),
        (4.0, back - 0.6),
        (11.0, back - thick),
        (11.5, back + 0.4),
        (10.8, ground),
        (9.2, ground),
        (8.6, back + thick),
        (3.0, back + thick + 0.8),
        (-3.0, ground),
        (-11.5, ground),
    ];
    let mut shapes = vec![Shape {
        outline: sole,
        shade: 1.0,
    }];
    // Straps over the foot, and one around the ankle on most.
    for strap in 0..1 + random.below(3) {
        let x = -9.0 + 5.0 * strap as f32 + random.between(-0.6, 0.6);
        let (rise, wide) = (
            random.between(2.5, 5.0) + 0.6 * strap as f32,
            random.between(0.8, 1.8),
        );
        let outline = vec![
            (x, ground - thick),
            (x + 1.0, ground - thick - rise),
            (x + 1.0 + wide, ground - thick - rise + 0.2),
            (x + 1.6 * wide, ground - thick + 0.3),
        ];
        shapes.push(Shape {
            outline,
            shade: random.between(0.6, 1.0),
        });
    }
    if random.below(4) != 0 {
        let rise = random.between(5.0, 9.0);
        let outline = vec![
            (9.2, back - thick),
            (8.2, back - rise),
            (9.4, back - rise - 0.4),
            (11.2, back - thick),
        ];
        shapes.push(Shape {
            outline,
            shade: random.between(0.6, 1.0),
        });
        let outline = vec![
            (3.5, back - rise + 1.0),
            (9.4, back - rise),
            (9.4, back - rise + 1.2),
            (3.5, back - rise + 2.0),
        ];
        shapes.push(Shape {
            outline,
            shade: random.between(0.6, 1.0),
        });
    }
    shapes
}

/// The outline of a closed shoe; `shaft` is how far its opening rises above the instep.
fn shoe(random: &mut Random, shaft: f32, ground: f32) -> Vec<Point> {
    let toe = random.between(2.0, 3.6);
    let instep = random.between(-3.5, -1.0);
    let opening = random.between(1.0, 3.5);
    let ankle = ground - 7.0;
    vec![
        (-12.0, ground - 0.6),
        (-11.4, ground - toe),
        (-8.0, ground - toe - 1.2),
        (instep, ankle + 0.6),
        (opening, ankle - 0.8 - shaft),
        (10.6, ankle - 0.8 - shaft),
        (10.2, ankle + 1.4),
        (11.2, ground - 2.4),
        (11.2, ground),
        (-11.6, ground),
    ]
}

fn sneaker(random: &mut Random) -> Vec<Shape> {
    let ground = random.between(4.0, 6.5);
    let shaft = random.between(-1.2, 1.2);
    let outline = shoe(random, shaft, ground);
    let thick = random.between(1.0, 2.0);
    let sole = rectangle(
        -11.8,
        ground - thick,
        11.2,
        ground,
        random.between(0.3, 1.2),
    );
    let mut shapes = vec![
        Shape {
            outline,
            shade: 1.0,
        },
        sole,
    ];
    if random.below(3) != 0 {
        // A stripe on the side.
        let x = random.between(-3.0, 3.0);
        let outline = vec![
            (x, ground - thick),
            (x + 3.0, ground - 5.5),
            (x + 4.6, ground - 5.5),
            (x + 1.8, ground - thick),
        ];
        shapes.push(Shape {
            outline,
            shade: random.between(0.3, 0.8),
        });
    }
    shapes
}

fn ankle_boot(random: &mut Random) -> Vec<Shape> {
    let ground = random.between(8.0, 11.5);
    let shaft = random.between(3.0, 11.0);
    let outline = shoe(random, shaft, ground);
    let mut shapes = vec![Shape {
        outline,
        shade: 1.0,
    }];
    // The heel stands out where the sole is cut away before it.
    let arch = random.between(0.6, 2.0);
    let outline = vec![
        (-1.0, ground + 0.3),
        (1.0, ground - arch),
        (5.5, ground - arch),
        (6.2, ground + 0.3),
    ];
    shapes.push(Shape {
        outline,
        shade: 0.0,
    });
    let sole = rectangle(-11.6, ground - 1.0, -1.0, ground, random.between(0.4, 0.9));
    shapes.push(sole);
    shapes
}

/// The right half of an outline, from the middle line down to it, completed by its mirror image.
fn mirrored(right: &[Point]) -> Vec<Point> {
    let left = right.iter().rev().map(|&(x, y)| (-x, y));
    right.iter().copied().chain(left).collect()
}

fn rectangle(left: f32, top: f32, right: f32, bottom: f32, shade: f32) -> Shape {
    let outline = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
    Shape { outline, shade }
}
