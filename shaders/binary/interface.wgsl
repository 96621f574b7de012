// y = a function of two elements, one of a list; `add` is an operation of its own.
override COUNT: u32;
override FUNCTION: u32; // 0 a - b, 1 a · b, 2 the smaller, 3 the larger
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> a: array<f32>; // (COUNT)
@group(0) @binding(2) var<storage, read> b: array<f32>; // (COUNT)
@group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> a4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b4: array<vec4<f32>>;
// batch COUNT
// grid COUNT
// case COUNT=1,FUNCTION=0
// case COUNT=77,FUNCTION=1
// case COUNT=77,FUNCTION=2
// case COUNT=70001,FUNCTION=3
// case COUNT=4,FUNCTION=0
// case COUNT=70004,FUNCTION=1
// case COUNT=76,FUNCTION=2
// case COUNT=4100,FUNCTION=3

// Which function is a constant to the driver's compiler.
fn apply(a: f32, b: f32) -> f32 {
    switch FUNCTION {
        case 1u: { return a * b; }
        case 2u: { return min(a, b); }
        case 3u: { return max(a, b); }
        default: { return a - b; }
    }
}
