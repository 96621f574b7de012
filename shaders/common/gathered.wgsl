// Which pixels of the outcome of an affine map took from a pixel of the image, so that its gradient is a sum in a fixed order.
// A variant declares `take(share, pixel)`, which gets each of them with what it took.

// Calls `take` for the pixels of the outcome that took from pixel (h, v): for each place beyond the edges that it fills, and
// for itself.
fn gather(image: u32, h: i32, v: i32) {
    let m = map_of(image);
    let corners = array<vec2<i32>, 4>(place_of(m, 0u, 0u), place_of(m, 0u, OW - 1u), place_of(m, OH - 1u, 0u),
                                      place_of(m, OH - 1u, OW - 1u));
    let least = min(min(corners[0], corners[1]), min(corners[2], corners[3]));
    let most = max(max(corners[0], corners[1]), max(corners[2], corners[3]));
    let down = repetitions(least.x, most.x, i32(H));
    let right = repetitions(least.y, most.y, i32(W));
    for (var a = down.x; a <= down.y; a++) {
        let rows = filled_by(h, i32(H), a);
        for (var b = right.x; b <= right.y; b++) {
            let columns = filled_by(v, i32(W), b);
            let near = rows_near(m, rows, columns);
            for (var oh = near.x; oh < near.y; oh++) {
                let along = columns_near(m, u32(oh), rows, columns);
                for (var ow = along.x; ow < along.y; ow++) {
                    let spot = spot_of(place_of(m, u32(oh), u32(ow)));
                    let share = taken(spot.first.x, spot.share.x, rows) * taken(spot.first.y, spot.share.y, columns);
                    if (share > 0.0) { take(share, (image * OH + u32(oh)) * OW + u32(ow)); }
                }
            }
        }
    }
}

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

// The first t from 0 on, up to `count`, with first + step · t > bound, where step > 0.
fn beyond(first: i32, step: i32, bound: i32, count: i32) -> i32 {
    // Less than 1 from the quotient. Processors divide whole numbers slowly; f32 is exact enough below a million.
    var t = 0;
    if (OH + OW < 1000000u) {
        t = i32(round(clamp(f32(bound - first) / f32(step), -1.0, f32(count))));
    } else {
        t = clamp((bound - first) / step, -1, count);
    }
    return clamp(t + select(1, 0, first + step * t > bound), 0, count);
}

// The numbers t from 0 to below `count` with low < first + step · t < high.
fn between(first: i32, step: i32, low: i32, high: i32, count: i32) -> vec2<i32> {
    if (step == 0) { return vec2<i32>(0, select(0, count, first > low && first < high)); }
    if (step < 0) { return vec2<i32>(beyond(-first, -step, -high, count), beyond(-first, -step, -low - 1, count)); }
    return vec2<i32>(beyond(first, step, low, count), beyond(first, step, high - 1, count));
}

// The rows of the outcome, from and below, in which pixels may lie within one pixel of the rows and columns that are given
// from and to.
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
    // More than rounding may amount to.
    let slack = 0.01 + 1e-5 * f32(H + W);
    let reach = (abs(along) * tall + abs(across) * wide) / abs(det) + slack;
    let most = f32(count);
    let top = min(max(ceil(at - reach), 0.0), most);
    let below = min(max(floor(at + reach) + 1.0, 0.0), most);
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
