// One thread a row.
// uses index
@compute @workgroup_size(8)
fn huber(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
         @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_x(wid, groups) * 8u + lid.x;
    if (row < ROWS * POSITIONS) { regress(row); }
}
