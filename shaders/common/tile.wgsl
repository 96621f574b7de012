// A tile of a matrix product, for GPUs. A workgroup computes THREADS_Y · BLOCK rows and THREADS_X · BLOCK columns; a
// thread has BLOCK × BLOCK elements that lie THREADS_Y rows and THREADS_X columns apart, so that neighbouring threads load
// and store neighbouring columns. Each staged number is used BLOCK times by a thread: larger tiles move less and need more
// threads and registers. The variant declares BLOCK, THREADS_X and THREADS_Y.
const THREADS = THREADS_X * THREADS_Y;
const_assert THREADS >= 32u;
const_assert THREADS <= 256u;
const SIDE = BLOCK / 4u; // vec4s of a thread on each side

// The first row or column of staged vec4 q, which holds four rows THREADS_Y apart or four columns THREADS_X apart.
fn staged_row(top: u32, q: u32) -> u32 { return top + q / THREADS_Y * 4u * THREADS_Y + q % THREADS_Y; }
fn staged_column(left: u32, q: u32) -> u32 { return left + q / THREADS_X * 4u * THREADS_X + q % THREADS_X; }

// Outer product of four rows and four columns: [row][column].
fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}
