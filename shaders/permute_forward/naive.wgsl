// One thread an element of y, so that neighbours store side by side.
// uses index
@compute @workgroup_size(64)
fn permute_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                   @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * D0 * D1 * D2 * D3) { return; }
    let place = i / D3 % D2 * S2 + i % D3 * S3;
    let outer = i / (D3 * D2 * D1) % D0 * S0 + i / (D3 * D2) % D1 * S1;
    let first = i / (D3 * D2 * D1 * D0) * (D0 * D1 * D2 * D3);
    y[i] = x[min(first + outer + place, N * D0 * D1 * D2 * D3 - 1u)];
}
