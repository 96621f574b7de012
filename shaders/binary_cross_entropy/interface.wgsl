// loss[r] = w · (log(1 + exp(z)) - t · z), where z is the logit of "the label is 1", t the label, smoothed to
// (1 - SMOOTHING) · label + SMOOTHING / 2, and w the weight of the label's class times that of the example. hit[r] = 1 where z > 0 is the label.
// dlogits[r] = w · (sigmoid(z) - t) / rows: the gradient of the batch's mean loss. With mixup, `step.mixed` of the same for
// the partner's label, and the rest of this. Rows beyond the batch are zero everywhere.
override ROWS: u32;
override CLASSES: u32;
override SMOOTHING: f32 = 0.0;
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
// uses feed, random, mixup, examples, positions, number
// case ROWS=1,CLASSES=2
// case ROWS=33,CLASSES=2,SMOOTHING=0.2
// case ROWS=5,CLASSES=2,MIXUP=1
// case ROWS=9,CLASSES=2,MIXUP=1,WEIGHTED=1,EXAMPLES=12
// case ROWS=4101,CLASSES=2,SMOOTHING=0.1,MIXUP=1
// case ROWS=5,POSITIONS=9,CLASSES=2,REAL=1
// case ROWS=3,POSITIONS=70,CLASSES=2,MIXUP=1,WEIGHTED=1,EXAMPLES=6
// case ROWS=5,POSITIONS=3,CLASSES=2,REAL=1,LABELS=7,FROM=2
