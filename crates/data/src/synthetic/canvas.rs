//! A 28×28 canvas that fills polygons with anti-aliased edges and prints one garment: position, size, shear, cloth,
//! light and noise. `garments` has the shapes.

use super::garments::{self, Point, Shape};
use wgrad::data::random::Random;

/// Height and width of an image.
pub(super) const SIDE: usize = 28;

const MIDDLE: f32 = 14.0;

/// Scan lines per row of pixels.
const LINES: usize = 4;

/// Buffers for drawing, reused for every image.
#[derive(Debug)]
pub(super) struct Canvas {
    /// Brightness of the cloth, 0 to about 1, row by row.
    value: [f32; SIDE * SIDE],
    /// Coverage of each pixel by the polygon, 0 to 1.
    cover: [f32; SIDE * SIDE],
    crossings: Vec<f32>,
    points: Vec<Point>,
}

impl Default for Canvas {
    fn default() -> Self {
        Self {
            value: [0.0; SIDE * SIDE],
            cover: [0.0; SIDE * SIDE],
            crossings: Vec::new(),
            points: Vec::new(),
        }
    }
}

impl Canvas {
    /// Draws a garment of class `label` into `image`, 28×28 bytes.
    pub(super) fn draw(&mut self, label: u8, random: &mut Random, image: &mut [u8]) {
        self.value.fill(0.0);
        let view = View::new(random);
        let wobble = random.between(0.1, 0.5);
        for Shape { outline, shade } in garments::garment(label, random) {
            self.points.clear();
            for point in outline {
                let shaken =
                    (point.0 + random.between(-wobble, wobble), point.1 + random.between(-wobble, wobble));
                self.points.push(view.place(shaken));
            }
            self.fill(shade);
        }
        self.print(random, image);
    }

    /// Draws the polygon in `points` over the canvas: exact coverage along a scan line, four lines a pixel.
    fn fill(&mut self, shade: f32) {
        self.cover.fill(0.0);
        let lowest = self.points.iter().fold(SIDE as f32, |y, p| y.min(p.1));
        let highest = self.points.iter().fold(0.0_f32, |y, p| y.max(p.1));
        let lines = LINES as f32;
        let first = (lowest.max(0.0) * lines) as usize;
        let last = ((highest.max(0.0) * lines) as usize + 1).min(SIDE * LINES);
        for line in first..last {
            let y = (line as f32 + 0.5) / lines;
            self.crossings.clear();
            let ends = self.points.iter().cycle().skip(1);
            for (&(x0, y0), &(x1, y1)) in self.points.iter().zip(ends) {
                if (y0 <= y) != (y1 <= y) {
                    self.crossings.push(x0 + (y - y0) / (y1 - y0) * (x1 - x0));
                }
            }
            self.crossings.sort_unstable_by(f32::total_cmp);
            let row = (line / LINES) * SIDE;
            let row = &mut self.cover[row..row + SIDE];
            for span in self.crossings.as_chunks::<2>().0 {
                let (from, to) = (span[0].max(0.0), span[1].min(SIDE as f32));
                let first = from as usize;
                let last = (to.max(0.0) as usize + 1).min(SIDE);
                for (x, cover) in row.iter_mut().enumerate().take(last).skip(first) {
                    let left = from.max(x as f32);
                    let right = to.min(x as f32 + 1.0);
                    *cover += (right - left).max(0.0) / lines;
                }
            }
        }
        for (value, cover) in self.value.iter_mut().zip(&self.cover) {
            *value += cover * (shade - *value);
        }
    }

    /// Applies cloth, light and noise, and converts to bytes.
    fn print(&self, random: &mut Random, image: &mut [u8]) {
        let brightness = random.between(90.0, 250.0);
        let contrast = random.between(0.0, 0.5);
        let period = 2 + random.below(5);
        let cloth = random.below(4);
        let (slope_x, slope_y) = (random.between(-0.01, 0.01), random.between(-0.01, 0.01));
        let noise = random.between(2.0, 24.0);
        // One draw gives eight bytes of noise.
        for (row, (line, bytes)) in self.value.chunks(SIDE).zip(image.chunks_mut(SIDE)).enumerate() {
            let mut bits = 0;
            for (column, (&value, byte)) in line.iter().zip(bytes).enumerate() {
                if column.is_multiple_of(8) {
                    bits = random.next_u64();
                }
                let grain = (bits & 0xff) as f32 / 128.0 - 1.0;
                bits >>= 8;
                if value < 0.02 {
                    *byte = 0;
                    continue;
                }
                let woven = match cloth {
                    1 => row.is_multiple_of(period),
                    2 => column.is_multiple_of(period),
                    3 => (row / period + column / period).is_multiple_of(2),
                    _ => false,
                };
                let weave = if woven { 1.0 - contrast } else { 1.0 };
                let light = 1.0 + slope_x * (column as f32 - MIDDLE) + slope_y * (row as f32 - MIDDLE);
                let level = value * weave * light * brightness + value * grain * noise;
                *byte = level.clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// Transformation from a garment's coordinates, with the middle at (0, 0) and ±12 long, to pixels.
struct View {
    scale: Point,
    shear: Point,
    shift: Point,
}

impl View {
    fn new(random: &mut Random) -> Self {
        let mirrored = if random.below(2) == 0 { 1.0 } else { -1.0 };
        let size = random.between(0.84, 1.08);
        Self {
            scale: (mirrored * size * random.between(0.88, 1.08), size * random.between(0.92, 1.06)),
            shear: (random.between(-0.12, 0.12), random.between(-0.06, 0.06)),
            shift: (random.between(-1.6, 1.6), random.between(-1.6, 1.6)),
        }
    }

    fn place(&self, (x, y): Point) -> Point {
        (
            MIDDLE + self.shift.0 + self.scale.0 * x + self.shear.0 * y,
            MIDDLE + self.shift.1 + self.scale.1 * y + self.shear.1 * x,
        )
    }
}
