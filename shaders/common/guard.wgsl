// Guards that vanish where a size is a multiple of the tile. Sizes are constants of a pipeline: `size % tile == 0u` is
// known when it is compiled, `within` is then true, `clamped` the index itself, and neither branches. Elsewhere a load
// at the clamped index and a `select` of its value cost less than a branch around it.
fn within(index: u32, size: u32, tile: u32) -> bool { return (size % tile == 0u) | (index < size); }
fn clamped(index: u32, size: u32, tile: u32) -> u32 { return select(min(index, size - 1u), index, size % tile == 0u); }
fn clamped4(at: vec4<u32>, size: u32, tile: u32) -> vec4<u32> {
    return select(min(at, vec4<u32>(size - 1u)), at, size % tile == 0u);
}
