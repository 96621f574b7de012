// A number of the normal distribution (Box and Muller, 1958) of two random numbers, without WGSL's own logarithm near 1 and
// its cosine, which may be off by far more than the rest.
const SECOND_STREAM = 0x40000000u; // beside those of layers, their second ones

// ln (n / 2^24), 0 < n <= 2^24: a multiple of ln 2, and the logarithm of m from √½ to √2, a series of (m - 1) / (m + 1).
fn log_of_share(n: u32) -> f32 {
    let shift = countLeadingZeros(n);
    var m = f32(n << shift) / 4294967296.0;
    var halves = 8.0 - f32(shift);
    if (m < 0.70710678) {
        m = 2.0 * m;
        halves -= 1.0;
    }
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let series = 1.0 + q * (0.33333334 + q * (0.2 + q * (0.14285715 + q * (0.11111111 + q * 0.09090909))));
    return halves * 0.6931472 + 2.0 * s * series;
}

fn gaussian(stream: u32, index: u32) -> f32 {
    let radius = sqrt(max(-2.0 * log_of_share((random(stream, index) >> 8u) + 1u), 0.0));
    // Half of an angle from -π to π, whose cosine is 1 - 2 sin².
    let half = 3.1415927 * (f32(random(stream + SECOND_STREAM, index) >> 8u) / 16777216.0 - 0.5);
    let q = half * half;
    let s = half * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0 * (1.0 - q / 110.0)))));
    return radius * (1.0 - 2.0 * s * s);
}
