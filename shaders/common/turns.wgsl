// The left side of a convolution as a matrix product, which is gathered and never stored as a whole. A workgroup stages
// TILE_ROWS rows of it and DEPTH columns at a time; a thread stages four rows of one column, in turns where the tile has
// more than the threads. The variant declares TILE_ROWS and DEPTH, `Places`, which is what a thread keeps of four rows,
// `places_of(first, q)` for those of staged vec4 q, and `gathered(places, column, used)`, their numbers in a column.
const ROW_QUADS = TILE_ROWS / 4u; // vec4s of a staged column
const ROW_STRIDE = ROW_QUADS + 1u; // one more keeps writers of different columns in different banks
const STEP = THREADS / DEPTH; // vec4s that are staged side by side
const TURNS = (ROW_QUADS * DEPTH + THREADS - 1u) / THREADS; // and one after the other, by the same thread
// [column][q]: four rows THREADS_Y apart, the first by `staged_row`
var<workgroup> row_tile: array<vec4<f32>, DEPTH * ROW_STRIDE>;

// The rows of a thread's first four turns. Those of further turns are found again in each round: they take registers.
struct Kept { first: Places, second: Places, third: Places, fourth: Places }

fn kept_of(first: u32, q: u32) -> Kept {
    let one = places_of(first, q);
    var kept = Kept(one, one, one, one);
    if (TURNS > 1u) { kept.second = places_of(first, q + STEP); }
    if (TURNS > 2u) {
        kept.third = places_of(first, q + 2u * STEP);
        kept.fourth = places_of(first, q + 3u * STEP);
    }
    return kept;
}

// Stages column d of a round, which is `column` of all, or zeros where it is not `used`.
fn stage_rows(first: u32, q: u32, kept: Kept, d: u32, column: vec3<u32>, used: bool) {
    let to = d * ROW_STRIDE + q;
    if (ROW_QUADS >= STEP || q < ROW_QUADS) { row_tile[to] = gathered(kept.first, column, used); }
    if (TURNS > 1u) { row_tile[to + STEP] = gathered(kept.second, column, used); }
    if (TURNS > 2u) {
        row_tile[to + 2u * STEP] = gathered(kept.third, column, used);
        row_tile[to + 3u * STEP] = gathered(kept.fourth, column, used);
    }
    for (var turn = 4u; turn < TURNS; turn++) {
        row_tile[to + turn * STEP] = gathered(places_of(first, q + turn * STEP), column, used);
    }
}
