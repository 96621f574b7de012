// The moving average of the weights (Polyak and Juditsky 1992; Keras's `use_ema`), over the whole arena:
// average = average + step.average · (parameter - average), and the parameter itself where the optimizer changes none:
// moving statistics are averages already.
override COUNT: u32;
override TRAINED: u32;
@group(0) @binding(0) var<storage, read_write> average: array<f32>; // (COUNT) in place
@group(0) @binding(1) var<storage, read> parameter: array<f32>; // (COUNT)
// batch COUNT
// grid COUNT
// uses feed
// case COUNT=1,TRAINED=1
// case COUNT=77,TRAINED=33
// case COUNT=70001,TRAINED=70001

// Updates parameter i.
fn update(i: u32) {
    let p = parameter[i];
    let old = average[i];
    // A whole share is a copy, to the bit.
    average[i] = select(p, old + step.average * (p - old), i < TRAINED && step.average < 1.0);
}
