// Eight parameters a thread, a workgroup's width apart: on CPU adapters starting a thread costs as much as a load.
// uses index
const TILE_COUNT = 512u;

@compute @workgroup_size(64)
fn adam(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
        @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_x(wid, groups) * TILE_COUNT + lid.x;
    for (var i = first; i < min(first + TILE_COUNT, COUNT); i += 64u) {
        let g = gradient(i);
        let next_m = m[i] + (GAIN_1 - step.momentum_shift) * (g - m[i]);
        let next_v = v[i] + GAIN_2 * (g * g - v[i]);
        m[i] = next_m;
        v[i] = next_v;
        let p = parameter[i];
        let direction = WEIGHT_DECAY * p + step.correction * next_m / (sqrt(next_v) + EPSILON);
        parameter[i] = p - step.learning_rate * direction;
    }
}
