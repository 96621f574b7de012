// For large GPUs and many filters: as `tiled`, but 16 × 16 threads compute a 64 × 64 tile of y, so that each
// staged number is used twice as often. A thread has four neighbouring filters, loaded and stored as one
// vec4, of four pixels that lie 16 apart. DEPTH taps at a time are staged in workgroup memory; what lies
// outside the image or beyond the end is zero.
const TILE_ROWS = 64u;
const TILE_CO = 64u;
const DEPTH = 16u; // as many as threads in a row
// [tap][ty]: pixels ty, ty + 16, ty + 32, ty + 48. A row of 17 keeps eight writers of different taps in
// different banks.
var<workgroup> x_tile: array<vec4<f32>, DEPTH * 17u>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * 16u>; // [tap][tx]: filters 4 tx .. 4 tx + 3

fn x_at(h: u32, v: u32, at: u32) -> f32 {
    if (h < H && v < W) { return x[at]; }
    return 0.0;
}

fn w_at(tap: u32, co: u32) -> vec4<f32> {
    if (tap < KH * KW * CI && co < CO) { return w4[(tap * CO + co) / 4u]; }
    return vec4<f32>();
}

fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn store(row: u32, co: u32, sums: vec4<f32>) {
    if (row < N * OH * OW && co < CO) {
        let z = sums + b4[co / 4u];
        y4[(row * CO + co) / 4u] = vec4<f32>(activate(z.x), activate(z.y), activate(z.z), activate(z.w));
    }
}

@compute @workgroup_size(16, 16)
fn conv2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let first = (wid.y + wid.z * groups.y) * TILE_ROWS;
    if (first >= N * OH * OW) { return; }
    let co = wid.x * TILE_CO + 4u * lid.x;
    // The corner of each pixel's window. Unsigned: what lies above or left of the image wraps to a
    // large number; what lies beyond the last pixel or tap gets one.
    let row = first + lid.y + vec4<u32>(0u, 16u, 32u, 48u); // (n, oh, ow)
    let top = select(row / OW % OH * SH - PT, vec4<u32>(1u << 30u), row >= vec4<u32>(N * OH * OW));
    let left = row % OW * SW - PL;
    let corner = ((row / (OH * OW) * H + top) * W + left) * CI;
    var sums = mat4x4<f32>();
    for (var start = 0u; start < KH * KW * CI; start += DEPTH) {
        let tap = start + lid.x; // (kh, kw, ci)
        let kh = select(tap / (KW * CI), 1u << 30u, tap >= KH * KW * CI);
        let kw = tap / CI % KW;
        let h = top + kh;
        let v = left + kw;
        let at = corner + (kh * W + kw) * CI + tap % CI;
        x_tile[lid.x * 17u + lid.y] = vec4<f32>(
            x_at(h.x, v.x, at.x), x_at(h.y, v.y, at.y), x_at(h.z, v.z, at.z), x_at(h.w, v.w, at.w));
        w_tile[lid.y * 16u + lid.x] = w_at(start + lid.y, co);
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            sums += outer(x_tile[k * 17u + lid.y], w_tile[k * 16u + lid.x]);
        }
        workgroupBarrier();
    }
    store(row.x, co, sums[0]);
    store(row.y, co, sums[1]);
    store(row.z, co, sums[2]);
    store(row.w, co, sums[3]);
}
