// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// For GPUs, kernels of 3 × 3 with stride 1, where dx is a convolution of dy with the kernel turned by half a turn:
// Winograd's F(2 × 2, 3 × 3), dx = Aᵀ ((G w Gᵀ) ∘ (Bᵀ dy B)) A, as in the forward kernel with filters and channels
// exchanged. A workgroup computes TILE_PATCHES patches of 2 × 2 of TILE_CI channels of dx, by products
// [TILE_PATCHES, CO] × [CO, TILE_CI]; a thread has blocks of four patches by four channels.
// crosses the taps of w: rounds like a sum of each number of a window times each tap, those of other places too.
// needs KH == 3, KW == 3, SH == 1, SW == 1, CI % 4 == 0, CO % 4 == 0
// uses activate4, guard, index, products, winograd
const TILE_PATCHES = 16u; // one of 16, 32: patches of a workgroup
const TILE_CI = 16u; // one of 16, 32: channels of a workgroup
const DEPTH = 8u; // one of 4, 8: filters that are transformed at a time
const W_QUADS = TILE_CI / 4u; // vec4s of channels of dx
const BLOCKS_C = TILE_CI / 16u;
// A job is one row of a transformed patch, or kernel, in one vec4; a thread has at most one.
const DY_JOBS = QUADS * TILE_PATCHES * 4u;
const W_JOBS = DEPTH * W_QUADS * 4u;
const_assert DY_JOBS + W_JOBS <= 256u;
// In `pool`, w lies as [quad of filters][place][channel % 4][channel / 4].
// grid CI, PATCHES = N * H / 2 * W / 2

// Four filters of a pixel of a patch; zero outside.
fn dy_at(at: u32, inside: bool) -> vec4<f32> { return select(vec4<f32>(), dy4[select(0u, at, inside)], inside); }

// Four filters of a tap and a channel; `at` is where those of the first tap lie. The kernel is turned.
fn w_at(tap: u32, at: u32) -> vec4<f32> { return w4[(8u - tap) * CI * (CO / 4u) + at]; }

// Column c of row g of G w.
fn w_row(g: vec3<f32>, c: u32, at: u32) -> vec4<f32> {
    return g.x * w_at(c, at) + g.y * w_at(3u + c, at) + g.z * w_at(6u + c, at);
}

// [filter][channel]
fn w_of(b: u32) -> mat4x4<f32> {
    return transpose(mat4x4<f32>(pool[b], pool[b + W_QUADS], pool[b + 2u * W_QUADS], pool[b + 3u * W_QUADS]));
}

// The pixel of a block of four channels by 16 patches that this thread stores.
fn finish(sums: mat4x4<f32>, index: u32, first: u32, left: u32) {
    let sum = exchange(sums, index);
    let rows = (H + 1u) / 2u;
    let columns = (W + 1u) / 2u;
    let patch_out = first + index % 64u / 4u;
    let h = patch_out / columns % rows * 2u + index / 128u;
    let v = patch_out % columns * 2u + index / 64u % 2u;
    let quad = left + index % 4u;
    if (patch_out < N * rows * columns && h < H && v < W && quad < CI / 4u) {
        let at = ((patch_out / (rows * columns) * H + h) * W + v) * (CI / 4u) + quad;
        dx4[at] = sum * activate_grad4(x4[at]);
    }
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
    let patch_in = clamped(first + job / QUADS % TILE_PATCHES, N * rows * columns, TILE_PATCHES);
    // Two rows of four outputs. Unsigned: what lies above or left of the outputs wraps to a large number.
    let top = patch_in / columns % rows * 2u + PT - 2u;
    let side = patch_in % columns * 2u + PL - 2u;
    let oh = top + vec2<u32>(row_a(i), row_b(i));
    let columns_in = side + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(OW);
    let seen_a = vec4<bool>(oh.x < OH) & columns_in;
    let seen_b = vec4<bool>(oh.y < OH) & columns_in;
    let line = patch_in / (rows * columns) * OH + oh;
    let a = (line.x * OW + side) * (CO / 4u) + quad;
    let b = (line.y * OW + side) * (CO / 4u) + quad;
    let sign = sign_b(i);
    let to_dy = (quad * 16u + i * 4u) * TILE_PATCHES + job / QUADS % TILE_PATCHES;
    let channel = job / QUADS % TILE_CI;
    let ci = clamped(left * 4u + channel, CI, TILE_CI);
    let g = kernel_row(i);
    let to_w = W_FIRST + ((quad * 16u + i * 4u) * 4u + channel % 4u) * W_QUADS + channel / 4u;
    // What this thread sums: blocks [patches][channels].
    let place = index / 16u;
    let from_dy = place * TILE_PATCHES + index / 4u % 4u;
    let from_w = W_FIRST + place * 4u * W_QUADS + index % 4u;
    var s00 = mat4x4<f32>(); // column k: patch 4 k + index / 4 % 4 of a block
    var s01 = mat4x4<f32>();
    var s10 = mat4x4<f32>();
    var s11 = mat4x4<f32>();
    // All of them. Not said as a constant: FXC would try to write out every round, for many seconds.
    let end = select(0u, CO, left < CI / 4u);
    for (var start = 0u; start < end; start += DEPTH) {
        if (of_dy) {
            let used = vec4<bool>(within(start / 4u + quad, CO / 4u, QUADS));
            let in_a = seen_a & used;
            let in_b = seen_b & used;
            let from_a = a + start / 4u;
            let from_b = b + start / 4u;
            stage_patch(
                to_dy,
                dy_at(from_a, in_a.x) + sign * dy_at(from_b, in_b.x),
                dy_at(from_a + CO / 4u, in_a.y) + sign * dy_at(from_b + CO / 4u, in_b.y),
                dy_at(from_a + CO / 2u, in_a.z) + sign * dy_at(from_b + CO / 2u, in_b.z),
                dy_at(from_a + 3u * (CO / 4u), in_a.w) + sign * dy_at(from_b + 3u * (CO / 4u), in_b.w));
        } else if (job < W_JOBS) {
            // Beyond the last filter dy is zero, and any kernel does.
            let at = ci * (CO / 4u) + min(start / 4u + quad, CO / 4u - 1u);
            stage_kernel(to_w, w_row(g, 0u, at), w_row(g, 1u, at), w_row(g, 2u, at));
        }
        workgroupBarrier();
        for (var q = 0u; q < QUADS; q++) {
            let dy_first = from_dy + q * 16u * TILE_PATCHES;
            let w_first = from_w + q * 64u * W_QUADS;
            let near = w_of(w_first);
            s00 = add_patches(s00, near, dy_first);
            if (BLOCKS_P > 1u) { s10 = add_patches(s10, near, dy_first + 16u); }
            if (BLOCKS_C > 1u) {
                let far = w_of(w_first + 4u);
                s01 = add_patches(s01, far, dy_first);
                if (BLOCKS_P > 1u) { s11 = add_patches(s11, far, dy_first + 16u); }
            }
        }
        workgroupBarrier();
    }
    finish(s00, index, first, left);
    if (BLOCKS_C > 1u) { finish(s01, index, first, left + 4u); }
    if (BLOCKS_P > 1u) {
        finish(s10, index, first + 16u, left);
        if (BLOCKS_C > 1u) { finish(s11, index, first + 16u, left + 4u); }
    }
}
