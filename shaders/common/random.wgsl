// Counter-based random numbers: PCG3D of Jarzynski and Olano, "Hash Functions for GPU Rendering"
// (JCGT 9(3), 2020), of the step's key and an index: no state, the same number wherever it is drawn.
fn random(stream: u32, index: u32) -> u32 {
    var v = vec3<u32>(index, step.key0 ^ (stream * 0x9E3779B9u), step.key1) * 1664525u + 1013904223u;
    v.x += v.y * v.z;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v ^= v >> vec3<u32>(16u);
    v.x += v.y * v.z;
    v.y += v.z * v.x;
    return v.x ^ v.y;
}

// The index in the whole step of element i of a batch of `count` elements: what an image draws does not depend on the rank
// that computes it.
fn of_step(i: u32, count: u32) -> u32 { return i + step.before * (count / max(step.images, 1u)); }
