// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// For GPUs: the product [N·H·W, KH·KW·CO] × [KH·KW·CO, CI], its left side gathered from the outputs that each pixel
// fed. A workgroup computes a tile of TILE_ROWS pixels and TILE_CI channels of dx, a thread BLOCK × BLOCK elements of it.
// DEPTH places (kh, kw, co) at a time are staged in workgroup memory; what no output used is zero.
// uses index, tile
const TILE_ROWS = 32u; // one of 32, 64, 128: pixels of a workgroup
const TILE_CI = 32u; // one of 32, 64, 128: channels of a workgroup
const BLOCK = 4u; // one of 4, 8: pixels and channels of a thread
const DEPTH = 8u; // one of 8, 16, 32: places (kh, kw, co) that are staged at a time
const THREADS_X = TILE_CI / BLOCK;
const THREADS_Y = TILE_ROWS / BLOCK;
const DY_QUADS = TILE_ROWS / 4u; // vec4s of a staged place of dy
const W_QUADS = TILE_CI / 4u; // and of w
const DY_STRIDE = DY_QUADS + 1u; // one more keeps writers of different places in different banks
const W_STRIDE = W_QUADS + 1u;
const STEP = THREADS / DEPTH; // vec4s that are staged side by side
const DY_TURNS = (DY_QUADS * DEPTH + THREADS - 1u) / THREADS; // and those of dy one after the other, by the same thread
const_assert 16u * DEPTH * (DY_STRIDE + W_STRIDE) <= 16384u;
// [place][q]: four pixels THREADS_Y apart, the first by `staged_row`
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * DY_STRIDE>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_STRIDE>; // [place][q]: so too for channels THREADS_X apart

// Four pixels: their images, and the last rows and columns of the padded image from which they are fed.
struct Places { image: vec4<u32>, bottom: vec4<u32>, right: vec4<u32> }

// Beyond the last pixel: far below all outputs.
fn places(row: vec4<u32>) -> Places {
    let bottom = select(row / W % H + PT, vec4<u32>(1u << 31u), row >= vec4<u32>(N * H * W));
    return Places(row / (H * W), bottom, row % W + PL);
}

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

fn store(row: u32, ci: u32, sum: f32) {
    if (row < N * H * W && ci < CI) {
        let at = row * CI + ci;
        dx[at] = sum * activate_grad(x[at]);
    }
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn conv2d_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                     @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_y(wid, groups) * TILE_ROWS;
    if (first >= N * H * W) { return; }
    let left = wid.x * TILE_CI;
    // What this thread stages.
    let d = index % DEPTH;
    var pixels = array<Places, DY_TURNS>();
    for (var turn = 0u; turn < DY_TURNS; turn++) {
        let q = index / DEPTH + turn * STEP;
        let row = staged_row(first, q);
        pixels[turn] = places(row + THREADS_Y * vec4<u32>(0u, 1u, 2u, 3u)); // (n, h, w)
    }
    var sums = array<mat4x4<f32>, SIDE * SIDE>();
    for (var start = 0u; start < KH * KW * CO; start += DEPTH) {
        let place = start + d; // (kh, kw, co)
        let tap = place / CO;
        let co = place % CO;
        // Beyond the last place: above all outputs.
        let kh = select(tap / KW, 1u << 30u, tap >= KH * KW);
        for (var turn = 0u; turn < DY_TURNS; turn++) {
            let q = index / DEPTH + turn * STEP;
            let image = pixels[turn].image;
            let top = pixels[turn].bottom - kh;
            let side = pixels[turn].right - tap % KW;
            if (q < DY_QUADS) {
                dy_tile[d * DY_STRIDE + q] = vec4<f32>(
                    dy_at(image.x, top.x, side.x, co), dy_at(image.y, top.y, side.y, co),
                    dy_at(image.z, top.z, side.z, co), dy_at(image.w, top.w, side.w, co));
            }
        }
        for (var q = index / DEPTH; q < W_QUADS; q += STEP) {
            let ci = staged_column(left, q);
            w_tile[d * W_STRIDE + q] = vec4<f32>(
                w_at(tap, ci, co), w_at(tap, ci + THREADS_X, co),
                w_at(tap, ci + 2u * THREADS_X, co), w_at(tap, ci + 3u * THREADS_X, co));
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            for (var i = 0u; i < SIDE; i++) {
                let a = dy_tile[k * DY_STRIDE + i * THREADS_Y + lid.y];
                for (var j = 0u; j < SIDE; j++) {
                    sums[i * SIDE + j] += outer(a, w_tile[k * W_STRIDE + j * THREADS_X + lid.x]);
                }
            }
        }
        workgroupBarrier();
    }
    // One store in a loop: written out, SwiftShader compiles it for minutes.
    for (var i = 0u; i < BLOCK; i++) {
        for (var j = 0u; j < BLOCK; j++) {
            let sum = sums[i / 4u * SIDE + j / 4u][i % 4u][j % 4u];
            store(first + i * THREADS_Y + lid.y, left + j * THREADS_X + lid.x, sum);
        }
    }
}
