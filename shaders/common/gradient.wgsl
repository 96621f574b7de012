// The gradient as an optimizer takes it: times what clipping by the global norm leaves of it.
fn gradient(i: u32) -> f32 {
    return select(grad[i], grad[i] * scale[0], CLIPPED == 1u);
}
