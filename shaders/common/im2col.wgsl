// The left side of a convolution as a matrix product (im2col), [pixels, taps], for `turns`: a row is the window of an output
// pixel (n, oh, ow), a column a tap (kh, kw, ci). First row, first column and first index in x of four windows.
struct Places { top: vec4<u32>, left: vec4<u32>, corner: vec4<u32> }

// The windows of the pixels of staged vec4 q. Unsigned: what lies above or left of the image wraps to a large number.
fn places_of(first: u32, q: u32) -> Places {
    let rows = staged_row(first, q) + THREADS_Y * vec4<u32>(0u, 1u, 2u, 3u);
    let row = clamped4(rows, N * OH * OW, TILE_ROWS);
    let top = row / OW % OH * SH - PT;
    let left = row % OW * SW - PL;
    return Places(top, left, ((row / (OH * OW) * H + top) * W + left) * CI);
}

fn gathered(four: Places, tap: vec3<u32>, used: bool) -> vec4<f32> {
    let reach = (tap.x * W + tap.y) * CI + tap.z;
    return x_at4(four.top + tap.x, four.left + tap.y, four.corner + reach, used);
}
