// A label as a number: a whole one, or the bits of a float.
override REAL: u32 = 0u; // 1: labels hold f32

fn number(label: u32) -> f32 { return select(f32(label), bitcast<f32>(label), REAL == 1u); }
