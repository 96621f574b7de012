// One thread an element; which function is a constant to the driver's compiler.
// uses index
fn apply(a: f32, b: f32) -> f32 {
    switch FUNCTION {
        case 1u: { return a * b; }
        case 2u: { return min(a, b); }
        case 3u: { return max(a, b); }
        default: { return a - b; }
    }
}

@compute @workgroup_size(64)
fn binary(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= COUNT) { return; }
    y[i] = apply(a[i], b[i]);
}
