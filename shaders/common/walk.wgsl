// An index along three axes, such as a tap (kh, kw, ci) or a pixel (n, oh, ow), of which the last varies fastest, and walks
// along it by constant steps: additions in place of divisions.
fn unfold(at: u32, middle: u32, last: u32) -> vec3<u32> {
    return vec3<u32>(at / (middle * last), at / last % middle, at % last);
}

// The index `by` further on; `middle` and `last` are the lengths of these axes.
fn walk(at: vec3<u32>, by: u32, middle: u32, last: u32) -> vec3<u32> {
    let z = at.z + by % last;
    let y = at.y + by / last % middle + select(0u, 1u, z >= last);
    let x = at.x + by / (middle * last) + select(0u, 1u, y >= middle);
    return vec3<u32>(x, select(y, y - middle, y >= middle), select(z, z - last, z >= last));
}
