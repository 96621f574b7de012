// The place in (ROWS · TIME) that a step of this row treats: time runs either way.
fn moment(row: u32, step: u32) -> u32 {
    return row * TIME + select(step, TIME - 1u - step, REVERSE == 1u);
}
