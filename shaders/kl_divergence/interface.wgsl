// loss[r] = w · Σ_c t · log(t / p), the divergence of Kullback and Leibler (1951) of the output p from the target t, both
// held within 1e-7 and 1; w is the weight of the example. dlogits[r, c] = - w · t / p / rows inside these bounds, else 0.
// hit[r] = 1 where the largest of both stand at one place. Rows beyond the batch are zero everywhere.
override ROWS: u32;
override CLASSES: u32;
override MIXUP: u32 = 0u;
@group(0) @binding(0) var<storage, read_write> dlogits: array<f32>; // (ROWS, POSITIONS, CLASSES)
@group(0) @binding(1) var<storage, read_write> loss: array<f32>; // (ROWS, POSITIONS)
@group(0) @binding(2) var<storage, read_write> hit: array<f32>; // (ROWS, POSITIONS)
@group(0) @binding(3) var<storage, read> logits: array<f32>; // (ROWS, POSITIONS, CLASSES) from 0 to 1
@group(0) @binding(4) var<storage, read> weights: array<f32>; // (CLASSES) positive
@group(0) @binding(5) var<storage, read> examples: array<f32>; // (EXAMPLES) positive
// batch ROWS
// feed labels below CLASSES, f32 where REAL, POSITIONS * CLASSES each, LABELS of all
// grid ITEMS = ROWS * POSITIONS
// uses feed, random, mixup, examples, positions, number, vector
// case ROWS=1,POSITIONS=1,CLASSES=2,REAL=1
// case ROWS=5,POSITIONS=1,CLASSES=10,REAL=1
// case ROWS=9,POSITIONS=1,CLASSES=3,REAL=1,WEIGHTED=1,EXAMPLES=12
// case ROWS=5,POSITIONS=7,CLASSES=4,REAL=1
// case ROWS=5,POSITIONS=3,CLASSES=4,REAL=1,LABELS=15,FROM=2
