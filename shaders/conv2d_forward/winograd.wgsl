// For GPUs, kernels of 3 × 3 with stride 1: Winograd's F(2 × 2, 3 × 3), y = Aᵀ ((G w Gᵀ) ∘ (Bᵀ x B)) A. A workgroup
// computes TILE_PATCHES patches of 2 × 2 of TILE_CO filters, by products [TILE_PATCHES, CI] × [CI, TILE_CO]; a thread has
// blocks of four patches by four filters. Rounding errors go with the whole patch of x, not with the nine pixels of an
// output alone: with a single channel, outputs at the border can miss their bound.
// crosses the taps of w: rounds like a sum of each number of a window times each tap, those of other places too.
// needs KH == 3, KW == 3, SH == 1, SW == 1, CI % 4 == 0, CO % 4 == 0
// uses activate4, guard, index, products, winograd
const TILE_PATCHES = 16u; // one of 16, 32: patches of a workgroup
const TILE_CO = 16u; // one of 16, 32: filters of a workgroup
const DEPTH = 8u; // one of 4, 8: channels that are transformed at a time
const W_QUADS = TILE_CO / 4u; // vec4s of filters
const BLOCKS_F = TILE_CO / 16u;
// A job is one row of a transformed patch, or kernel, in one vec4; a thread has at most one.
const X_JOBS = QUADS * TILE_PATCHES * 4u;
const W_JOBS = DEPTH * W_QUADS * 4u;
const_assert X_JOBS + W_JOBS <= 256u;
// In `pool`, w lies as [channel / 4][place][channel % 4][quad of filters].
// grid CO, PATCHES = N * OH / 2 * OW / 2

// Four channels of a pixel of a patch; zero outside.
fn x_at(at: u32, inside: bool) -> vec4<f32> { return select(vec4<f32>(), x4[select(0u, at, inside)], inside); }

// Four filters of a tap and a channel; `at` is where those of the first tap lie.
fn w_at(tap: u32, at: u32) -> vec4<f32> { return w4[tap * CI * (CO / 4u) + at]; }

// Column c of row g of G w.
fn w_row(g: vec3<f32>, c: u32, at: u32) -> vec4<f32> {
    return g.x * w_at(c, at) + g.y * w_at(3u + c, at) + g.z * w_at(6u + c, at);
}

fn w_of(b: u32) -> mat4x4<f32> {
    return mat4x4<f32>(pool[b], pool[b + W_QUADS], pool[b + 2u * W_QUADS], pool[b + 3u * W_QUADS]);
}

// The pixel of a block of four filters by 16 patches that this thread stores.
fn finish(sums: mat4x4<f32>, index: u32, first: u32, left: u32) {
    let sum = exchange(sums, index);
    let rows = (OH + 1u) / 2u;
    let columns = (OW + 1u) / 2u;
    let patch_out = first + index % 64u / 4u;
    let oh = patch_out / columns % rows * 2u + index / 128u;
    let ow = patch_out % columns * 2u + index / 64u % 2u;
    let quad = left + index % 4u;
    if (patch_out < N * rows * columns && oh < OH && ow < OW && quad < CO / 4u) {
        let at = ((patch_out / (rows * columns) * OH + oh) * OW + ow) * (CO / 4u) + quad;
        y4[at] = activate4(sum + b4[quad]);
    }
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
    let patch_in = clamped(first + job / QUADS % TILE_PATCHES, N * rows * columns, TILE_PATCHES);
    // Two rows of four pixels. Unsigned: what lies above or left of the image wraps to a large number. Where nothing is
    // padded, what lies below or right of the image meets no output that is stored, and any pixel does.
    let whole = PT == 0u && PL == 0u && OH + 2u <= H && OW + 2u <= W;
    let top = patch_in / columns % rows * 2u - PT;
    let side = patch_in % columns * 2u - PL;
    let h = top + vec2<u32>(row_a(i), row_b(i));
    let v = side + vec4<u32>(0u, 1u, 2u, 3u);
    let seen_a = vec4<bool>(whole) | (vec4<bool>(h.x < H) & (v < vec4<u32>(W)));
    let seen_b = vec4<bool>(whole) | (vec4<bool>(h.y < H) & (v < vec4<u32>(W)));
    let line = patch_in / (rows * columns) * H + select(h, min(h, vec2<u32>(H - 1u)), whole);
    let a = (line.x * W + side) * (CI / 4u) + quad;
    let b = (line.y * W + side) * (CI / 4u) + quad;
    let last = select(3u, min(3u, W - 1u - side), whole) * (CI / 4u); // from the first column to the last
    let sign = sign_b(i);
    let to_x = (quad * 16u + i * 4u) * TILE_PATCHES + job / QUADS % TILE_PATCHES;
    let d = job / W_QUADS % DEPTH;
    let co = clamped(left + job % W_QUADS, CO / 4u, W_QUADS);
    let g = kernel_row(i);
    let to_w = W_FIRST + ((d / 4u * 16u + i * 4u) * 4u + d % 4u) * W_QUADS + job % W_QUADS;
    // What this thread sums: blocks [patches][filters].
    let place = index / 16u;
    let from_x = place * TILE_PATCHES + index / 4u % 4u;
    let from_w = W_FIRST + place * 4u * W_QUADS + index % 4u;
    var s00 = mat4x4<f32>(); // column k: patch 4 k + index / 4 % 4 of a block
    var s01 = mat4x4<f32>();
    var s10 = mat4x4<f32>();
    var s11 = mat4x4<f32>();
    // All of them. Not said as a constant: FXC would try to write out every round, for many seconds.
    let end = select(0u, CI, left < CO / 4u);
    for (var start = 0u; start < end; start += DEPTH) {
        if (of_x) {
            let used = vec4<bool>(within(start / 4u + quad, CI / 4u, QUADS));
            let in_a = seen_a & used;
            let in_b = seen_b & used;
            let from_a = a + start / 4u;
            let from_b = b + start / 4u;
            stage_patch(
                to_x,
                x_at(from_a, in_a.x) + sign * x_at(from_b, in_b.x),
                x_at(from_a + CI / 4u, in_a.y) + sign * x_at(from_b + CI / 4u, in_b.y),
                x_at(from_a + CI / 2u, in_a.z) + sign * x_at(from_b + CI / 2u, in_b.z),
                x_at(from_a + last, in_a.w) + sign * x_at(from_b + last, in_b.w));
        } else if (job < W_JOBS) {
            // Beyond the last channel x is zero, and any kernel does.
            let at = min(start + d, CI - 1u) * (CO / 4u) + co;
            stage_kernel(to_w, w_row(g, 0u, at), w_row(g, 1u, at), w_row(g, 2u, at));
        }
        workgroupBarrier();
        for (var q = 0u; q < QUADS; q++) {
            let x = from_x + q * 16u * TILE_PATCHES;
            let w = from_w + q * 64u * W_QUADS;
            let near = w_of(w);
            s00 = add_patches(s00, near, x);
            if (BLOCKS_P > 1u) { s10 = add_patches(s10, near, x + 16u); }
            if (BLOCKS_F > 1u) {
                let far = w_of(w + 4u);
                s01 = add_patches(s01, far, x);
                if (BLOCKS_P > 1u) { s11 = add_patches(s11, far, x + 16u); }
            }
        }
        workgroupBarrier();
    }
    finish(s00, index, first, left);
    if (BLOCKS_F > 1u) { finish(s01, index, first, left + 4u); }
    if (BLOCKS_P > 1u) {
        finish(s10, index, first + 16u, left);
        if (BLOCKS_F > 1u) { finish(s11, index, first + 16u, left + 4u); }
    }
}
