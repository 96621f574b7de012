// y = activate(x ∗ w + b) for any number of input channels: `subgroup` with scalar loads of x, three taps at a time.
// For the first layer of a network on CPU adapters, where one or three channels make no vec4. With so few products
// an output, storing y costs as much as computing it.
// A workgroup is one tile of 64 output pixels and 32 filters; a thread has one vec4 of filters for all 64 pixels.
// needs CO % 4 == 0
// uses index, activate4
const ROWS = 64u;
const TILE_ROWS = ROWS;
const TILE_CO = 32u;
const STEP = 3u; // taps at a time

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
    for (var tap = 0u; tap < KH * KW * CI; tap += STEP) {
        var b = array<vec4<f32>, STEP>();
        for (var i = 0u; i < STEP; i++) {
            let inside = tap + i < KH * KW * CI;
            b[i] = select(vec4(0.0), w4[select(0u, tap + i, inside) * (CO / 4u) + safe], inside);
        }
        if (lanes < 8u) {
            for (var r = 0u; r < ROWS; r++) { add(&sum, r, input(corner_of(row + r), tap), &b); }
            continue;
        }
        eight(&sum, 0u, input(corner[0], tap), &b);
        eight(&sum, 8u, input(corner[1], tap), &b);
        eight(&sum, 16u, input(corner[2], tap), &b);
        eight(&sum, 24u, input(corner[3], tap), &b);
        eight(&sum, 32u, input(corner[4], tap), &b);
        eight(&sum, 40u, input(corner[5], tap), &b);
        eight(&sum, 48u, input(corner[6], tap), &b);
        eight(&sum, 56u, input(corner[7], tap), &b);
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

// The inputs of STEP taps, or zero outside; beyond the last tap anything finite, as its weight is zero.
fn input(corner: vec3<u32>, tap: u32) -> vec3<f32> {
    var value = vec3<f32>();
    for (var i = 0u; i < STEP; i++) {
        let at = min(tap + i, KH * KW * CI - 1u); // (kh, kw, ci)
        let h = corner.y + at / CI / KW;
        let v = corner.z + at / CI % KW;
        let inside = h < H && v < W;
        value[i] = select(0.0, x[select(0u, ((corner.x * H + h) * W + v) * CI + at % CI, inside)], inside);
    }
    return value;
}

fn eight(sum: ptr<function, array<vec4<f32>, 64>>, first: u32, own: vec3<f32>, b: ptr<function, array<vec4<f32>, STEP>>) {
    for (var r = 0u; r < 8u; r++) { add(sum, first + r, subgroupShuffle(own, r), b); }
}

fn add(sum: ptr<function, array<vec4<f32>, 64>>, row: u32, a: vec3<f32>, b: ptr<function, array<vec4<f32>, STEP>>) {
    (*sum)[row] += a.x * (*b)[0] + a.y * (*b)[1] + a.z * (*b)[2];
}
