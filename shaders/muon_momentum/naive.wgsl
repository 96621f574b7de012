// One thread a parameter.
// uses index
@compute @workgroup_size(64)
fn muon_momentum(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= COUNT) { return; }
    if (factor[i] == 0.0) { return; }
    let momentum = MOMENTUM + step.momentum_shift;
    let g = gradient(i);
    let next = momentum * m[i] + g;
    m[i] = next;
    grad[i] = select(next, g + momentum * next, NESTEROV == 1u);
}
