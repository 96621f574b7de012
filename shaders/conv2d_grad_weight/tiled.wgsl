// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// For GPUs: the product [KH·KW·CI + 1, pixels] × [pixels, CO] over the output pixels of one split's images;
// the row after the last tap meets ones instead of x, which makes it db. 8 × 8 threads compute a 32 × 32
// tile, each 4 × 4 elements that lie 8 apart. DEPTH pixels at a time are staged in workgroup memory; what
// lies outside the image or beyond the end is zero.
const TILE_TAPS = 32u;
const TILE_CO = 32u;
const DEPTH = 8u; // a multiple of 8
var<workgroup> x_tile: array<vec4<f32>, DEPTH * 8u>;  // [pixel][ty]: taps ty, ty + 8, ty + 16, ty + 24
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * 8u>; // [pixel][tx]: filters tx, tx + 8, tx + 16, tx + 24

fn x_at(h: u32, v: u32, at: u32) -> f32 {
    if (h < H && v < W) { return x[at]; }
    return 0.0;
}

fn dy_at(pixel: u32, end: u32, co: u32) -> f32 {
    if (pixel < end && co < CO) { return dy[pixel * CO + co]; }
    return 0.0;
}

fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn store(split: u32, tap: u32, co: u32, sum: f32) {
    let rows = KH * KW * CI + 1u;
    if (tap < rows && co < CO) { partials[(split * rows + tap) * CO + co] = sum; }
}

fn store_row(split: u32, tap: u32, co: u32, sums: vec4<f32>) {
    store(split, tap, co, sums.x);
    store(split, tap, co + 8u, sums.y);
    store(split, tap, co + 16u, sums.z);
    store(split, tap, co + 24u, sums.w);
}

@compute @workgroup_size(8, 8)
fn conv2d_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>) {
    let split = wid.z;
    if (split >= SPLITS) { return; }
    let co = wid.x * TILE_CO + lid.x;
    // The taps that this thread stages: how far each lies from the corner of a window. Unsigned: what
    // lies above or left of the image wraps to a large number; the row of db and those behind it get one.
    let tap = wid.y * TILE_TAPS + lid.x + vec4<u32>(0u, 8u, 16u, 24u); // (kh, kw, ci)
    let taps = vec4<u32>(KH * KW * CI);
    let kh = select(tap / (KW * CI), vec4<u32>(1u << 30u), tap >= taps);
    let kw = tap / CI % KW;
    let reach = (kh * W + kw) * CI + tap % CI;
    let one = select(vec4<f32>(), vec4<f32>(1.0), tap == taps);
    let end = min((split + 1u) * PER, N) * OH * OW;
    var sums = mat4x4<f32>();
    for (var start = split * PER * OH * OW; start < end; start += DEPTH) {
        for (var d = lid.y; d < DEPTH; d += 8u) {
            let pixel = start + d; // (n, oh, ow)
            let top = select(pixel / OW % OH * SH - PT, 1u << 30u, pixel >= end);
            let left = pixel % OW * SW - PL;
            let h = top + kh;
            let v = left + kw;
            let at = ((pixel / (OH * OW) * H + top) * W + left) * CI + reach;
            x_tile[d * 8u + lid.x] = one + vec4<f32>(
                x_at(h.x, v.x, at.x), x_at(h.y, v.y, at.y), x_at(h.z, v.z, at.z), x_at(h.w, v.w, at.w));
            dy_tile[d * 8u + lid.x] = vec4<f32>(
                dy_at(pixel, end, co), dy_at(pixel, end, co + 8u),
                dy_at(pixel, end, co + 16u), dy_at(pixel, end, co + 24u));
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            sums += outer(x_tile[k * 8u + lid.y], dy_tile[k * 8u + lid.x]);
        }
        workgroupBarrier();
    }
    let mine = wid.y * TILE_TAPS + lid.y;
    store_row(split, mine, co, sums[0]);
    store_row(split, mine + 8u, co, sums[1]);
    store_row(split, mine + 16u, co, sums[2]);
    store_row(split, mine + 24u, co, sums[3]);
}
