// forward: y[i, u] = w[token(x[i]), u]
// One thread an element of the table.
// uses index
@compute @workgroup_size(64)
fn embedding_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= WORDS * UNITS) { return; }
    let k = i / UNITS;
    let end = min(starts[k + 1u], COUNT);
    var sum = 0.0;
    for (var q = starts[k]; q < end; q++) { sum += dy[min(order[q], COUNT - 1u) * UNITS + i % UNITS]; }
    dw[i] = sum;
}
