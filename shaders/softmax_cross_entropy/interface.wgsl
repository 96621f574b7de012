// loss[r] = log Σ_c exp(logits[r, c]) - logits[r, label], hit[r] = 1 where the label has the first largest logit.
// dlogits[r, c] = (softmax(logits)[r, c] - [c == label]) / rows: the gradient of the batch's mean loss.
// Rows beyond the batch are zero everywhere, so they add nothing to any gradient.
override ROWS: u32;
override CLASSES: u32;
@group(0) @binding(0) var<storage, read_write> dlogits: array<f32>; // (ROWS, CLASSES)
@group(0) @binding(1) var<storage, read_write> loss: array<f32>; // (ROWS)
@group(0) @binding(2) var<storage, read_write> hit: array<f32>; // (ROWS)
@group(0) @binding(3) var<storage, read> logits: array<f32>; // (ROWS, CLASSES)
// grid ROWS
