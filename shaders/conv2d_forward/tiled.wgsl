// For GPUs: the product [N·OH·OW, KH·KW·CI] × [KH·KW·CI, CO] without ever building its left side. 8 × 8
// threads compute a 32 × 32 tile of y, each 4 × 4 elements that lie 8 apart. DEPTH taps at a time are
// staged in workgroup memory; what lies outside the image or beyond the end is zero.
const TILE_ROWS = 32u;
const TILE_CO = 32u;
const DEPTH = 8u; // a multiple of 8
// [tap][ty]: pixels ty, ty + 8, ty + 16, ty + 24. A row of nine keeps eight writers of different taps in
// different banks.
var<workgroup> x_tile: array<vec4<f32>, DEPTH * 9u>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * 8u>; // [tap][tx]: filters tx, tx + 8, tx + 16, tx + 24

fn x_at(h: u32, v: u32, at: u32) -> f32 {
    if (h < H && v < W) { return x[at]; }
    return 0.0;
}

fn w_at(tap: u32, co: u32) -> f32 {
    if (tap < KH * KW * CI && co < CO) { return w[tap * CO + co]; }
    return 0.0;
}

fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn store(row: u32, co: u32, sum: f32) {
    if (row < N * OH * OW && co < CO) { y[row * CO + co] = activate(sum + b[co]); }
}

fn store_row(row: u32, co: u32, sums: vec4<f32>) {
    store(row, co, sums.x);
    store(row, co + 8u, sums.y);
    store(row, co + 16u, sums.z);
    store(row, co + 24u, sums.w);
}

@compute @workgroup_size(8, 8)
fn conv2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let first = (wid.y + wid.z * groups.y) * TILE_ROWS;
    if (first >= N * OH * OW) { return; }
    let co = wid.x * TILE_CO + lid.x;
    // The corner of each pixel's window. Unsigned: what lies above or left of the image wraps to a
    // large number; what lies beyond the last pixel or tap gets one.
    let row = first + lid.y + vec4<u32>(0u, 8u, 16u, 24u); // (n, oh, ow)
    let top = select(row / OW % OH * SH - PT, vec4<u32>(1u << 30u), row >= vec4<u32>(N * OH * OW));
    let left = row % OW * SW - PL;
    let corner = ((row / (OH * OW) * H + top) * W + left) * CI;
    var sums = mat4x4<f32>();
    for (var start = 0u; start < KH * KW * CI; start += DEPTH) {
        for (var d = 0u; d < DEPTH; d += 8u) {
            let tap = start + d + lid.x; // (kh, kw, ci)
            let kh = select(tap / (KW * CI), 1u << 30u, tap >= KH * KW * CI);
            let kw = tap / CI % KW;
            let h = top + kh;
            let v = left + kw;
            let at = corner + (kh * W + kw) * CI + tap % CI;
            x_tile[(d + lid.x) * 9u + lid.y] = vec4<f32>(
                x_at(h.x, v.x, at.x), x_at(h.y, v.y, at.y), x_at(h.z, v.z, at.z), x_at(h.w, v.w, at.w));
            let k = start + d + lid.y;
            w_tile[(d + lid.y) * 8u + lid.x] =
                vec4<f32>(w_at(k, co), w_at(k, co + 8u), w_at(k, co + 16u), w_at(k, co + 24u));
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            sums += outer(x_tile[k * 9u + lid.y], w_tile[k * 8u + lid.x]);
        }
        workgroupBarrier();
    }
    store_row(row.x, co, sums[0]);
    store_row(row.y, co, sums[1]);
    store_row(row.z, co, sums[2]);
    store_row(row.w, co, sums[3]);
}
