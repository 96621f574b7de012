//! Footwear, seen from the side with the toe at the left: sandal, sneaker, ankle boot.

use super::{Point, Shape, rectangle};
use wgrad::data::random::Random;

pub(super) fn sandal(random: &mut Random) -> Vec<Shape> {
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
    let mut shapes = vec![Shape { outline: sole, shade: 1.0 }];
    // Straps over the foot, and one around the ankle on most.
    for strap in 0..1 + random.below(3) {
        let x = -9.0 + 5.0 * strap as f32 + random.between(-0.6, 0.6);
        let (rise, wide) = (random.between(2.5, 5.0) + 0.6 * strap as f32, random.between(0.8, 1.8));
        let outline = vec![
            (x, ground - thick),
            (x + 1.0, ground - thick - rise),
            (x + 1.0 + wide, ground - thick - rise + 0.2),
            (x + 1.6 * wide, ground - thick + 0.3),
        ];
        shapes.push(Shape { outline, shade: random.between(0.6, 1.0) });
    }
    if random.below(4) != 0 {
        let rise = random.between(5.0, 9.0);
        let outline =
            vec![(9.2, back - thick), (8.2, back - rise), (9.4, back - rise - 0.4), (11.2, back - thick)];
        shapes.push(Shape { outline, shade: random.between(0.6, 1.0) });
        let outline = vec![
            (3.5, back - rise + 1.0),
            (9.4, back - rise),
            (9.4, back - rise + 1.2),
            (3.5, back - rise + 2.0),
        ];
        shapes.push(Shape { outline, shade: random.between(0.6, 1.0) });
    }
    shapes
}

/// The outline of a closed shoe; `shaft` is the height of its opening above the instep.
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

pub(super) fn sneaker(random: &mut Random) -> Vec<Shape> {
    let ground = random.between(4.0, 6.5);
    let shaft = random.between(-1.2, 1.2);
    let outline = shoe(random, shaft, ground);
    let thick = random.between(1.0, 2.0);
    let sole = rectangle(-11.8, ground - thick, 11.2, ground, random.between(0.3, 1.2));
    let mut shapes = vec![Shape { outline, shade: 1.0 }, sole];
    if random.below(3) != 0 {
        // A stripe on the side.
        let x = random.between(-3.0, 3.0);
        let outline = vec![
            (x, ground - thick),
            (x + 3.0, ground - 5.5),
            (x + 4.6, ground - 5.5),
            (x + 1.8, ground - thick),
        ];
        shapes.push(Shape { outline, shade: random.between(0.3, 0.8) });
    }
    shapes
}

pub(super) fn ankle_boot(random: &mut Random) -> Vec<Shape> {
    let ground = random.between(8.0, 11.5);
    let shaft = random.between(3.0, 11.0);
    let outline = shoe(random, shaft, ground);
    let mut shapes = vec![Shape { outline, shade: 1.0 }];
    // The heel stands out because the sole is cut away in front of it.
    let arch = random.between(0.6, 2.0);
    let outline = vec![(-1.0, ground + 0.3), (1.0, ground - arch), (5.5, ground - arch), (6.2, ground + 0.3)];
    shapes.push(Shape { outline, shade: 0.0 });
    let sole = rectangle(-11.6, ground - 1.0, -1.0, ground, random.between(0.4, 0.9));
    shapes.push(sole);
    shapes
}
