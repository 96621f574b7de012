// Where a recurrent kernel finds its numbers: time runs either way, and y holds every step or the last one.

// The place in (ROWS · TIME) that a step of this row treats.
fn moment(row: u32, step: u32) -> u32 {
    return row * TIME + select(step, TIME - 1u - step, REVERSE == 1u);
}

// Whether y holds the state behind this step, and its place in (ROWS · OUT).
fn kept(step: u32) -> bool { return OUT == TIME || step + 1u == TIME; }
fn output(row: u32, step: u32) -> u32 {
    return row * OUT + select(0u, select(step, TIME - 1u - step, FLIP == 1u), OUT == TIME);
}
