// forward: y = activate(x). One thread an element.
@compute @workgroup_size(64)
fn activation_grad_kernel(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                          @builtin(num_workgroups) groups: vec3<u32>) {
    let i = (wid.x + wid.y * groups.x) * 64u + lid.x;
    if (i >= COUNT) { return; }
    dx[i] = dy[i] * activate_grad(at[i]);
}
