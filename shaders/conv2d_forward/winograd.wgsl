// For GPUs, kernels of 3 × 3 with stride 1: Winograd's F(2 × 2, 3 × 3), y = Aᵀ ((G w Gᵀ) ∘ (Bᵀ x B)) A. A workgroup
// computes TILE_PATCHES patches of 2 × 2 of TILE_CO filters, by products [TILE_PATCHES, CI] × [CI, TILE_CO]; a thread has
// blocks of four patches by four filters. Rounding errors go with the whole patch of x, not with the nine pixels of an
// output alone: with a single channel, outputs at the border can miss their bound.
// crosses the taps of w: rounds like a sum of each number of a window times each tap, those of other places too.
// needs KH == 3, KW == 3, SH == 1, SW == 1, CI % 4 == 0, CO % 4 == 0
// uses index, activate4, winograd
const TILE_PATCHES = 32u; // one of 16, 32: patches of a workgroup
const TILE_CO = 32u; // one of 16, 32: filters of a workgroup
const DEPTH = 4u; // one of 4, 8: channels that are transformed at a time
const W_QUADS = TILE_CO / 4u; // vec4s of filters
const BLOCKS_F = TILE_CO / 16u;
// A job is one row of a transformed patch, or kernel, in one vec4; a thread has at most one.
const X_JOBS = QUADS * TILE_PATCHES * 4u;
const W_JOBS = DEPTH * W_QUADS * 4u;
const_assert X_JOBS + W_JOBS <= 256u;
// In `pool`, w lies as [channel / 4][place][channel % 4][quad of filters].
// grid CO, PATCHES = N * OH / 2 * OW / 2

// Four channels of one pixel of a patch; `at` is where its column begins.
fn x_at(top: u32, side: u32, row: u32, at: u32) -> vec4<f32> {
    if (top + row < H && side < W) { return x4[at + row * W * (CI / 4u)]; }
    return vec4<f32>();
}

@compute @workgroup_size(256)
fn conv2d_forward(@builtin(local_invocation_index) index: u32, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let rows = (OH + 1u) / 2u; // patches of an image
    let columns = (OW + 1u) / 2u;
    let first = group_y(wid, groups) * TILE_PATCHES;
    if (first >= N * rows * columns) { return; }
    let left = wid.x * W_QUADS;
    // What this thread stages: row i of channels 4 quad .. 4 quad + 3 of a patch, or of channel d of a quad of filters.
    let of_x = index < X_JOBS;
    let job = index - select(X_JOBS, 0u, of_x);
    let i = job / select(DEPTH * W_QUADS, QUADS * TILE_PATCHES, of_x);
    let quad = job % QUADS;
    let patch_in = first + job / QUADS % TILE_PATCHES;
    // Unsigned: what lies above or left of the image wraps to a large number; what lies beyond the last patch gets one.
    let top = select(patch_in / columns % rows * 2u - PT, 1u << 30u, patch_in >= N * rows * columns);
    let side = patch_in % columns * 2u - PL;
    let corner = ((patch_in / (rows * columns) * H + top) * W + side) * (CI / 4u);
    let row_a = vec4<u32>(0u, 1u, 2u, 1u)[i]; // row i of Bᵀ: one row of a patch, and one more times a sign
    let row_b = vec4<u32>(2u, 2u, 1u, 3u)[i];
    let sign = select(-1.0, 1.0, i == 1u);
    let d = job / W_QUADS % DEPTH;
    let co = left + job % W_QUADS;
    let g = mat4x3<f32>(1.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0.0, 0.0, 1.0)[i]; // row i of G
    let to_x = (quad * 16u + i * 4u) * TILE_PATCHES + job / QUADS % TILE_PATCHES;
    let to_w = W_FIRST + ((d / 4u * 16u + i * 4u) * 4u + d % 4u) * W_QUADS + job % W_QUADS;
    // What this thread sums.
    let place = index / 16u;
    let ty = index / 4u % 4u;
    let tx = index % 4u;
    var sums = array<mat4x4<f32>, BLOCKS_P * BLOCKS_F>(); // column k: patch 4 k + ty of a block
    for (var start = 0u; start < CI; start += DEPTH) {
        if (of_x) {
            var row = array<vec4<f32>, 4>();
            for (var c = 0u; c < 4u; c++) {
                let at = corner + c * (CI / 4u) + start / 4u + quad;
                if (start + quad * 4u < CI) {
                    row[c] = x_at(top, side + c, row_a, at) + sign * x_at(top, side + c, row_b, at);
                }
            }
            stage_patch(to_x, row[0], row[1], row[2], row[3]);
        } else if (job < W_JOBS) {
            var row = array<vec4<f32>, 3>();
            for (var c = 0u; c < 3u; c++) {
                if (start + d < CI && co < CO / 4u) {
                    for (var r = 0u; r < 3u; r++) {
                        row[c] += g[r] * w4[((r * 3u + c) * CI + start + d) * (CO / 4u) + co];
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
                for (var f = 0u; f < BLOCKS_F; f++) {
                    let b = W_FIRST + (q * 16u + place) * 4u * W_QUADS + f * 4u + tx;
                    let of_filters = mat4x4<f32>(pool[b], pool[b + W_QUADS], pool[b + 2u * W_QUADS], pool[b + 3u * W_QUADS]);
                    sums[p * BLOCKS_F + f] += of_filters * of_patches;
                }
            }
        }
        workgroupBarrier();
    }
    // All places of a patch come together, block by block: each thread makes one pixel of four filters from nine of them.
    let down = index / 128u;
    let right = index / 64u % 2u;
    let cell = index % 64u; // (patch of the block, quad)
    for (var block = 0u; block < BLOCKS_P * BLOCKS_F; block++) {
        for (var k = 0u; k < 4u; k++) {
            pool[(place * 16u + k * 4u + ty) * 4u + tx] = sums[block][k];
        }
        workgroupBarrier();
        let sum = pixel_of(down, right, cell);
        workgroupBarrier();
        let patch_out = first + block / BLOCKS_F * 16u + cell / 4u;
        let oh = patch_out / columns % rows * 2u + down;
        let ow = patch_out % columns * 2u + right;
        let quad = left + block % BLOCKS_F * 4u + cell % 4u;
        if (patch_out < N * rows * columns && oh < OH && ow < OW && quad < CO / 4u) {
            let at = ((patch_out / (rows * columns) * OH + oh) * OW + ow) * (CO / 4u) + quad;
            y4[at] = activate4(sum + b4[quad]);
        }
    }
}
