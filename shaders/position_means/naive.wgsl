// One thread a row.
// uses index
@compute @workgroup_size(8)
fn position_means(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_x(wid, groups) * 8u + lid.x;
    if (row >= ROWS) { return; }
    var sums = vec2<f32>();
    for (var p = 0u; p < POSITIONS; p++) {
        let at = row * POSITIONS + p;
        sums += vec2<f32>(losses[at], hits[at]);
    }
    let means = sums / f32(POSITIONS);
    loss[row] = means.x;
    hit[row] = means.y;
}
