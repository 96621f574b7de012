// One thread an element; which function is a constant to the driver's compiler.
// uses index
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

@compute @workgroup_size(64)
fn unary(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
         @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= COUNT) { return; }
    y[i] = apply(x[i]);
}
