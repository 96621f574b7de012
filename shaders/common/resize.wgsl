// Pixels of an axis of `len` in one of `out`, by the places of their centres: whole numbers of 1 / (2 · out) of a pixel, so
// that every device finds the same neighbours.
struct Between {
    first: u32,  // the pixel whose centre is the last before the place
    second: u32, // the next
    share: f32,  // of the next
}

fn between(at: u32, len: u32, out: u32) -> Between {
    let centre = (2u * at + 1u) * len;
    if (NEAREST == 1u) {
        let pixel = centre / (2u * out);
        return Between(pixel, pixel, 0.0);
    }
    let place = max(centre, out) - out;
    let first = place / (2u * out);
    return Between(first, min(first + 1u, len - 1u), f32(place % (2u * out)) / f32(2u * out));
}

// The first pixel of the output whose `first` is at least `pixel`.
fn first_from(pixel: u32, len: u32, out: u32) -> u32 {
    if (pixel == 0u) { return 0u; }
    let least = select(out * (2u * pixel + 1u), 2u * out * pixel, NEAREST == 1u);
    return (least + len - 1u) / len / 2u;
}

// What `pixel` gives to the output's pixel `at`.
fn share_of(pixel: u32, at: u32, len: u32, out: u32) -> f32 {
    let b = between(at, len, out);
    return select(0.0, 1.0 - b.share, b.first == pixel) + select(0.0, b.share, b.second == pixel);
}
