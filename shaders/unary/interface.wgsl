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
