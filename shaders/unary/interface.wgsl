// y = a function of each element, one of a list, with the numbers A and B: what ONNX has beside activations.
override COUNT: u32;
override FUNCTION: u32; // 0 A·x + B, 1 |x|, 2 √(x + A), 3 log(x + A), 4 1 / (x + A), 5 x clamped to A..B, 6 ⌊x⌋, 7 ⌈x⌉,
                        // 8 the sign of x, 9 A · (exp(x / B) - 1) below zero, else x, 10 A · x below zero, else x,
                        // 11 x above A, else 0, 12 x + B below -A, x - B above A, else 0
override A: f32 = 0.0;
override B: f32 = 0.0;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (COUNT) above -A where FUNCTION is 2 or 3 or 4
@group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x4: array<vec4<f32>>;
// batch COUNT
// grid COUNT
// case COUNT=1,FUNCTION=0,A=-0.5,B=0.125
// case COUNT=70001,FUNCTION=0,A=3,B=-1
// case COUNT=77,FUNCTION=1,A=0,B=0
// case COUNT=77,FUNCTION=2,A=2,B=0
// case COUNT=77,FUNCTION=3,A=2,B=0
// case COUNT=77,FUNCTION=4,A=2,B=0
// case COUNT=77,FUNCTION=5,A=-0.25,B=0.75
// case COUNT=77,FUNCTION=6,A=0,B=0
// case COUNT=77,FUNCTION=7,A=0,B=0
// case COUNT=77,FUNCTION=8,A=0,B=0
// case COUNT=77,FUNCTION=9,A=1.5,B=0.75
// case COUNT=77,FUNCTION=10,A=0.125,B=0
// case COUNT=77,FUNCTION=11,A=0.25,B=0
// case COUNT=77,FUNCTION=12,A=0.5,B=0.25
// case COUNT=70004,FUNCTION=5,A=-0.25,B=0.75
// case COUNT=4,FUNCTION=1,A=0,B=0

// Which function is a constant to the driver's compiler.
fn apply(x: f32) -> f32 {
    switch FUNCTION {
        case 1u: { return abs(x); }
        case 2u: { return sqrt(x + A); }
        case 3u: { return log(x + A); }
        case 4u: { return 1.0 / (x + A); }
        case 5u: { return min(max(x, A), B); }
        case 6u: { return floor(x); }
        case 7u: { return ceil(x); }
        case 8u: { return sign(x); }
        case 9u: { return select(A * (exp(min(x, 0.0) / B) - 1.0), x, x > 0.0); }
        case 10u: { return select(A * x, x, x >= 0.0); }
        case 11u: { return select(0.0, x, x > A); }
        case 12u: { return select(select(0.0, x - B, x > A), x + B, x < -A); }
        default: { return A * x + B; }
    }
}
