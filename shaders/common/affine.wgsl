// Random affine maps of images, from places in the outcome to places in the image, as flips, rotations, zooms and shifts
// draw them. All in whole numbers, so that every device finds the same pixels: a place is counted in parts of a pixel, of
// which there are 2 · one().
override FLIP: u32 = 0u;   // in half of the images, 1: left and right change places; 2: up and down; 3: both
override TURN: u32 = 0u;   // the least angle, in 2^-30 of a turn, and
override TURNS: u32 = 0u;  // the largest minus the least
override TALL: u32 = 0u;   // the least rows of the image for one of the outcome, in 2^-29; 0: always one
override TALLS: u32 = 0u;
override WIDE: u32 = 0u;   // likewise columns
override WIDES: u32 = 0u;
override TIED: u32 = 0u;   // 1: as many columns as rows
override DOWN: u32 = 0u;   // the least shift down, in parts of a pixel, modulo 2^32
override DOWNS: u32 = 0u;
override RIGHT: u32 = 0u;
override RIGHTS: u32 = 0u;
override CROP: u32 = 0u;   // 1: DOWNS and RIGHTS count the pixels where the outcome may begin, the same for the whole batch
override NEAREST: u32 = 0u; // 1: the value of the nearest pixel, not of four by distance
override FILL: u32 = 0u;   // beyond the edges, 0: VALUE, 1: the nearest pixel, 2: the image mirrored, 3: repeated
override VALUE: f32 = 0.0;

// The stream of second numbers, beside those of layers.
const SECOND_DRAW = 0x20000000u;

// Bits of a part, such that no place is beyond i32.
fn bits() -> u32 { return min(countLeadingZeros(H + W) - 5u, 22u); }
fn one() -> i32 { return 1i << bits(); }

// The upper word of a product.
fn high(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let left = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let right = (a & 0xffffu) * (b >> 16u) + (left & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (left >> 16u) + (right >> 16u);
}

// (cos, sin) in 2^-29 of an angle in 2^-32 of a turn: Taylor's series of half the angle within its quarter, in 2^-32, where
// ~z is 1 - z.
fn turned(turn: u32) -> vec2<i32> {
    let x = high(turn << 2u, 0xC90FDAA2u);
    let q = high(x, x);
    let s = high(x, ~(high(q, ~(high(q, ~(high(q, ~(high(q, ~(q / 110u)) / 72u)) / 42u)) / 20u)) / 6u));
    let c = ~(high(q, ~(high(q, ~(high(q, ~(high(q, ~(q / 90u)) / 56u)) / 30u)) / 12u)) / 2u);
    let along = i32(0x20000000u - (high(s, s) >> 2u));
    let across = i32(high(s, c) >> 2u);
    var angle = vec2<i32>(along, across);
    if ((turn & 0x40000000u) != 0u) { angle = vec2<i32>(-across, along); }
    return select(angle, -angle, (turn & 0x80000000u) != 0u);
}

// A factor in 2^-29 in parts.
fn in_parts(factor: i32) -> i32 { return (factor + (1i << (28u - bits()))) >> (29u - bits()); }

struct Map {
    row: vec2<i32>,    // how a place's row changes from row to row and from column to column of the outcome, in one()
    column: vec2<i32>, // and its column
    shift: vec2<i32>,  // down and right, in parts
}

fn map_of(image: u32) -> Map {
    var m = Map(vec2<i32>(one(), 0), vec2<i32>(0, one()), vec2<i32>(i32(DOWN), i32(RIGHT)));
    let drawn = select(of_step(image, N), 0u, CROP == 1u);
    let first = random(STREAM, drawn);
    let second = random(STREAM + SECOND_DRAW, drawn);
    if (FLIP > 0u && first < 0x80000000u) {
        if ((FLIP & 1u) == 1u) { m.column.y = -one(); }
        if ((FLIP & 2u) == 2u) { m.row.x = -one(); }
    }
    if (TURN > 0u || TURNS > 0u) {
        let angle = turned((TURN + high(first, TURNS)) << 2u);
        let along = in_parts(angle.x);
        let across = in_parts(angle.y);
        m.row = vec2<i32>(along, across);
        m.column = vec2<i32>(-across, along);
    }
    if (TALL > 0u) {
        let tall = TALL + high(first, TALLS);
        m.row.x = in_parts(i32(tall));
        m.column.y = in_parts(i32(select(WIDE + high(second, WIDES), tall, TIED == 1u)));
    }
    let drawn_shift = vec2<i32>(i32(high(first, DOWNS)), i32(high(second, RIGHTS)));
    if (CROP == 1u) { m.shift = drawn_shift * (-2 * one()); } else { m.shift += drawn_shift; }
    // Zero, which a compiler does not know: of a map that is the same for all images it would unroll every loop, for minutes.
    m.shift += i32(step.rows >> 31u);
    return m;
}

// Where a pixel of the outcome lies in the image, in parts.
fn place_of(m: Map, oh: u32, ow: u32) -> vec2<i32> {
    let last = vec2<i32>(i32(H), i32(W)) - 1;
    let d = 2 * vec2<i32>(i32(oh), i32(ow)) - last;
    let from_centre = vec2<i32>(m.row.x * d.x + m.row.y * d.y, m.column.x * d.x + m.column.y * d.y);
    return last * one() + from_centre - m.shift;
}

struct Spot {
    first: vec2<i32>, // the pixel before a place
    share: vec2<f32>, // of the next one, down and right
}

fn spot_of(place: vec2<i32>) -> Spot {
    if (NEAREST == 1u) {
        // Halves go away from zero.
        let away = (abs(place) + one()) / (2 * one());
        return Spot(select(away, -away, place < vec2<i32>(0)), vec2<f32>(0.0));
    }
    let rest = place & vec2<i32>(2 * one() - 1);
    return Spot((place - rest) / (2 * one()), vec2<f32>(rest) / f32(2 * one()));
}

// `at` modulo `len`, from 0 to below `len`. GLSL leaves % of negative numbers undefined.
fn modulo(at: i32, len: i32) -> i32 {
    let size = u32(len);
    return select(i32(u32(at) % size), len - 1 - i32(u32(~at) % size), at < 0);
}

// The pixel of an axis of `len` that stands at `at`; -1 where none does.
fn filled(at: i32, len: i32) -> i32 {
    if (FILL == 0u) { return select(at, -1, at < 0 || at >= len); }
    if (FILL == 1u) { return clamp(at, 0, len - 1); }
    let period = select(len, 2 * len, FILL == 2u);
    let here = modulo(at, period);
    return select(here, 2 * len - 1 - here, here >= len);
}
