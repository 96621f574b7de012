// One thread an element of y.
// uses index
@compute @workgroup_size(64)
fn concatenate(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
               @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * (A + B)) { return; }
    let row = i / (A + B);
    let column = i % (A + B);
    if (column < A) {
        y[i] = a[row * A + column];
    } else {
        y[i] = b[row * B + column - A];
    }
}
