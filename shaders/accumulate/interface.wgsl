// total = (step.part == 0 ? 0 : total) + step.share · grad, and grad = total: the gradient of a batch that is computed
// in parts, one after the other. Each part has the gradient of its own mean; they count by their share of the images.
override COUNT: u32;
@group(0) @binding(0) var<storage, read_write> total: array<f32>; // (COUNT) in place
@group(0) @binding(1) var<storage, read_write> grad: array<f32>; // (COUNT) in place
// grid COUNT
// uses feed
// case COUNT=1
// case COUNT=77
// case COUNT=70001

// Updates element i.
fn update(i: u32) {
    let sum = select(total[i], 0.0, step.part == 0u) + step.share * grad[i];
    total[i] = sum;
    grad[i] = sum;
}
