// One thread a column; neighbours read neighbours.
// uses index
@compute @workgroup_size(64)
fn constrain_norm(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let column = thread_x(wid, groups, lid);
    if (column >= COLUMNS) { return; }
    var sum = 0.0;
    for (var row = 0u; row < ROWS; row++) {
        let value = w[row * COLUMNS + column];
        sum += value * value;
    }
    let norm = sqrt(sum);
    let wanted = (1.0 - RATE) * norm + RATE * clamp(norm, LOW, HIGH);
    let factor = wanted / (norm + 1e-7);
    for (var row = 0u; row < ROWS; row++) {
        let at = row * COLUMNS + column;
        w[at] = w[at] * factor;
    }
}
