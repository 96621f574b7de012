// Eight parameters a thread, a workgroup's width apart: on CPU adapters starting a thread costs as much as a load.
// uses index
const TILE_COUNT = 512u;

@compute @workgroup_size(64)
fn rmsprop(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
           @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_x(wid, groups) * TILE_COUNT + lid.x;
    for (var i = first; i < min(first + TILE_COUNT, COUNT); i += 64u) {
        let g = gradient(i);
        let square = mean_square[i] + GAIN * (g * g - mean_square[i]);
        mean_square[i] = square;
        var variance = square;
        if (CENTERED == 1u) {
            let centre = mean[i] + GAIN * (g - mean[i]);
            mean[i] = centre;
            variance = max(square - centre * centre, 0.0);
        }
        var change = step.learning_rate * g * inverseSqrt(variance + EPSILON);
        if (HEAVY == 1u) {
            change += (MOMENTUM + step.momentum_shift) * momentum[i];
            momentum[i] = change;
        }
        let p = parameter[i];
        parameter[i] = p - step.learning_rate * WEIGHT_DECAY * p - change;
    }
}
