// forward: y = o · activate(c).
// For CPU adapters such as lavapipe, as in `matmul_grad_input/shuffle.wgsl`: eight lanes each load what one of them needs
// of the recurrent kernel and hand it round (subgroupShuffle). Lanes are rows, so that what a thread reads of later steps
// it wrote itself: no barriers. Where subgroups are narrower than eight, each lane loads everything itself: right, and slow.
// A workgroup is 32 sequences over all steps; a thread has four of them, 32 units of dh at a time.
const TILE_ROWS = 32u;

@compute @workgroup_size(8)
fn lstm_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let row = (wid.x + wid.y * groups.x) * TILE_ROWS + lid.x; // and the three that lie 8 apart behind it
    let width = UNITS / 4u;
    for (var i = 0u; i < 4u * width; i++) {
        let own = row + 8u * (i % 4u);
        if (own >= ROWS) { continue; }
        dh4[own * width + i / 4u] = vec4<f32>();
        dc4[own * width + i / 4u] = vec4<f32>();
    }
    for (var left = TIME; left > 0u; left--) {
        let step = left - 1u;
        for (var i = 0u; i < 4u * width; i++) {
            let quad = i / 4u;
            let own = row + 8u * (i % 4u);
            if (own >= ROWS) { continue; }
            let now = moment(own, step);
            var d = dh4[own * width + quad];
            let first = 4u * now * width + quad;
            let open = gates4[first];
            let f = gates4[first + width];
            let g = gates4[first + 2u * width];
            let o = gates4[first + 3u * width];
            let t = activated(c4[now * width + quad]);
            if (kept(step)) { d += dy4[output(own, step) * width + quad]; }
            let dcell = dc4[own * width + quad] + d * o * slope(t);
            var earlier = vec4<f32>();
            if (step > 0u) { earlier = c4[moment(own, step - 1u) * width + quad]; }
            dz4[first] = dcell * g * gate_slope(open);
            dz4[first + width] = dcell * earlier * gate_slope(f);
            dz4[first + 2u * width] = dcell * open * slope(g);
            dz4[first + 3u * width] = d * t * gate_slope(o);
            dc4[own * width + quad] = dcell * f;
        }
        for (var tile = 0u; tile < UNITS; tile += 32u) {
            var sum: array<vec4<f32>, 32>; // by unit; a component is a row
            for (var n = 0u; n < 4u * width; n++) {
                let d0 = dz4[4u * moment(row_of(row, 0u), step) * width + n];
                let d1 = dz4[4u * moment(row_of(row, 1u), step) * width + n];
                let d2 = dz4[4u * moment(row_of(row, 2u), step) * width + n];
                let d3 = dz4[4u * moment(row_of(row, 3u), step) * width + n];
                let d = mat4x4<f32>(vec4(d0.x, d1.x, d2.x, d3.x), vec4(d0.y, d1.y, d2.y, d3.y),
                                    vec4(d0.z, d1.z, d2.z, d3.z), vec4(d0.w, d1.w, d2.w, d3.w));
                if (lanes < 8u) {
                    for (var k = 0u; k < 32u; k++) { sum[k] += d * weight(tile + k, n); }
                    continue;
                }
                eight(&sum, 0u, weight(tile + lid.x, n), d);
                eight(&sum, 8u, weight(tile + 8u + lid.x, n), d);
                eight(&sum, 16u, weight(tile + 16u + lid.x, n), d);
                eight(&sum, 24u, weight(tile + 24u + lid.x, n), d);
            }
            for (var i = 0u; i < 32u; i++) {
                let quad = tile / 4u + i / 4u;
                let own = row + 8u * (i % 4u);
                if (quad >= width || own >= ROWS) { continue; }
                let k = i / 4u * 4u;
                let r = i % 4u;
                dh4[own * width + quad] = vec4(sum[k][r], sum[k + 1u][r], sum[k + 2u][r], sum[k + 3u][r]);
            }
        }
    }
}

fn row_of(row: u32, r: u32) -> u32 { return min(row + 8u * r, ROWS - 1u); }

// Four numbers of row k of the recurrent kernel.
fn weight(k: u32, n: u32) -> vec4<f32> { return u4[min(k, UNITS - 1u) * (4u * (UNITS / 4u)) + n]; }

fn eight(sum: ptr<function, array<vec4<f32>, 32>>, first: u32, own: vec4<f32>, d: mat4x4<f32>) {
    for (var l = 0u; l < 8u; l++) { (*sum)[first + l] += d * subgroupShuffle(own, l); }
}

fn activated(v: vec4<f32>) -> vec4<f32> { return vec4(activate(v.x), activate(v.y), activate(v.z), activate(v.w)); }

fn slope(v: vec4<f32>) -> vec4<f32> {
    return vec4(activate_grad(v.x), activate_grad(v.y), activate_grad(v.z), activate_grad(v.w));
}

fn gate_slope(v: vec4<f32>) -> vec4<f32> { return vec4(gate_grad(v.x), gate_grad(v.y), gate_grad(v.z), gate_grad(v.w)); }
