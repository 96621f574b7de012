// x of a convolution, window by window, for kernels that gather it as a side of a matrix product.
// Four numbers of x, which lie in rows h and columns v of their images, of windows that belong to pixels; zero outside, and
// where they are not `used`. Where no window reaches beyond its image, nothing of this guard is left.
fn x_at4(h: vec4<u32>, v: vec4<u32>, at: vec4<u32>, used: bool) -> vec4<f32> {
    let whole = PT == 0u && PL == 0u && (OH - 1u) * SH + KH <= H && (OW - 1u) * SW + KW <= W;
    let inside = (vec4<bool>(whole) | ((h < vec4<u32>(H)) & (v < vec4<u32>(W)))) & vec4<bool>(used);
    let near = select(vec4<u32>(), at, inside);
    return select(vec4<f32>(), vec4<f32>(x[near.x], x[near.y], x[near.z], x[near.w]), inside);
}
