// forward: x at column FROM of a wider row. One thread an element of dx.
@compute @workgroup_size(64)
fn slice_columns(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let i = (wid.x + wid.y * groups.x) * 64u + lid.x;
    if (i >= ROWS * COUNT) { return; }
    dx[i] = dy[i / COUNT * WIDTH + FROM + i % COUNT] * activate_grad(x[i]);
}
