// One thread a sequence: what it reads of earlier steps it wrote itself.
@compute @workgroup_size(8)
fn lstm_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                @builtin(num_workgroups) groups: vec3<u32>) {
    let row = (wid.x + wid.y * groups.x) * 8u + lid.x;
    if (row >= ROWS) { return; }
    for (var j = 0u; j < UNITS; j++) { h[moment(row, 0u) * UNITS + j] = 0.0; }
    for (var step = 0u; step < TIME; step++) {
        let now = moment(row, step);
        for (var j = 0u; j < UNITS; j++) {
            let first = 4u * now * UNITS + j;
            var sums = vec4<f32>();
            for (var k = 0u; k < UNITS; k++) {
                let at = 4u * k * UNITS + j;
                sums += h[now * UNITS + k] * vec4(u[at], u[at + UNITS], u[at + 2u * UNITS], u[at + 3u * UNITS]);
            }
            let i = gate(sums.x + z[first]);
            let f = gate(sums.y + z[first + UNITS]);
            let g = activate(sums.z + z[first + 2u * UNITS]);
            let o = gate(sums.w + z[first + 3u * UNITS]);
            var cell = i * g;
            if (step > 0u) { cell += f * c[moment(row, step - 1u) * UNITS + j]; }
            let state = o * activate(cell);
            gates[first] = i;
            gates[first + UNITS] = f;
            gates[first + 2u * UNITS] = g;
            gates[first + 3u * UNITS] = o;
            c[now * UNITS + j] = cell;
            if (step + 1u < TIME) { h[moment(row, step + 1u) * UNITS + j] = state; }
            if (kept(step)) { y[output(row, step) * UNITS + j] = state; }
        }
    }
}
