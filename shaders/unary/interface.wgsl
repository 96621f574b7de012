// y = a function of each element, one of a list, with the numbers A and B: what ONNX has beside activations.
override COUNT: u32;
override FUNCTION: u32; // 0 A·x + B, 1 |x|, 2 √(x + A), 3 log(x + A), 4 1 / (x + A), 5 x clamped to A..B, 6 ⌊x⌋, 7 ⌈x⌉,
                        // 8 the sign of x, 9 A · (exp(x / B) - 1) below zero, else x, 10 A · x below zero, else x,
                        // 11 x above A, else 0, 12 x + B below -A, x - B above A, else 0
override A: f32 = 0.0;
override B: f32 = 0.0;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (COUNT) above -A where FUNCTION is 2 or 3 or 4
// batch COUNT
// grid COUNT
