// The feed: what changes from step to step. Its numbers are group 1, bound once a step with a dynamic offset. Images and
// labels are group 2: a kernel that reads neither has two more storage buffers of WebGPU's eight to itself.
struct Step {
    first: u32,         // index in the chunk of the batch's first image
    rows: u32,          // images in this batch; fewer than the plan's in a partial one
    slot: u32,          // where in `results` this step's loss and hits go
    key0: u32,          // random key, derived from the seed and the step number
    key1: u32,
    learning_rate: f32,
    correction: f32,     // Adam's factor against the zeros that its means start from
    momentum_shift: f32, // what a schedule adds to the momentum or beta_1
    average: f32,        // the share of the new parameters in their moving average
    mixed: f32,          // mixup: the share of the partner in an image of this batch
    share: f32,          // of a step's images: less than 1 where it is computed in parts
    part: u32,           // which part of its step this is
    before: u32,         // images of the step that the ranks before this one compute
    images: u32,         // images of a full batch of this program
}
@group(1) @binding(0) var<uniform> step: Step;
@group(2) @binding(0) var<storage, read> images: array<u32>; // four bytes a word, the first lowest
@group(2) @binding(1) var<storage, read> labels: array<u32>;
