// y = activate(x ∗ w + b): `subgroup` by tiles of 64 output pixels and 64 filters, for the same bits.
// For CPU adapters, where loads are dear: eight lanes share 16 loads for the 2048 products of a tile of 64 × 64 × 4, which
// are 24 by tiles of half the width. The code is as much longer, and takes three times as long to compile.
// A workgroup is one tile; a thread has two vec4s of filters for all 64 pixels.
// needs CI % 4 == 0, CO % 64 == 0
// uses index, activate4
// case N=3,H=5,W=7,CI=8,OH=5,OW=7,CO=64,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1
// case N=2,H=9,W=8,CI=4,OH=5,OW=4,CO=128,KH=3,KW=2,SH=2,SW=2,PT=1,PL=0
const ROWS = 64u;
const TILE_ROWS = ROWS;
const TILE_CO = 64u;

@compute @workgroup_size(8)
fn conv2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let row = group_y(wid, groups) * TILE_ROWS;
    if (row >= N * OH * OW) { return; }
    let column = (wid.x * 8u + lid.x) * 2u;
    var corner = array<vec3<u32>, 8>();
    for (var g = 0u; g < 8u; g++) { corner[g] = corner_of(row + 8u * g + lid.x); }
    var sum = array<vec4<f32>, 128>();
    for (var tap = 0u; tap < KH * KW; tap++) {
        let shift = vec3(0u, tap / KW, tap % KW);
        for (var c = 0u; c < CI / 4u; c++) {
            var b = array<vec4<f32>, 8>();
            for (var i = 0u; i < 4u; i++) {
                let at = (tap * CI + 4u * c + i) * (CO / 4u) + column;
                b[2u * i] = w4[at];
                b[2u * i + 1u] = w4[at + 1u];
            }
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
    for (var i = 0u; i < 2u * min(ROWS, N * OH * OW - row); i++) {
        let at = column + i % 2u;
        y4[(row + i / 2u) * (CO / 4u) + at] = activate4(sum[i] + b4[at]);
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

fn eight(sum: ptr<function, array<vec4<f32>, 128>>, first: u32, own: vec4<f32>, b: ptr<function, array<vec4<f32>, 8>>) {
    for (var r = 0u; r < 8u; r++) { add(sum, first + r, subgroupShuffle(own, r), b); }
}

fn add(sum: ptr<function, array<vec4<f32>, 128>>, row: u32, a: vec4<f32>, b: ptr<function, array<vec4<f32>, 8>>) {
    (*sum)[2u * row] += a.x * (*b)[0] + a.y * (*b)[2] + a.z * (*b)[4] + a.w * (*b)[6];
    (*sum)[2u * row + 1u] += a.x * (*b)[1] + a.y * (*b)[3] + a.z * (*b)[5] + a.w * (*b)[7];
}
