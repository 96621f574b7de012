// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// One split's dw for any number of input channels: `subgroup` with scalar loads of x and tiles of 12 rows, so that the
// nine taps of a first layer's 3 × 3 kernel fit one tile and dy is read once.
// A workgroup is one tile of 12 rows (kh, kw, ci) and 32 filters of one split; a thread has one vec4 of filters.
// needs CO % 4 == 0
const ROWS = 12u;
const TILE_ROWS = ROWS;
const TILE_CO = 32u;
// grid CO, ROWS = KH * KW * CI, SPLITS

@compute @workgroup_size(8)
fn conv2d_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(subgroup_size) lanes: u32) {
    let row = wid.y * TILE_ROWS;
    let split = wid.z;
    if (row >= KH * KW * CI || split >= SPLITS) { return; }
    let column = wid.x * 8u + lid.x;
    let safe = min(column, CO / 4u - 1u);
    var sum = array<vec4<f32>, 12>();
    var bias = vec4(0.0);
    let end = min((split + 1u) * PER, N) * OH * OW;
    for (var at = split * PER * OH * OW; at < end; at += 4u) {
        var b = array<vec4<f32>, 4>();
        for (var i = 0u; i < 4u; i++) {
            b[i] = select(vec4(0.0), dy4[min(at + i, end - 1u) * (CO / 4u) + safe], at + i < end);
        }
        bias += b[0] + b[1] + b[2] + b[3];
        if (lanes < 8u) {
            for (var r = 0u; r < ROWS; r++) {
                var a = vec4<f32>();
                for (var i = 0u; i < 4u; i++) { a[i] = input(corner_of(min(at + i, end - 1u)), row + r); }
                sum[r] += a.x * b[0] + a.y * b[1] + a.z * b[2] + a.w * b[3];
            }
            continue;
        }
        // Lane i + 4 h reads output i of four for every second row from h on.
        let corner = corner_of(min(at + lid.x % 4u, end - 1u));
        for (var r = 0u; r < ROWS; r += 2u) {
            let own = input(corner, row + r + lid.x / 4u);
            sum[r] += subgroupShuffle(own, 0u) * b[0] + subgroupShuffle(own, 1u) * b[1]
                    + subgroupShuffle(own, 2u) * b[2] + subgroupShuffle(own, 3u) * b[3];
            sum[r + 1u] += subgroupShuffle(own, 4u) * b[0] + subgroupShuffle(own, 5u) * b[1]
                         + subgroupShuffle(own, 6u) * b[2] + subgroupShuffle(own, 7u) * b[3];
        }
    }
    if (column >= CO / 4u) { return; }
    let first = split * (KH * KW * CI + 1u);
    for (var r = 0u; r < ROWS; r++) {
        if (row + r < KH * KW * CI) { partials4[(first + row + r) * (CO / 4u) + column] = sum[r]; }
    }
    if (row == 0u) { partials4[(first + KH * KW * CI) * (CO / 4u) + column] = bias; }
}

// The image, and the row and column in it, of the first tap of an output (n, oh, ow). Unsigned: what
// lies above or left of the input wraps to a large number.
fn corner_of(at: u32) -> vec3<u32> {
    return vec3(at / (OH * OW), at / OW % OH * SH - PT, at % OW * SW - PL);
}

fn input(corner: vec3<u32>, row: u32) -> f32 {
    let at = min(row, KH * KW * CI - 1u); // (kh, kw, ci)
    let h = corner.y + at / CI / KW;
    let v = corner.z + at / CI % KW;
    let inside = h < H && v < W;
    return select(0.0, x[select(0u, ((corner.x * H + h) * W + v) * CI + at % CI, inside)], inside);
}
