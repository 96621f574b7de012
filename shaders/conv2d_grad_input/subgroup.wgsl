// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// dx at one pixel of 64 images and 32 channels, gathered from the outputs that it fed. One pixel of many images
// and not many pixels of one: then a tap is inside for all of them or for none, and those outside cost nothing.
// For CPU adapters, where loads are dear: eight lanes share 12 loads for the 1024 products of a tile of 64 × 32 × 4.
// Why so, why `sum` stays in memory, and what `lanes < 8` is for: shaders/README.md.
// A workgroup is one tile; a thread has one vec4 of channels for all 64 images. Of a smaller batch, a constant to the
// driver's compiler, only the eights that there are.
// needs CI % 4 == 0, CO % 4 == 0
// uses activate4
const ROWS = 64u;
const TILE_N = ROWS;
const TILE_CI = 32u;
// grid CI, PIXELS = H * W, N

@compute @workgroup_size(8)
fn conv2d_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(subgroup_size) lanes: u32) {
    let n = wid.z * TILE_N;
    let h = wid.y / W;
    let v = wid.y % W;
    let column = wid.x * 8u + lid.x;
    var sum = array<vec4<f32>, 64>();
    for (var tap = 0u; tap < KH * KW; tap++) {
        // Unsigned: a tap beyond the top or left wraps to a large number.
        let y = h + PT - tap / KW;
        let x = v + PL - tap % KW;
        if (y / SH >= OH || x / SW >= OW || y % SH != 0u || x % SW != 0u) { continue; }
        let pixel = y / SH * OW + x / SW;
        for (var c = 0u; c < CO / 4u; c++) {
            var w = array<vec4<f32>, 4>();
            for (var i = 0u; i < 4u; i++) { w[i] = w4[(tap * CI + min(4u * column + i, CI - 1u)) * (CO / 4u) + c]; }
            var b = array<vec4<f32>, 4>();
            for (var i = 0u; i < 4u; i++) { b[i] = vec4(w[0][i], w[1][i], w[2][i], w[3][i]); }
            if (lanes < 8u) {
                for (var r = 0u; r < ROWS; r++) { add(&sum, r, gradient(n + r, pixel, c), &b); }
                continue;
            }
            eight(&sum, 0u, gradient(n + 0u + lid.x, pixel, c), &b);
            if (N > 8u) { eight(&sum, 8u, gradient(n + 8u + lid.x, pixel, c), &b); }
            if (N > 16u) { eight(&sum, 16u, gradient(n + 16u + lid.x, pixel, c), &b); }
            if (N > 24u) { eight(&sum, 24u, gradient(n + 24u + lid.x, pixel, c), &b); }
            if (N > 32u) { eight(&sum, 32u, gradient(n + 32u + lid.x, pixel, c), &b); }
            if (N > 40u) { eight(&sum, 40u, gradient(n + 40u + lid.x, pixel, c), &b); }
            if (N > 48u) { eight(&sum, 48u, gradient(n + 48u + lid.x, pixel, c), &b); }
            if (N > 56u) { eight(&sum, 56u, gradient(n + 56u + lid.x, pixel, c), &b); }
        }
    }
    if (column >= CI / 4u) { return; }
    for (var r = 0u; r < min(ROWS, N - n); r++) {
        let at = ((n + r) * H * W + wid.y) * (CI / 4u) + column;
        dx4[at] = sum[r] * activate_grad4(x4[at]);
    }
}

fn gradient(image: u32, pixel: u32, c: u32) -> vec4<f32> {
    return dy4[(min(image, N - 1u) * OH * OW + pixel) * (CO / 4u) + c];
}

fn eight(sum: ptr<function, array<vec4<f32>, 64>>, first: u32, own: vec4<f32>, b: ptr<function, array<vec4<f32>, 4>>) {
    for (var r = 0u; r < 8u; r++) { add(sum, first + r, subgroupShuffle(own, r), b); }
}

fn add(sum: ptr<function, array<vec4<f32>, 64>>, row: u32, a: vec4<f32>, b: ptr<function, array<vec4<f32>, 4>>) {
    (*sum)[row] += a.x * (*b)[0] + a.y * (*b)[1] + a.z * (*b)[2] + a.w * (*b)[3];
}
