// distance_of(d) = d²; the rest is common/regression.wgsl
override ROWS: u32;
override CLASSES: u32;
override MIXUP: u32 = 0u;
@group(0) @binding(0) var<storage, read_write> dlogits: array<f32>; // (ROWS, POSITIONS)
@group(0) @binding(1) var<storage, read_write> loss: array<f32>; // (ROWS, POSITIONS)
@group(0) @binding(2) var<storage, read_write> hit: array<f32>; // (ROWS, POSITIONS)
@group(0) @binding(3) var<storage, read> logits: array<f32>; // (ROWS, POSITIONS)
@group(0) @binding(4) var<storage, read> weights: array<f32>; // (CLASSES) positive
@group(0) @binding(5) var<storage, read> examples: array<f32>; // (EXAMPLES) positive
// batch ROWS
// feed labels below CLASSES, f32 where REAL, POSITIONS each, LABELS of all
// grid ITEMS = ROWS * POSITIONS

fn distance_of(d: f32) -> f32 { return d * d; }

fn slope_of(d: f32) -> f32 { return 2.0 * d; }
// uses feed, random, mixup, examples, positions, number, regression
// case ROWS=1,CLASSES=1
// case ROWS=9,CLASSES=3,MIXUP=1,WEIGHTED=1,EXAMPLES=12
// case ROWS=33,CLASSES=10
// case ROWS=5,CLASSES=3,MIXUP=1
// case ROWS=4101,CLASSES=10,MIXUP=1
// case ROWS=33,CLASSES=1,REAL=1
// case ROWS=7,CLASSES=1,REAL=1,MIXUP=1
// case ROWS=2,CLASSES=4101
// case ROWS=5,POSITIONS=9,CLASSES=1,REAL=1
// case ROWS=3,POSITIONS=70,CLASSES=1,REAL=1,MIXUP=1,WEIGHTED=1,EXAMPLES=6
// case ROWS=5,POSITIONS=3,CLASSES=1,REAL=1,LABELS=7,FROM=4
