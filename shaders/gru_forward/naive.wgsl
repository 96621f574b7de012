// One thread a sequence: what it reads of earlier steps it wrote itself.
@compute @workgroup_size(8)
fn gru_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
               @builtin(num_workgroups) groups: vec3<u32>) {
    let row = (wid.x + wid.y * groups.x) * 8u + lid.x;
    if (row >= ROWS) { return; }
    let recurrent = 3u * (BIASES - 1u) * UNITS;
    for (var j = 0u; j < UNITS; j++) { h[moment(row, 0u) * UNITS + j] = 0.0; }
    for (var step = 0u; step < TIME; step++) {
        let now = moment(row, step);
        for (var j = 0u; j < UNITS; j++) {
            let first = 3u * now * UNITS + j;
            var q = vec3(bias[recurrent + j], bias[recurrent + UNITS + j], bias[recurrent + 2u * UNITS + j]);
            for (var k = 0u; k < UNITS; k++) {
                let at = 3u * k * UNITS + j;
                q += h[now * UNITS + k] * vec3(u[at], u[at + UNITS], u[at + 2u * UNITS]);
            }
            let s = gate(q.x + z[first] + bias[j]);
            let r = gate(q.y + z[first + UNITS] + bias[UNITS + j]);
            let g = activate(r * q.z + z[first + 2u * UNITS] + bias[2u * UNITS + j]);
            let state = s * h[now * UNITS + j] + (1.0 - s) * g;
            let at = 4u * now * UNITS + j;
            gates[at] = s;
            gates[at + UNITS] = r;
            gates[at + 2u * UNITS] = g;
            gates[at + 3u * UNITS] = q.z;
            if (step + 1u < TIME) { h[moment(row, step + 1u) * UNITS + j] = state; }
            if (kept(step)) { y[output(row, step) * UNITS + j] = state; }
        }
    }
}
