// What happens to an image of the batch, drawn from the step's key and its row alone, and one value of the outcome.
// The order: flip, rotation and zoom about the centre, shift, brightness, contrast, erasing.
struct Change {
    flipped: bool,
    shift: vec2<i32>,    // down, right
    turn: vec2<f32>,     // cos and sin of the angle, over the zoom: from a place in the outcome to one in the image
    gain: f32,
    contrast: f32,
    hole: vec4<u32>,     // top, left, bottom, right; the last two are outside
}

// The streams of random numbers, beside those of layers and of the partners.
const FLIP_STREAM = 0x80000001u;
const DOWN_STREAM = 0x80000002u;
const RIGHT_STREAM = 0x80000003u;
const ANGLE_STREAM = 0x80000004u;
const ZOOM_STREAM = 0x80000005u;
const BRIGHTNESS_STREAM = 0x80000006u;
const CONTRAST_STREAM = 0x80000007u;
const ERASE_STREAM = 0x80000008u;
const AREA_STREAM = 0x80000009u;
const ASPECT_STREAM = 0x8000000Au;
const TOP_STREAM = 0x8000000Bu;
const LEFT_STREAM = 0x8000000Cu;
const NOISE_STREAM = 0x8000000Du;

// In [-1, 1), exact in f32.
fn signed(stream: u32, row: u32) -> f32 { return f32(random(stream, row) >> 8u) / 8388608.0 - 1.0; }

// A whole number in ±most.
fn steps(stream: u32, row: u32, most: u32) -> i32 { return i32(random(stream, row) % (2u * most + 1u)) - i32(most); }

// The largest integer whose square is at most n, exact whatever the device's sqrt is.
fn root(n: u32) -> u32 {
    var r = u32(sqrt(f32(n)));
    while (r * r > n) { r -= 1u; }
    while ((r + 1u) * (r + 1u) <= n) { r += 1u; }
    return r;
}

// (cos, sin) of an angle in ±π. WGSL's own may be off by 2^-11; Taylor's series of half the angle is right to f32.
fn direction(angle: f32) -> vec2<f32> {
    let x = 0.5 * angle;
    let q = x * x;
    let s = x * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0 * (1.0 - q / 110.0)))));
    let c = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0 * (1.0 - q / 132.0)))));
    return vec2<f32>(1.0 - 2.0 * s * s, 2.0 * s * c);
}

// Random erasing (Zhong et al., 2020): a share of 0.02 to 0.33 of the area, sides in a proportion of 0.3 to 1.
fn hole(image: u32) -> vec4<u32> {
    if (random(ERASE_STREAM, image) >= ERASE) { return vec4<u32>(0u); }
    let least = max(H * W / 50u, 1u);
    let area = least + random(AREA_STREAM, image) % (max(H * W * 33u / 100u, least) - least + 1u);
    let draw = random(ASPECT_STREAM, image);
    let proportion = 77u + (draw >> 1u) % 180u; // of 256
    let short = max(root(area * proportion / 256u), 1u);
    let long = max(root(area * 256u / proportion), 1u);
    let tall = (draw & 1u) == 0u;
    let height = min(select(short, long, tall), H);
    let width = min(select(long, short, tall), W);
    let top = random(TOP_STREAM, image) % (H - height + 1u);
    let left = random(LEFT_STREAM, image) % (W - width + 1u);
    return vec4<u32>(top, left, top + height, left + width);
}

fn change(row: u32) -> Change {
    let image = row + step.before;
    var c = Change(false, vec2<i32>(0), vec2<f32>(1.0, 0.0), 1.0, 1.0, vec4<u32>(0u));
    if (FLIP > 0u) { c.flipped = random(FLIP_STREAM, image) < FLIP; }
    if (SHIFT > 0u) { c.shift = vec2<i32>(steps(DOWN_STREAM, image, SHIFT), steps(RIGHT_STREAM, image, SHIFT)); }
    if (ROTATE > 0.0) { c.turn = direction(ROTATE * signed(ANGLE_STREAM, image)); }
    if (ZOOM > 0.0) { c.turn = c.turn / (1.0 + ZOOM * signed(ZOOM_STREAM, image)); }
    if (BRIGHTNESS > 0.0) { c.gain = 1.0 + BRIGHTNESS * signed(BRIGHTNESS_STREAM, image); }
    if (CONTRAST > 0.0) { c.contrast = 1.0 + CONTRAST * signed(CONTRAST_STREAM, image); }
    if (ERASE > 0u) { c.hole = hole(image); }
    return c;
}

// The image as it is; zero outside.
fn pixel(row: u32, y: i32, x: i32, channel: u32, flipped: bool) -> f32 {
    if (y < 0 || x < 0 || y >= i32(H) || x >= i32(W)) { return 0.0; }
    let column = select(u32(x), W - 1u - u32(x), flipped);
    return raw((((step.first + row) * H + u32(y)) * W + column) * C + channel);
}

fn changed(c: Change, row: u32, y: u32, x: u32, channel: u32) -> f32 {
    if (ERASE > 0u && y >= c.hole.x && x >= c.hole.y && y < c.hole.z && x < c.hole.w) {
        return f32(random(NOISE_STREAM, (((row + step.before) * H + y) * W + x) * C + channel) >> 8u) / 16777216.0;
    }
    let at = vec2<i32>(i32(y), i32(x)) - c.shift;
    var value = 0.0;
    if (ROTATE > 0.0 || ZOOM > 0.0) {
        let centre = 0.5 * vec2<f32>(f32(H - 1u), f32(W - 1u));
        let d = vec2<f32>(at) - centre;
        let source = centre + vec2<f32>(c.turn.x * d.x + c.turn.y * d.y, c.turn.x * d.y - c.turn.y * d.x);
        let corner = floor(source);
        let part = source - corner;
        let top = i32(corner.x);
        let left = i32(corner.y);
        let above = mix(pixel(row, top, left, channel, c.flipped), pixel(row, top, left + 1, channel, c.flipped), part.y);
        let below = mix(pixel(row, top + 1, left, channel, c.flipped),
                        pixel(row, top + 1, left + 1, channel, c.flipped), part.y);
        value = mix(above, below, part.x);
    } else {
        value = pixel(row, at.x, at.y, channel, c.flipped);
    }
    if (BRIGHTNESS > 0.0) { value = clamp(value * c.gain, 0.0, 1.0); }
    if (CONTRAST > 0.0) { value = clamp((value - 0.5) * c.contrast + 0.5, 0.0, 1.0); }
    return value;
}
