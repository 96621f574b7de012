// forward: x at column FROM of a wider row. One thread an element of dx.
// uses index
@compute @workgroup_size(64)
fn slice_columns(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * COUNT) { return; }
    dx[i] = dy[i / COUNT * WIDTH + FROM + i % COUNT] * activate_grad(x[i]);
}
