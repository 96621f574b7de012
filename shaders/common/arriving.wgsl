// The gradient of the state behind a step that comes from the layer's output, which holds every step or the last one.
fn arriving(row: u32, unit: u32, step: u32) -> f32 {
    if (OUT != TIME && step + 1u != TIME) { return 0.0; }
    return dy[place(row, step) * UNITS + unit];
}

// The same of four units, the first of which is 4 · quad.
fn arriving4(row: u32, quad: u32, step: u32) -> vec4<f32> {
    if (OUT != TIME && step + 1u != TIME) { return vec4<f32>(); }
    return dy4[place(row, step) * (UNITS / 4u) + quad];
}

// The place in (ROWS · OUT) of the state behind a step.
fn place(row: u32, step: u32) -> u32 {
    return row * OUT + select(0u, select(step, TIME - 1u - step, FLIP == 1u), OUT == TIME);
}
