// forward: y = o · activate(c). One thread a sequence: what it reads of later steps it wrote itself.
@compute @workgroup_size(8)
fn lstm_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(num_workgroups) groups: vec3<u32>) {
    let row = (wid.x + wid.y * groups.x) * 8u + lid.x;
    if (row >= ROWS) { return; }
    for (var j = 0u; j < UNITS; j++) {
        dh[row * UNITS + j] = 0.0;
        dc[row * UNITS + j] = 0.0;
    }
    for (var left = TIME; left > 0u; left--) {
        let step = left - 1u;
        let now = moment(row, step);
        for (var j = 0u; j < UNITS; j++) {
            let first = 4u * now * UNITS + j;
            let i = gates[first];
            let f = gates[first + UNITS];
            let g = gates[first + 2u * UNITS];
            let o = gates[first + 3u * UNITS];
            let t = activate(c[now * UNITS + j]);
            var d = dh[row * UNITS + j];
            if (kept(step)) { d += dy[output(row, step) * UNITS + j]; }
            let dcell = dc[row * UNITS + j] + d * o * activate_grad(t);
            var earlier = 0.0;
            if (step > 0u) { earlier = c[moment(row, step - 1u) * UNITS + j]; }
            dz[first] = dcell * g * gate_grad(i);
            dz[first + UNITS] = dcell * earlier * gate_grad(f);
            dz[first + 2u * UNITS] = dcell * i * activate_grad(g);
            dz[first + 3u * UNITS] = d * t * gate_grad(o);
            dc[row * UNITS + j] = dcell * f;
        }
        for (var k = 0u; k < UNITS; k++) {
            var sum = 0.0;
            for (var n = 0u; n < 4u * UNITS; n++) { sum += dz[4u * now * UNITS + n] * u[4u * k * UNITS + n]; }
            dh[row * UNITS + k] = sum;
        }
    }
}
