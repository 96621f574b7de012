//! The roofline of an adapter (Williams, Waterman and Patterson, "Roofline", 2009): rate over operations per byte
//! moved, below the roofs that arithmetic and memory set. Points far below both roofs are limited by something else.

use super::{
    MARGIN, SMALL, WIDTH,
    canvas::{Anchor, At, Canvas, Svg, draw, fine},
    legend::Legend,
    lines::{Axis, axis_names},
    palette::{FAINT, FRAME, TEXT, series},
    scale::Scale,
    text::{figure, width, wrap},
};
use wgrad::words::drawable;

/// A measured point.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    /// Its name.
    pub name: String,
    /// Operations per byte moved.
    pub flops_per_byte: f64,
    /// Rate, 10⁹ operations per second.
    pub gflops: f64,
    /// The rate that the instructions of its hottest loop allow, 10⁹ operations per second; `None` if unknown.
    pub allowed_gflops: Option<f64>,
}

/// A roofline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roofline {
    /// Title.
    pub title: String,
    /// Arithmetic roof, 10⁹ operations per second; `None` if unknown.
    pub peak_gflops: Option<f64>,
    /// Memory roof, 10⁹ bytes per second; `None` if unknown.
    pub peak_gbps: Option<f64>,
    /// The points.
    pub spots: Vec<Spot>,
}

/// Minimum height of the area of the points.
const HEIGHT: i32 = 320;
/// Width of the column of names, at the right.
const NAMES: i32 = 220;
/// Half the width of the mark of an allowed rate.
const ALLOWED: i32 = 12;

/// A label next to the chart: its lines, its number, the position of its point, and its own vertical middle.
struct Label {
    lines: Vec<String>,
    value: String,
    at: At,
    y: i32,
}

impl Label {
    fn height(&self) -> i32 {
        self.lines.len() as i32 * (SMALL + 3) + 5
    }
}

impl Roofline {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        let names: Vec<(Vec<String>, String)> = self.spots.iter().map(lay).collect();
        let tall: i32 = names.iter().map(|(lines, _)| lines.len() as i32 * (SMALL + 3) + 5).sum();
        let legend = Legend::new(&self.roof_names(), WIDTH - 2 * MARGIN, true);
        let top = MARGIN + legend.height + 4;
        let bottom = top + HEIGHT.max(tall + 20);
        let right = WIDTH - MARGIN - NAMES - 24;
        let (arithmetic, memory) = (usable(self.peak_gflops), usable(self.peak_gbps));
        let rates =
            self.spots.iter().flat_map(|spot| [Some(spot.gflops), usable(spot.allowed_gflops)]).flatten();
        let rates = rates.chain(arithmetic).flat_map(|v| [v / 1.5, v * 1.5]);
        let y = Scale::around(rates, true, (bottom, top));
        let left = MARGIN + 20 + y.left_room();
        let ridge = arithmetic.zip(memory).map(|(flops, bytes)| flops / bytes);
        let across = self.spots.iter().map(|spot| spot.flops_per_byte).chain(ridge);
        let x = Scale::around(across.flat_map(|v| [v / 3.0, v * 3.0]), true, (left, right));
        draw((WIDTH, bottom + 48), &self.title, &self.words(), |canvas| {
            legend.draw(canvas, MARGIN);
            x.draw_below(canvas, top, bottom);
            y.draw_left(canvas, left, right);
            canvas.path(vec![(left, top), (left, bottom), (right, bottom)], FRAME, 1);
            let axis = |label: &str, unit: &str| Axis {
                label: label.into(),
                unit: unit.into(),
                log: true,
                ..Axis::default()
            };
            let axes = (axis("operations for each byte", "FLOP/byte"), axis("rate", "GFLOP/s"));
            axis_names(canvas, &axes.0, &axes.1, (left, right), (top, bottom));
            draw_roofs(canvas, (&x, &y), arithmetic, memory);
            self.draw_allowed(canvas, &x, &y);
            draw_spots(canvas, self.place(names, &x, &y, (top, bottom)), right);
        })
    }

    /// Places the labels next to their points, without overlap.
    fn place(&self, names: Vec<(Vec<String>, String)>, x: &Scale, y: &Scale, ends: At) -> Vec<Label> {
        let label = |(spot, (lines, value)): (&Spot, _)| {
            let at = (x.at(spot.flops_per_byte)?, y.at(spot.gflops)?);
            Some(Label { lines, value, at, y: at.1 })
        };
        let mut labels: Vec<Label> = self.spots.iter().zip(names).filter_map(label).collect();
        labels.sort_by_key(|label| label.at.1);
        spread(&mut labels, ends);
        labels
    }

    /// Draws the rate that its instructions allow above each point that has one, and a line down to the point.
    fn draw_allowed(&self, canvas: &Canvas, x: &Scale, y: &Scale) {
        for spot in &self.spots {
            let most = usable(spot.allowed_gflops).and_then(|most| y.at(most));
            let (Some(x), Some(measured), Some(most)) = (x.at(spot.flops_per_byte), y.at(spot.gflops), most)
            else {
                continue;
            };
            canvas.path(vec![(x, measured), (x, most)], series(1), 1);
            canvas.path(vec![(x - ALLOWED, most), (x + ALLOWED, most)], series(1), 3);
        }
    }

    /// Returns the names of the roofs, with their values.
    fn roof_names(&self) -> Vec<(String, super::palette::Ink)> {
        let mut names = Vec::new();
        if let Some(peak) = self.peak_gflops {
            names.push((format!("arithmetic: {} GFLOP/s", figure(peak)), series(3)));
        }
        if let Some(peak) = self.peak_gbps {
            names.push((format!("memory: {} GB/s", figure(peak)), series(2)));
        }
        if let Some((flops, bytes)) = usable(self.peak_gflops).zip(usable(self.peak_gbps)) {
            names.push((format!("they meet at {} FLOP/byte", figure(flops / bytes)), FRAME));
        }
        if self.spots.iter().any(|spot| usable(spot.allowed_gflops).is_some()) {
            names.push(("the most that a kernel's instructions allow".to_string(), series(1)));
        }
        names
    }

    fn words(&self) -> String {
        let mut words = "Roofline: GFLOP/s over FLOP/byte, both logarithmic.".to_string();
        for (name, _) in self.roof_names() {
            words.push_str(&format!(" {name}."));
        }
        for Spot { name, flops_per_byte, gflops, allowed_gflops } in &self.spots {
            let (gflops, flops_per_byte) = (figure(*gflops), figure(*flops_per_byte));
            let allowed = usable(*allowed_gflops)
                .map_or(String::new(), |most| format!(", its instructions allow {}", figure(most)));
            words.push_str(&format!(" {name}: {gflops} GFLOP/s at {flops_per_byte} FLOP/byte{allowed}."));
        }
        words
    }
}

/// Returns the peak if it can be drawn.
fn usable(peak: Option<f64>) -> Option<f64> {
    peak.filter(|peak| peak.is_finite() && *peak > 0.0)
}

/// Returns the wrapped name of a point, and its number.
fn lay(spot: &Spot) -> (Vec<String>, String) {
    let value = figure(spot.gflops);
    (wrap(&drawable(&spot.name), SMALL, NAMES - width(&value, SMALL) - 10, 6), value)
}

fn draw_roofs(canvas: &Canvas, (x, y): (&Scale, &Scale), arithmetic: Option<f64>, memory: Option<f64>) {
    let (from, to) = x.ends();
    let low = y.ends().0;
    let ridge = arithmetic.zip(memory).map(|(flops, bytes)| flops / bytes);
    let line = |points: [(f64, f64); 2], ink| {
        let pixels = points.iter().filter_map(|(across, up)| Some((x.at(*across)?, y.at(*up)?)));
        canvas.path(pixels.collect(), ink, 3);
    };
    if let Some((x, top, low)) =
        ridge.zip(arithmetic).and_then(|(r, a)| Some((x.at(r)?, y.at(a)?, y.at(low)?)))
    {
        canvas.path(vec![(x, top), (x, low)], FRAME, 1);
    }
    if let Some(bytes) = memory {
        // If the roof would begin below the chart, it begins at the lower edge.
        let (from, to) = (from.max(low / bytes), ridge.unwrap_or(to).min(y.ends().1 / bytes));
        line([(from, from * bytes), (to, to * bytes)], series(2));
    }
    if let Some(flops) = arithmetic {
        line([(ridge.unwrap_or(from), flops), (to, flops)], series(3));
    }
}

/// Moves labels, sorted from the top, so that none overlap and all are between the ends.
fn spread(labels: &mut [Label], (top, bottom): At) {
    let mut free = top;
    for label in labels.iter_mut() {
        label.y = label.y.max(free + label.height() / 2);
        free = label.y + label.height() / 2 + 1;
    }
    let mut free = bottom;
    for label in labels.iter_mut().rev() {
        label.y = label.y.min(free - label.height() / 2);
        free = label.y - label.height() / 2 - 1;
    }
}

fn draw_spots(canvas: &Canvas, labels: Vec<Label>, right: i32) {
    for label in &labels {
        canvas.path(vec![label.at, (right + 6, label.y), (right + 18, label.y)], FRAME, 1);
    }
    for label in &labels {
        canvas.dot(fine(label.at), 5, series(0));
        let mut y = label.y - (label.lines.len() as i32 - 1) * (SMALL + 3) / 2;
        canvas.text(&label.value, (WIDTH - MARGIN, label.y), SMALL, FAINT, Anchor::End);
        for line in &label.lines {
            canvas.text(line, (right + 24, y), SMALL, TEXT, Anchor::Start);
            y += SMALL + 3;
        }
    }
}
