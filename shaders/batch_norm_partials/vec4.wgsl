// One thread four channels of a split. Two sweeps, as `naive`.
// needs C % 4 == 0
// uses index
const TILE_C = 32u;

@compute @workgroup_size(8)
fn batch_norm_partials(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                       @builtin(num_workgroups) groups: vec3<u32>) {
    let quads = C / 4u;
    let c = id.x;
    let split = group_y(wid, groups);
    if (c >= quads || split >= SPLITS) { return; }
    let first = split * PER;
    let last = min(first + PER, step.rows * SPATIAL);
    var mean = vec4(0.0);
    var squares = vec4(0.0);
    if (first < last) {
        for (var row = first; row < last; row++) { mean += x4[row * quads + c]; }
        mean /= f32(last - first);
        for (var row = first; row < last; row++) {
            let d = x4[row * quads + c] - mean;
            squares += d * d;
        }
    }
    partials4[split * 2u * quads + c] = mean;
    partials4[(split * 2u + 1u) * quads + c] = squares;
}
