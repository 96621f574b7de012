// One thread a sequence: what it reads of earlier steps it wrote itself.
@compute @workgroup_size(8)
fn simple_rnn_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let row = (wid.x + wid.y * groups.x) * 8u + lid.x;
    if (row >= ROWS) { return; }
    for (var j = 0u; j < UNITS; j++) { h[moment(row, 0u) * UNITS + j] = 0.0; }
    for (var step = 0u; step < TIME; step++) {
        let now = moment(row, step) * UNITS;
        for (var j = 0u; j < UNITS; j++) {
            var sum = 0.0;
            for (var k = 0u; k < UNITS; k++) { sum += h[now + k] * u[k * UNITS + j]; }
            let state = activate(sum + z[now + j]);
            if (step + 1u < TIME) { h[moment(row, step + 1u) * UNITS + j] = state; }
            if (kept(step)) { y[output(row, step) * UNITS + j] = state; }
        }
    }
}
