// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// For GPUs, kernels of 3 × 3 with stride 1, where dx is a convolution of dy with the kernel turned by half a turn:
// Winograd's F(2 × 2, 3 × 3), dx = Aᵀ ((G w Gᵀ) ∘ (Bᵀ dy B)) A, as in the forward kernel with filters and channels
// exchanged. A workgroup computes TILE_PATCHES patches of 2 × 2 of TILE_CI channels of dx, by products
// [TILE_PATCHES, CO] × [CO, TILE_CI]; a thread has blocks of four patches by four channels.
// crosses the taps of w: rounds like a sum of each number of a window times each tap, those of other places too.
// needs KH == 3, KW == 3, SH == 1, SW == 1, CI % 4 == 0, CO % 4 == 0
// uses index, activate4, winograd
const TILE_PATCHES = 32u; // one of 16, 32: patches of a workgroup
const TILE_CI = 32u; // one of 16, 32: channels of a workgroup
const DEPTH = 4u; // one of 4, 8: filters that are transformed at a time
const W_QUADS = TILE_CI / 4u; // vec4s of channels of dx
const BLOCKS_C = TILE_CI / 16u;
// A job is one row of a transformed patch, or kernel, in one vec4; a thread has at most one.
const DY_JOBS = QUADS * TILE_PATCHES * 4u;
const W_JOBS = DEPTH * W_QUADS * 4u;
const_assert DY_JOBS + W_JOBS <= 256u;
// In `pool`, w lies as [quad of filters][place][channel % 4][channel / 4].
// grid CI, PATCHES = N * H / 2 * W / 2

// Four filters of one pixel of a patch; `at` is where its column begins.
fn dy_at(top: u32, side: u32, row: u32, at: u32) -> vec4<f32> {
    if (top + row < OH && side < OW) { return dy4[at + row * OW * (CO / 4u)]; }
    return vec4<f32>();
}

@compute @workgroup_size(256)
fn conv2d_grad_input(@builtin(local_invocation_index) index: u32, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let rows = (H + 1u) / 2u; // patches of an image
    let columns = (W + 1u) / 2u;
    let first = group_y(wid, groups) * TILE_PATCHES;
    if (first >= N * rows * columns) { return; }
    let left = wid.x * W_QUADS;
    // What this thread stages: row i of filters 4 quad .. 4 quad + 3 of a patch, or of a channel.
    let of_dy = index < DY_JOBS;
    let job = index - select(DY_JOBS, 0u, of_dy);
    let i = job / (QUADS * select(TILE_CI, TILE_PATCHES, of_dy));
    let quad = job % QUADS;
    let patch_in = first + job / QUADS % TILE_PATCHES;
    // Unsigned: what lies above or left of the outputs wraps to a large number; what lies beyond the last patch gets one.
    let top = select(patch_in / columns % rows * 2u + PT - 2u, 1u << 30u, patch_in >= N * rows * columns);
    let side = patch_in % columns * 2u + PL - 2u;
    let corner = ((patch_in / (rows * columns) * OH + top) * OW + side) * (CO / 4u);
    let row_a = vec4<u32>(0u, 1u, 2u, 1u)[i]; // row i of Bᵀ: one row of a patch, and one more times a sign
    let row_b = vec4<u32>(2u, 2u, 1u, 3u)[i];
    let sign = select(-1.0, 1.0, i == 1u);
    let channel = job / QUADS % TILE_CI;
    let ci = left * 4u + channel;
    let g = mat4x3<f32>(1.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0.0, 0.0, 1.0)[i]; // row i of G
    let to_dy = (quad * 16u + i * 4u) * TILE_PATCHES + job / QUADS % TILE_PATCHES;
    let to_w = W_FIRST + ((quad * 16u + i * 4u) * 4u + channel % 4u) * W_QUADS + channel / 4u;
    // What this thread sums.
    let place = index / 16u;
    let ty = index / 4u % 4u;
    let tx = index % 4u;
    var sums = array<mat4x4<f32>, BLOCKS_P * BLOCKS_C>(); // column k: patch 4 k + ty of a block
    for (var start = 0u; start < CO; start += DEPTH) {
        if (of_dy) {
            var row = array<vec4<f32>, 4>();
            for (var c = 0u; c < 4u; c++) {
                let at = corner + c * (CO / 4u) + start / 4u + quad;
                if (start + quad * 4u < CO) {
                    row[c] = dy_at(top, side + c, row_a, at) + sign * dy_at(top, side + c, row_b, at);
                }
            }
            stage_patch(to_dy, row[0], row[1], row[2], row[3]);
        } else if (job < W_JOBS) {
            var row = array<vec4<f32>, 3>();
            for (var c = 0u; c < 3u; c++) {
                if (start + quad * 4u < CO && ci < CI) {
                    for (var r = 0u; r < 3u; r++) {
                        row[c] += g[r] * w4[((8u - r * 3u - c) * CI + ci) * (CO / 4u) + start / 4u + quad];
                    }
                }
            }
            stage_kernel(to_w, row[0], row[1], row[2]);
        }
        workgroupBarrier();
        for (var q = 0u; q < QUADS; q++) {
            for (var p = 0u; p < BLOCKS_P; p++) {
                let a = (q * 16u + place) * TILE_PATCHES + p * 16u + ty;
                let of_patches = mat4x4<f32>(pool[a], pool[a + 4u], pool[a + 8u], pool[a + 12u]);
                for (var f = 0u; f < BLOCKS_C; f++) {
                    let b = W_FIRST + (q * 16u + place) * 4u * W_QUADS + f * 4u + tx;
                    let of_channels = mat4x4<f32>(pool[b], pool[b + W_QUADS], pool[b + 2u * W_QUADS], pool[b + 3u * W_QUADS]);
                    sums[p * BLOCKS_C + f] += transpose(of_channels) * of_patches;
                }
            }
        }
        workgroupBarrier();
    }
    // All places of a patch come together, block by block: each thread makes one pixel of four channels from nine of them.
    let down = index / 128u;
    let right = index / 64u % 2u;
    let cell = index % 64u; // (patch of the block, quad)
    for (var block = 0u; block < BLOCKS_P * BLOCKS_C; block++) {
        for (var k = 0u; k < 4u; k++) {
            pool[(place * 16u + k * 4u + ty) * 4u + tx] = sums[block][k];
        }
        workgroupBarrier();
        let sum = pixel_of(down, right, cell);
        workgroupBarrier();
        let patch_out = first + block / BLOCKS_C * 16u + cell / 4u;
        let h = patch_out / columns % rows * 2u + down;
        let v = patch_out % columns * 2u + right;
        let quad = left + block % BLOCKS_C * 4u + cell % 4u;
        if (patch_out < N * rows * columns && h < H && v < W && quad < CI / 4u) {
            let at = ((patch_out / (rows * columns) * H + h) * W + v) * (CI / 4u) + quad;
            dx4[at] = sum * activate_grad4(x4[at]);
        }
    }
}
