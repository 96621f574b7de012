// forward: y = a function of two elements, one of a list, where a = activate(z).
// dx = dy · ∂y/∂a * activate_grad(a). The gradient of b is the same with a and b in each other's places. Of equal elements,
// which share the smaller and the larger, each gets half.
override COUNT: u32;
override FUNCTION: u32; // as in `binary`, 1 a · b, 2 the smaller, 3 the larger
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (COUNT)
@group(0) @binding(2) var<storage, read> a: array<f32>; // (COUNT) activated
@group(0) @binding(3) var<storage, read> b: array<f32>; // (COUNT)
@group(0) @binding(0) var<storage, read_write> dx4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> a4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> b4: array<vec4<f32>>;
// batch COUNT
// grid COUNT
// case COUNT=1,FUNCTION=1
// case COUNT=77,FUNCTION=1
// case COUNT=77,FUNCTION=2
// case COUNT=70001,FUNCTION=3
// case COUNT=4,FUNCTION=2
// case COUNT=76,FUNCTION=3
// case COUNT=4100,FUNCTION=2
// case COUNT=70004,FUNCTION=1

// ∂y/∂a. Which function is a constant to the driver's compiler.
fn slope(a: f32, b: f32) -> f32 {
    switch FUNCTION {
        case 2u: { return 0.5 - 0.5 * sign(a - b); }
        case 3u: { return 0.5 + 0.5 * sign(a - b); }
        default: { return b; }
    }
}
