// loss[r] = w · f(d), where d = logits[r] - label, f(d) = |d|, and w the weight of the label's
// class; the last weight is that of all classes behind it. hit[r] = 1 where |d| < 0.5: the output rounds to the label.
// dlogits[r] = w · f'(d) / rows: the gradient of the batch's mean loss. With mixup, `step.mixed` of the same for the
// partner's label, and the rest of this. Rows beyond the batch are zero everywhere.
override ROWS: u32;
override CLASSES: u32;
override MIXUP: u32 = 0u;
@group(0) @binding(0) var<storage, read_write> dlogits: array<f32>; // (ROWS)
@group(0) @binding(1) var<storage, read_write> loss: array<f32>; // (ROWS)
@group(0) @binding(2) var<storage, read_write> hit: array<f32>; // (ROWS)
@group(0) @binding(3) var<storage, read> logits: array<f32>; // (ROWS)
@group(0) @binding(4) var<storage, read> weights: array<f32>; // (CLASSES) positive
// grid ROWS
