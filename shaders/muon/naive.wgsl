// One thread a parameter.
// uses index
@compute @workgroup_size(64)
fn muon(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
        @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= COUNT) { return; }
    let p = parameter[i];
    var direction = factor[i] * grad[i];
    if (factor[i] == 0.0) {
        let g = gradient(i);
        let next_m = m[i] + GAIN_1 * (g - m[i]);
        let next_v = v[i] + GAIN_2 * (g * g - v[i]);
        m[i] = next_m;
        v[i] = next_v;
        direction = step.correction * next_m / (sqrt(next_v) + EPSILON);
    }
    parameter[i] = p - step.learning_rate * (WEIGHT_DECAY * p + direction);
}
