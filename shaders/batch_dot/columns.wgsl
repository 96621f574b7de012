// One thread four neighbouring columns of y, for which it loads a once: for few rows, on CPU adapters.
// uses index
// grid QUADS = N * I * J / 4
@compute @workgroup_size(64)
fn batch_dot(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(num_workgroups) groups: vec3<u32>) {
    let quads = (J + 3u) / 4u;
    let quad = thread_x(wid, groups, lid);
    if (quad >= N * I * quads) { return; }
    let n = quad / (I * quads);
    let i = quad / quads % I;
    let j = quad % quads * 4u;
    let step_a = select(1u, I, A_TURNED == 1u);
    let step_b = select(1u, J, B_TURNED == 1u);
    let first = n * I * K + select(i * K, i, A_TURNED == 1u);
    let columns = min(vec4<u32>(j, j + 1u, j + 2u, j + 3u), vec4<u32>(J - 1u));
    var other = n * J * K + select(columns * K, columns, B_TURNED == 1u);
    var sum = vec4<f32>(0.0);
    for (var place = first; place < first + K * step_a; place += step_a) {
        sum += a[place] * vec4<f32>(b[other.x], b[other.y], b[other.z], b[other.w]);
        other += step_b;
    }
    let at = (n * I + i) * J + j;
    y[at] = sum.x;
    if (j + 1u < J) { y[at + 1u] = sum.y; }
    if (j + 2u < J) { y[at + 2u] = sum.z; }
    if (j + 3u < J) { y[at + 3u] = sum.w; }
}
