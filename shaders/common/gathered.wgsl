// Which pixels of the outcome of an affine map lie near a pixel of the image, so that its gradient is a sum in a fixed order.

// Farther than any place, in pixels.
fn far() -> i32 { return (1i << 29u) >> bits(); }

// The places of an axis of `len` that pixel `at` fills, from and to, in one of the axis's repetitions beyond its edges.
fn filled_by(at: i32, len: i32, repetition: i32) -> vec2<i32> {
    if (FILL == 1u) { return vec2<i32>(select(at, -far(), at == 0), select(at, far(), at == len - 1)); }
    let here = repetition * len + select(at, len - 1 - at, FILL == 2u && (repetition & 1) == 1);
    return vec2<i32>(here, here);
}

// The repetitions of an axis of `len` that the places from `least` to `most` lie in.
fn repetitions(least: i32, most: i32, len: i32) -> vec2<i32> {
    if (FILL < 2u) { return vec2<i32>(0, 0); }
    let pixels = vec2<i32>(least, most) / (2 * one()) + vec2<i32>(-1, 1);
    return (pixels - vec2<i32>(modulo(pixels.x, len), modulo(pixels.y, len))) / len;
}

// The numbers t from 0 to below `count` with low < first + step · t < high, and at most one more at each end.
fn between(first: i32, step: i32, low: i32, high: i32, count: i32) -> vec2<i32> {
    if (step == 0) { return vec2<i32>(0, select(0, count, first > low && first < high)); }
    let a = (low - first) / step;
    let b = (high - first) / step;
    return clamp(vec2<i32>(min(a, b), max(a, b) + 1), vec2<i32>(0), vec2<i32>(count));
}

// The rows of the outcome, from and below, in which pixels lie within one pixel of the rows and columns that are given from
// and to.
fn rows_near(m: Map, rows: vec2<i32>, columns: vec2<i32>) -> vec2<i32> {
    let count = i32(OH);
    if (m.row.y == 0) {
        return between(place_of(m, 0u, 0u).x, 2 * m.row.x, (rows.x - 1) * 2 * one(), (rows.y + 1) * 2 * one(), count);
    }
    let unit = 1.0 / f32(one());
    let across = unit * f32(m.row.y);
    let along = unit * f32(m.column.y);
    let det = unit * f32(m.row.x) * along - across * unit * f32(m.column.x);
    if (abs(det) < 0.25) { return vec2<i32>(0, count); }
    let centre = 0.5 * f32(H - 1u);
    let down = 0.5 * (f32(rows.x + rows.y) + unit * f32(m.shift.x)) - centre;
    let right = 0.5 * (f32(columns.x + columns.y) + unit * f32(m.shift.y) - f32(W - 1u));
    let at = centre + (along * down - across * right) / det;
    let tall = 0.5 * f32(rows.y - rows.x) + 1.0;
    let wide = 0.5 * f32(columns.y - columns.x) + 1.0;
    let reach = (abs(along) * tall + abs(across) * wide) / abs(det) + 1.0;
    let most = f32(count);
    let top = min(max(floor(at - reach), 0.0), most);
    let below = min(max(ceil(at + reach) + 1.0, 0.0), most);
    return vec2<i32>(i32(top), i32(below));
}

// The columns of a row of the outcome, likewise.
fn columns_near(m: Map, oh: u32, rows: vec2<i32>, columns: vec2<i32>) -> vec2<i32> {
    let first = place_of(m, oh, 0u);
    let part = 2 * one();
    let a = between(first.x, 2 * m.row.y, (rows.x - 1) * part, (rows.y + 1) * part, i32(OW));
    let b = between(first.y, 2 * m.column.y, (columns.x - 1) * part, (columns.y + 1) * part, i32(OW));
    return vec2<i32>(max(a.x, b.x), min(a.y, b.y));
}

// What a place takes of the pixels from and to, along one axis.
fn taken(first: i32, share: f32, ends: vec2<i32>) -> f32 {
    let own = select(0.0, 1.0 - share, first >= ends.x && first <= ends.y);
    return own + select(0.0, share, first + 1 >= ends.x && first + 1 <= ends.y);
}
