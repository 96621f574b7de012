// forward: y = s · h + (1 - s) · g. One thread a sequence: what it reads of later steps it wrote itself.
@compute @workgroup_size(8)
fn gru_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
            @builtin(num_workgroups) groups: vec3<u32>) {
    let row = (wid.x + wid.y * groups.x) * 8u + lid.x;
    if (row >= ROWS) { return; }
    for (var j = 0u; j < UNITS; j++) { dh[row * UNITS + j] = 0.0; }
    for (var left = TIME; left > 0u; left--) {
        let step = left - 1u;
        let now = moment(row, step);
        let first = 3u * now * UNITS;
        for (var j = 0u; j < UNITS; j++) {
            let at = 4u * now * UNITS + j;
            let s = gates[at];
            let r = gates[at + UNITS];
            let g = gates[at + 2u * UNITS];
            var d = dh[row * UNITS + j];
            if (kept(step)) { d += dy[output(row, step) * UNITS + j]; }
            let ds = d * (h[now * UNITS + j] - g) * gate_grad(s);
            let dg = d * (1.0 - s) * activate_grad(g);
            let dr = dg * gates[at + 3u * UNITS] * gate_grad(r);
            dz[first + j] = ds;
            dz[first + UNITS + j] = dr;
            dz[first + 2u * UNITS + j] = dg;
            dq[first + j] = ds;
            dq[first + UNITS + j] = dr;
            dq[first + 2u * UNITS + j] = dg * r;
            dh[row * UNITS + j] = d * s;
        }
        for (var k = 0u; k < UNITS; k++) {
            var sum = 0.0;
            for (var n = 0u; n < 3u * UNITS; n++) { sum += dq[first + n] * u[3u * k * UNITS + n]; }
            dh[row * UNITS + k] += sum;
        }
    }
}
