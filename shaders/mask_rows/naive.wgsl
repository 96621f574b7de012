// One thread an element.
// uses index
@compute @workgroup_size(64)
fn mask_rows(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * COLUMNS) { return; }
    let weight = w[i / COLUMNS];
    var value = ELSE;
    if (weight >= 0.5) { value = weight * x[i]; }
    y[i] = value;
}
