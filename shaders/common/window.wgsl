// Windows of a convolution, for kernels that gather x as the left side of a matrix product.
// First row, first column and first index in x of the windows of four output pixels (n, oh, ow).
struct Places { top: vec4<u32>, left: vec4<u32>, corner: vec4<u32> }

// Unsigned: what lies above or left of the image wraps to a large number; what lies beyond the last pixel gets one.
fn places(row: vec4<u32>) -> Places {
    let top = select(row / OW % OH * SH - PT, vec4<u32>(1u << 30u), row >= vec4<u32>(N * OH * OW));
    let left = row % OW * SW - PL;
    return Places(top, left, ((row / (OH * OW) * H + top) * W + left) * CI);
}

// x[at], which lies in row h and column v of its image; zero outside.
fn x_at(h: u32, v: u32, at: u32) -> f32 {
    if (h < H && v < W) { return x[at]; }
    return 0.0;
}

// Four numbers of x, which lie in rows h and columns v of their images, of windows that belong to pixels; zero outside, and
// where they are not `used`. Where no window reaches beyond its image, nothing of this guard is left.
fn x_at4(h: vec4<u32>, v: vec4<u32>, at: vec4<u32>, used: bool) -> vec4<f32> {
    let whole = PT == 0u && PL == 0u && (OH - 1u) * SH + KH <= H && (OW - 1u) * SW + KW <= W;
    let inside = (vec4<bool>(whole) | ((h < vec4<u32>(H)) & (v < vec4<u32>(W)))) & vec4<bool>(used);
    let near = select(vec4<u32>(), at, inside);
    return select(vec4<f32>(), vec4<f32>(x[near.x], x[near.y], x[near.z], x[near.w]), inside);
}
