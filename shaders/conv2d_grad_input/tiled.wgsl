// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// For GPUs: the product [N·H·W, KH·KW·CO] × [KH·KW·CO, CI], its left side gathered from the outputs that
// each pixel fed. 8 × 8 threads compute a 32 × 32 tile of dx, each 4 × 4 elements that lie 8 apart. DEPTH
// places (kh, kw, co) at a time are staged in workgroup memory; what no output used is zero.
const TILE_ROWS = 32u;
const TILE_CI = 32u;
const DEPTH = 8u; // a multiple of 8
// [place][ty] and [place][tx]: pixels ty, ty + 8, ty + 16, ty + 24, and channels tx, .. Rows of nine keep
// eight writers of different places in different banks.
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * 9u>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * 9u>;

// The gradient of the output whose window begins at (top, left) of the padded image, if one does.
fn dy_at(n: u32, top: u32, left: u32, co: u32) -> f32 {
    // Unsigned: what lies above or left of the outputs wraps to a large number.
    let oh = top / SH;
    let ow = left / SW;
    if (oh < OH && ow < OW && oh * SH == top && ow * SW == left) {
        return dy[((n * OH + oh) * OW + ow) * CO + co];
    }
    return 0.0;
}

fn w_at(tap: u32, ci: u32, co: u32) -> f32 {
    if (tap < KH * KW && ci < CI) { return w[(tap * CI + ci) * CO + co]; }
    return 0.0;
}

fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn store(row: u32, ci: u32, sum: f32) {
    if (row < N * H * W && ci < CI) {
        let at = row * CI + ci;
        dx[at] = sum * activate_grad(x[at]);
    }
}

fn store_row(row: u32, ci: u32, sums: vec4<f32>) {
    store(row, ci, sums.x);
    store(row, ci + 8u, sums.y);
    store(row, ci + 16u, sums.z);
    store(row, ci + 24u, sums.w);
}

@compute @workgroup_size(8, 8)
fn conv2d_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let first = (wid.y + wid.z * groups.y) * TILE_ROWS;
    if (first >= N * H * W) { return; }
    let row = first + lid.y + vec4<u32>(0u, 8u, 16u, 24u); // (n, h, w)
    let image = row / (H * W);
    // Beyond the last pixel or place: far below all outputs.
    let bottom = select(row / W % H + PT, vec4<u32>(1u << 31u), row >= vec4<u32>(N * H * W));
    let right = row % W + PL;
    let other = wid.x * TILE_CI + lid.y; // channel of w, while staging
    var sums = mat4x4<f32>();
    for (var start = 0u; start < KH * KW * CO; start += DEPTH) {
        for (var d = lid.x; d < DEPTH; d += 8u) {
            let place = start + d; // (kh, kw, co)
            let tap = place / CO;
            let co = place % CO;
            let top = bottom - select(tap / KW, 1u << 30u, tap >= KH * KW);
            let left = right - tap % KW;
            dy_tile[d * 9u + lid.y] = vec4<f32>(
                dy_at(image.x, top.x, left.x, co), dy_at(image.y, top.y, left.y, co),
                dy_at(image.z, top.z, left.z, co), dy_at(image.w, top.w, left.w, co));
            w_tile[d * 9u + lid.y] = vec4<f32>(
                w_at(tap, other, co), w_at(tap, other + 8u, co),
                w_at(tap, other + 16u, co), w_at(tap, other + 24u, co));
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            sums += outer(dy_tile[k * 9u + lid.y], w_tile[k * 9u + lid.x]);
        }
        workgroupBarrier();
    }
    let ci = wid.x * TILE_CI + lid.x;
    store_row(row.x, ci, sums[0]);
    store_row(row.y, ci, sums[1]);
    store_row(row.z, ci, sums[2]);
    store_row(row.w, ci, sums[3]);
}
