// Winograd's F(2 × 2, 3 × 3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015), for GPUs:
// Aᵀ ((G w Gᵀ) ∘ (Bᵀ x B)) A, which multiplies 16 times where a plain sum does 36 times. The output is made in patches of
// 2 × 2, each from 4 × 4 of the input. DEPTH channels at a time are transformed into workgroup memory, where each of the 16
// places of a transformed patch is a matrix product of its own, patches by output channels. 16 threads share a place.
// Nothing transformed leaves the workgroup. The variant declares TILE_PATCHES, DEPTH and W_QUADS, the vec4s of output
// channels.
const QUADS = DEPTH / 4u; // vec4s of channels that are summed over
const BLOCKS_P = TILE_PATCHES / 16u; // blocks of a thread
const W_FIRST = QUADS * 16u * TILE_PATCHES;
// While summing, the input: [quad of channels][place][patch], and from W_FIRST on the kernel, as the variant says. At the
// end, what 256 threads have of one block: [place][patch][quad of output channels].
var<workgroup> pool: array<vec4<f32>, 1024>;

// Row i of Bᵀ x is a row of a patch, and one more times a sign.
fn row_a(i: u32) -> u32 { return select(min(i, 2u), 1u, i == 3u); }
fn row_b(i: u32) -> u32 { return select(max(i, 2u), 1u, i == 2u); }
fn sign_b(i: u32) -> f32 { return select(-1.0, 1.0, i == 1u); }

// Row i of G.
fn kernel_row(i: u32) -> vec3<f32> {
    let outer = select(vec3<f32>(0.0, 0.0, 1.0), vec3<f32>(1.0, 0.0, 0.0), i == 0u);
    return select(outer, vec3<f32>(0.5, select(-0.5, 0.5, i == 1u), 0.5), i == 1u || i == 2u);
}

// Stages a row of Bᵀ x B; a to d are that row of Bᵀ x.
fn stage_patch(to: u32, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) {
    pool[to] = a - c;
    pool[to + TILE_PATCHES] = b + c;
    pool[to + 2u * TILE_PATCHES] = c - b;
    pool[to + 3u * TILE_PATCHES] = b - d;
}

// Stages a row of G w Gᵀ; a to c are that row of G w.
fn stage_kernel(to: u32, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>) {
    let even = 0.5 * (a + c);
    let odd = 0.5 * b;
    pool[to] = a;
    pool[to + 4u * W_QUADS] = even + odd;
    pool[to + 8u * W_QUADS] = even - odd;
    pool[to + 12u * W_QUADS] = c;
}

// The sums of four patches by four output channels, and four products of w with each patch. Patches are loaded one after
// the other: they take few registers.
fn add_patches(sums: mat4x4<f32>, w: mat4x4<f32>, patch_in: u32) -> mat4x4<f32> {
    return mat4x4<f32>(
        add_products(sums[0], pool[patch_in], w), add_products(sums[1], pool[patch_in + 4u], w),
        add_products(sums[2], pool[patch_in + 8u], w), add_products(sums[3], pool[patch_in + 12u], w));
}

// Of a block's sums, which are four patches of one place by one quad for each thread: the pixel `index` / 64 of patch
// `index` / 4 % 16 and quad `index` % 4. All places of a patch come together in `pool`.
fn exchange(sums: mat4x4<f32>, index: u32) -> vec4<f32> {
    let to = (index / 16u * 16u + index / 4u % 4u) * 4u + index % 4u;
    pool[to] = sums[0];
    pool[to + 16u] = sums[1];
    pool[to + 32u] = sums[2];
    pool[to + 48u] = sums[3];
    workgroupBarrier();
    let sum = pixel_of(index / 128u, index / 64u % 2u, index % 64u);
    workgroupBarrier();
    return sum;
}

// The pixel (down, right) of Aᵀ m A from nine of the 16 places; `cell` is the patch of the block and the quad.
fn pixel_of(down: u32, right: u32, cell: u32) -> vec4<f32> {
    var sum = vec4<f32>();
    for (var r = 0u; r < 3u; r++) {
        for (var c = 0u; c < 3u; c++) {
            let minus = (down == 1u && r > 0u) != (right == 1u && c > 0u);
            sum += select(1.0, -1.0, minus) * pool[((down + r) * 4u + right + c) * 64u + cell];
        }
    }
    return sum;
}
