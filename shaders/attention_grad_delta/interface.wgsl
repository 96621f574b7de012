// forward: y[n, t, h] = Σ_s m_s · p_s · v[n, s, h], p = softmax(SCALE · q[n, t, h] · k[n, :, h]), m of dropout
// sums[n, t, h] = stats[n, t, h] and delta[n, t, h] = dy[n, t, h] · y[n, t, h]: what the gradient of attention has of a query
// besides its vectors (Dao et al., 2022).
override ROWS: u32;
override HEADS: u32;
override T: u32; // queries
override VALUE: u32; // length of a value
@group(0) @binding(0) var<storage, read_write> sums: array<f32>; // (ROWS, T, HEADS, 2)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (ROWS, T, HEADS, VALUE)
@group(0) @binding(2) var<storage, read> y: array<f32>; // (ROWS, T, HEADS, VALUE)
@group(0) @binding(3) var<storage, read> stats: array<f32>; // (ROWS, T, HEADS)
// batch ROWS
// flops 2 * ROWS * HEADS * T * VALUE
// grid ITEMS = ROWS * T * HEADS
// case ROWS=1,HEADS=1,T=1,VALUE=1
// case ROWS=2,HEADS=3,T=5,VALUE=7
// case ROWS=4101,HEADS=1,T=2,VALUE=3
// case ROWS=1,HEADS=4101,T=1,VALUE=4
// case ROWS=1,HEADS=1,T=4101,VALUE=2
// case ROWS=1,HEADS=2,T=3,VALUE=4101
// case ROWS=3,HEADS=2,T=33,VALUE=16
