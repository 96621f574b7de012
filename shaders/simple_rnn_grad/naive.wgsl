// forward: y = activate(z + h · u). One thread a sequence: what it reads of later steps it wrote itself.
@compute @workgroup_size(8)
fn simple_rnn_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                   @builtin(num_workgroups) groups: vec3<u32>) {
    let row = (wid.x + wid.y * groups.x) * 8u + lid.x;
    if (row >= ROWS) { return; }
    for (var j = 0u; j < UNITS; j++) { dh[row * UNITS + j] = 0.0; }
    for (var left = TIME; left > 0u; left--) {
        let step = left - 1u;
        let now = moment(row, step) * UNITS;
        for (var j = 0u; j < UNITS; j++) {
            var d = dh[row * UNITS + j];
            var state: f32;
            if (kept(step)) {
                d += dy[output(row, step) * UNITS + j];
                state = y[output(row, step) * UNITS + j];
            } else {
                state = h[moment(row, left) * UNITS + j];
            }
            dz[now + j] = d * activate_grad(state);
        }
        for (var k = 0u; k < UNITS; k++) {
            var sum = 0.0;
            for (var j = 0u; j < UNITS; j++) { sum += dz[now + j] * u[k * UNITS + j]; }
            dh[row * UNITS + k] = sum;
        }
    }
}
