// loss[r] = Σ_c t_c · (log Σ_k exp(logits[r, k]) - logits[r, c]), hit[r] = 1 where the label has the first largest logit.
// dlogits[r, c] = (Σ_k t_k · softmax(logits)[r, c] - t_c) / rows: the gradient of the batch's mean loss.
// The target t is w · ((1 - SMOOTHING) · [c == label] + SMOOTHING / CLASSES), where w is the weight of the label's class
// times that of the example (label smoothing: Szegedy et al., 2016); with mixup, `step.mixed` of the same for the partner's label, and the rest of this.
// Rows beyond the batch are zero everywhere, so they add nothing to any gradient.
override ROWS: u32;
override CLASSES: u32;
override SMOOTHING: f32 = 0.0;
override MIXUP: u32 = 0u;
@group(0) @binding(0) var<storage, read_write> dlogits: array<f32>; // (ROWS, POSITIONS, CLASSES)
@group(0) @binding(1) var<storage, read_write> loss: array<f32>; // (ROWS, POSITIONS)
@group(0) @binding(2) var<storage, read_write> hit: array<f32>; // (ROWS, POSITIONS)
@group(0) @binding(3) var<storage, read> logits: array<f32>; // (ROWS, POSITIONS, CLASSES)
@group(0) @binding(4) var<storage, read> weights: array<f32>; // (CLASSES) positive
@group(0) @binding(5) var<storage, read> examples: array<f32>; // (EXAMPLES) positive
// batch ROWS
// feed labels below CLASSES, whole f32 where REAL, POSITIONS each, LABELS of all
// grid ITEMS = ROWS * POSITIONS
// uses feed, random, mixup, examples, positions, number
// case ROWS=1,CLASSES=2
// case ROWS=5,CLASSES=10
// case ROWS=33,CLASSES=7,SMOOTHING=0.1
// case ROWS=5,CLASSES=3,MIXUP=1
// case ROWS=1,CLASSES=3,MIXUP=1
// case ROWS=33,CLASSES=10,SMOOTHING=0.25,MIXUP=1
// case ROWS=4101,CLASSES=10
// case ROWS=9,CLASSES=3,SMOOTHING=0.1,MIXUP=1,WEIGHTED=1,EXAMPLES=12
// case ROWS=2,CLASSES=4101,SMOOTHING=0.1
// case ROWS=3,POSITIONS=7,CLASSES=5
// case ROWS=5,POSITIONS=33,CLASSES=3,SMOOTHING=0.1,MIXUP=1,WEIGHTED=1,EXAMPLES=8
// case ROWS=5,CLASSES=3,REAL=1,LABELS=4,FROM=2
// case ROWS=5,POSITIONS=3,CLASSES=4,REAL=1,LABELS=7,FROM=3,MIXUP=1
