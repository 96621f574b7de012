// One thread an element of dw or db.
// uses index
@compute @workgroup_size(64)
fn sum_partials(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    let items = (TAPS + 1u) * CO;
    if (i >= items) { return; }
    var sum = 0.0;
    for (var s = 0u; s < SPLITS; s++) {
        sum += partials[s * items + i];
    }
    if (i < TAPS * CO) {
        dw[i] = sum;
    } else {
        db[i - TAPS * CO] = sum;
    }
}
