// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// One split's dw: `subgroup` by tiles of 48 rows (kh, kw, ci) and 64 filters, for the same bits.
// For CPU adapters, where loads are dear: eight lanes share 14 loads for the 1536 products of a tile of 48 × 64 × 4, which
// are 20 by tiles of half the width. The code is as much longer, and takes three times as long to compile.
// A workgroup is one tile of one split; a thread has two vec4s of filters for all 48 rows.
// needs CI % 4 == 0, CO % 64 == 0
// case N=5,H=6,W=5,CI=8,OH=6,OW=5,CO=64,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1,SPLITS=3,PER=2
// case N=3,H=9,W=8,CI=4,OH=5,OW=4,CO=128,KH=3,KW=2,SH=2,SW=2,PT=1,PL=0,SPLITS=2,PER=2
const ROWS = 48u;
const TILE_ROWS = ROWS;
const TILE_CO = 64u;
// grid CO, ROWS = KH * KW * CI, SPLITS

@compute @workgroup_size(8)
fn conv2d_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(subgroup_size) lanes: u32) {
    let row = wid.y * TILE_ROWS;
    let split = wid.z;
    if (row >= KH * KW * CI || split >= SPLITS) { return; }
    let column = (wid.x * 8u + lid.x) * 2u;
    // Lane i + 4 h reads output i of four for the quad of rows 4 h behind each eighth row.
    var shift = array<vec3<u32>, 6>();
    for (var g = 0u; g < 6u; g++) { shift[g] = shift_of(row + 8u * g + lid.x / 4u * 4u); }
    var sum = array<vec4<f32>, 96>();
    var bias = array<vec4<f32>, 2>();
    let end = min((split + 1u) * PER, N) * OH * OW;
    for (var at = split * PER * OH * OW; at < end; at += 4u) {
        var b = array<vec4<f32>, 8>();
        for (var i = 0u; i < 4u; i++) {
            let near = min(at + i, end - 1u) * (CO / 4u) + column;
            b[2u * i] = select(vec4(0.0), dy4[near], at + i < end);
            b[2u * i + 1u] = select(vec4(0.0), dy4[near + 1u], at + i < end);
        }
        bias[0] += b[0] + b[2] + b[4] + b[6];
        bias[1] += b[1] + b[3] + b[5] + b[7];
        if (lanes < 8u) {
            for (var r = 0u; r < ROWS; r += 4u) {
                var a = array<vec4<f32>, 4>();
                for (var i = 0u; i < 4u; i++) { a[i] = input(corner_of(min(at + i, end - 1u)), shift_of(row + r)); }
                four(&sum, r, &a, &b);
            }
            continue;
        }
        let corner = corner_of(min(at + lid.x % 4u, end - 1u));
        eight(&sum, 0u, input(corner, shift[0]), &b);
        eight(&sum, 8u, input(corner, shift[1]), &b);
        eight(&sum, 16u, input(corner, shift[2]), &b);
        eight(&sum, 24u, input(corner, shift[3]), &b);
        eight(&sum, 32u, input(corner, shift[4]), &b);
        eight(&sum, 40u, input(corner, shift[5]), &b);
    }
    let first = split * (KH * KW * CI + 1u);
    for (var i = 0u; i < 2u * min(ROWS, KH * KW * CI - row); i++) {
        partials4[(first + row + i / 2u) * (CO / 4u) + column + i % 2u] = sum[i];
    }
    if (row == 0u) {
        partials4[(first + KH * KW * CI) * (CO / 4u) + column] = bias[0];
        partials4[(first + KH * KW * CI) * (CO / 4u) + column + 1u] = bias[1];
    }
}

// The image, and the row and column in it, of the first tap of an output (n, oh, ow). Unsigned: what
// lies above or left of the input wraps to a large number.
fn corner_of(at: u32) -> vec3<u32> {
    return vec3(at / (OH * OW), at / OW % OH * SH - PT, at % OW * SW - PL);
}

// Row and column of a tap, and its channels' place in fours.
fn shift_of(row: u32) -> vec3<u32> {
    let at = min(row, KH * KW * CI - 4u);
    return vec3(at / CI / KW, at / CI % KW, at % CI / 4u);
}

fn input(corner: vec3<u32>, shift: vec3<u32>) -> vec4<f32> {
    let h = corner.y + shift.x;
    let v = corner.z + shift.y;
    let inside = h < H && v < W;
    let at = ((corner.x * H + h) * W + v) * (CI / 4u) + shift.z;
    return select(vec4(0.0), x4[select(0u, at, inside)], inside);
}

fn eight(sum: ptr<function, array<vec4<f32>, 96>>, first: u32, own: vec4<f32>, b: ptr<function, array<vec4<f32>, 8>>) {
    var a = array<vec4<f32>, 4>();
    for (var i = 0u; i < 4u; i++) { a[i] = subgroupShuffle(own, i); }
    four(sum, first, &a, b);
    for (var i = 0u; i < 4u; i++) { a[i] = subgroupShuffle(own, i + 4u); }
    four(sum, first + 4u, &a, b);
}

fn four(sum: ptr<function, array<vec4<f32>, 96>>, first: u32, a: ptr<function, array<vec4<f32>, 4>>,
        b: ptr<function, array<vec4<f32>, 8>>) {
    for (var r = 0u; r < 4u; r++) {
        (*sum)[2u * (first + r)] += (*a)[0][r] * (*b)[0] + (*a)[1][r] * (*b)[2] + (*a)[2][r] * (*b)[4] + (*a)[3][r] * (*b)[6];
        (*sum)[2u * (first + r) + 1u] += (*a)[0][r] * (*b)[1] + (*a)[1][r] * (*b)[3] + (*a)[2][r] * (*b)[5] + (*a)[3][r] * (*b)[7];
    }
}
