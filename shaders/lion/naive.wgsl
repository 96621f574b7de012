// One thread a parameter.
// uses index
@compute @workgroup_size(64)
fn lion(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
        @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= COUNT) { return; }
    let g = gradient(i);
    let before = m[i];
    let c = before + (GAIN_1 - step.momentum_shift) * (g - before);
    m[i] = before + GAIN_2 * (g - before);
    let p = parameter[i];
    parameter[i] = p - step.learning_rate * (WEIGHT_DECAY * p + sign(c));
}
