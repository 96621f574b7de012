// y[n, t, h] = Σ_s m_s · softmax(SCALE · q[n, t, h] · k[n, :, h])_s · v[n, s, h]: attention (Vaswani et al., 2017); stats is the
// logarithm of the sum in the softmax, from which the gradient has the shares again (Dao et al., 2022). Dropout multiplies
// share s by m_s = kept(query, s), which stats does not see.
override ROWS: u32;
override HEADS: u32;
override T: u32; // queries
override S: u32; // keys, and values
override KEY: u32; // length of a query and of a key
override VALUE: u32; // length of a value
override SCALE: f32;
override CAUSAL: u32 = 0u; // 1: a query sees no key that stands behind it
override STREAM: u32 = 0u;    // tells the layers of a network apart
override THRESHOLD: u32 = 0u; // a share is dropped where random < THRESHOLD: rate · 2^32
override KEPT: f32 = 1.0;     // what the others are multiplied by: 1 / (1 - rate)
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (ROWS, T, HEADS, VALUE)
@group(0) @binding(1) var<storage, read_write> stats: array<f32>; // (ROWS, T, HEADS)
@group(0) @binding(2) var<storage, read> q: array<f32>; // (ROWS, T, HEADS, KEY)
@group(0) @binding(3) var<storage, read> k: array<f32>; // (ROWS, S, HEADS, KEY)
@group(0) @binding(4) var<storage, read> v: array<f32>; // (ROWS, S, HEADS, VALUE)
// batch ROWS
// flops 2 * ROWS * HEADS * T * S * KEY + 2 * ROWS * HEADS * T * S * VALUE
// grid ITEMS = ROWS * T * HEADS
// uses feed, random, attention
// case ROWS=1,HEADS=1,T=1,S=1,KEY=1,VALUE=1,SCALE=1
// case ROWS=2,HEADS=3,T=5,S=7,KEY=4,VALUE=3,SCALE=0.5
// case ROWS=1,HEADS=2,T=65,S=33,KEY=8,VALUE=8,SCALE=0.25,CAUSAL=1
// case ROWS=2,HEADS=3,T=6,S=9,KEY=4,VALUE=4,SCALE=0.5,STREAM=5,THRESHOLD=2147483648,KEPT=2
// case ROWS=1,HEADS=2,T=37,S=67,KEY=8,VALUE=12,SCALE=0.25,CAUSAL=1,STREAM=3,THRESHOLD=858993459,KEPT=1.25
// case ROWS=1,HEADS=1,T=1,S=100,KEY=17,VALUE=37,SCALE=0.25
// case ROWS=1,HEADS=1,T=34,S=101,KEY=66,VALUE=70,SCALE=0.125,CAUSAL=1
// case ROWS=1,HEADS=1,T=33,S=35,KEY=131,VALUE=129,SCALE=0.0625,STREAM=1,THRESHOLD=1073741824,KEPT=1.3333334
// case ROWS=1,HEADS=1,T=2053,S=3,KEY=2,VALUE=3,SCALE=0.5,CAUSAL=1
// case ROWS=1,HEADS=2,T=3,S=2053,KEY=3,VALUE=2,SCALE=0.5
// case ROWS=1,HEADS=1,T=2,S=3,KEY=2053,VALUE=2055,SCALE=0.02
// case ROWS=3,HEADS=1367,T=2,S=2,KEY=2,VALUE=1,SCALE=0.5
// case ROWS=2,HEADS=2,T=70,S=70,KEY=32,VALUE=16,SCALE=0.125
