// One thread an element of y.
// uses index
@compute @workgroup_size(64)
fn recurrent_output(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                    @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * TIME * UNITS) { return; }
    let unit = i % UNITS;
    let row = i / UNITS / TIME;
    let place = i / UNITS % TIME;
    let step = select(place, TIME - 1u - place, FLIP == 1u);
    if (step + 1u < TIME) {
        y[i] = h[moment(row, step + 1u) * UNITS + unit];
    } else {
        y[i] = last[row * UNITS + unit];
    }
}
