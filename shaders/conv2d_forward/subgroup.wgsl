// y = activate(x ∗ w + b) as a matrix product by tiles of 64 output pixels and 32 filters, no barriers.
// For CPU adapters, where loads are dear: eight lanes share 12 loads for the 1024 products of a tile of 64 × 32 × 4.
// Why so, why `sum` stays in memory, and what `lanes < 8` is for: shaders/README.md.
// A workgroup is one tile; a thread has one vec4 of filters for all 64 pixels.
// needs CI % 4 == 0, CO % 4 == 0
// uses index, activate4
const ROWS = 64u;
const TILE_ROWS = ROWS;
const TILE_CO = 32u;

@compute @workgroup_size(8)
fn conv2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let row = group_y(wid, groups) * TILE_ROWS;
    if (row >= N * OH * OW) { return; }
    let column = wid.x * 8u + lid.x;
    let safe = min(column, CO / 4u - 1u);
    var corner = array<vec3<u32>, 8>();
    for (var g = 0u; g < 8u; g++) { corner[g] = corner_of(row + 8u * g + lid.x); }
    var sum = array<vec4<f32>, 64>();
    for (var tap = 0u; tap < KH * KW; tap++) {
        let shift = vec3(0u, tap / KW, tap % KW);
        for (var c = 0u; c < CI / 4u; c++) {
            var b = array<vec4<f32>, 4>();
            for (var i = 0u; i < 4u; i++) { b[i] = w4[(tap * CI + 4u * c + i) * (CO / 4u) + safe]; }
            if (lanes < 8u) {
                for (var r = 0u; r < ROWS; r++) { add(&sum, r, input(corner_of(row + r) + shift, c), &b); }
                continue;
            }
            eight(&sum, 0u, input(corner[0] + shift, c), &b);
            eight(&sum, 8u, input(corner[1] + shift, c), &b);
            eight(&sum, 16u, input(corner[2] + shift, c), &b);
            eight(&sum, 24u, input(corner[3] + shift, c), &b);
            eight(&sum, 32u, input(corner[4] + shift, c), &b);
            eight(&sum, 40u, input(corner[5] + shift, c), &b);
            eight(&sum, 48u, input(corner[6] + shift, c), &b);
            eight(&sum, 56u, input(corner[7] + shift, c), &b);
        }
    }
    if (column >= CO / 4u) { return; }
    for (var r = 0u; r < min(ROWS, N * OH * OW - row); r++) {
        y4[(row + r) * (CO / 4u) + column] = activate4(sum[r] + b4[column]);
    }
}

// The image, and the row and column in it, of the first tap of an output (n, oh, ow). Unsigned: what
// lies above or left of the input wraps to a large number.
fn corner_of(row: u32) -> vec3<u32> {
    let at = min(row, N * OH * OW - 1u);
    return vec3(at / (OH * OW), at / OW % OH * SH - PT, at % OW * SW - PL);
}

fn input(place: vec3<u32>, c: u32) -> vec4<f32> {
    let inside = place.y < H && place.z < W;
    let at = ((place.x * H + place.y) * W + place.z) * (CI / 4u) + c;
    return select(vec4(0.0), x4[select(0u, at, inside)], inside);
}

fn eight(sum: ptr<function, array<vec4<f32>, 64>>, first: u32, own: vec4<f32>, b: ptr<function, array<vec4<f32>, 4>>) {
    for (var r = 0u; r < 8u; r++) { add(sum, first + r, subgroupShuffle(own, r), b); }
}

fn add(sum: ptr<function, array<vec4<f32>, 64>>, row: u32, a: vec4<f32>, b: ptr<function, array<vec4<f32>, 4>>) {
    (*sum)[row] += a.x * (*b)[0] + a.y * (*b)[1] + a.z * (*b)[2] + a.w * (*b)[3];
}
