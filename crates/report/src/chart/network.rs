//! A network as a graph: one box per layer, from top to bottom, with the edges that bypass them. A long network is
//! broken into columns, only at places that a single edge crosses.

/// Positions of boxes.
mod layout;

use super::{
    LARGE, MARGIN, SMALL,
    canvas::{Anchor, At, Canvas, Svg, draw},
    palette::{self, EMPTY, FAINT, FRAME, Ink, TEXT},
    text::{shorten, width},
};
use layout::{Layout, Place};
use wgrad::{
    model::{INPUT, LayerSummary},
    words::commas,
};

/// Height of a box.
const BOX: i32 = 68;
/// Vertical distance between boxes, where the edges run.
const GAP: i32 = 34;
/// Horizontal distance between boxes of a row.
const BESIDE: i32 = 26;
/// Width of a lane for an edge that passes boxes.
const LANE: i32 = 22;
/// Distance between columns.
const GUTTER: i32 = 56;
/// Minimum and maximum width of boxes.
const WIDTHS: (i32, i32) = (130, 350);
/// Height of the title's line.
const TITLE: i32 = 40;
/// Points of a curve.
const POINTS: i32 = 14;

/// A network to draw.
#[derive(Clone, Debug)]
pub struct Network<'a> {
    /// Its name.
    pub name: &'a str,
    /// The shape of its input: height, width, channels.
    pub input: [usize; 3],
    /// Its layers, as [`wgrad::model::Model::summary`] gives them.
    pub layers: &'a [LayerSummary],
}

/// Content of a box.
struct Content {
    name: String,
    facts: [String; 2],
    ink: Ink,
}

/// Formats a shape as 28×28×64.
fn shape(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

impl Network<'_> {
    /// Draws the picture, for light and dark pages.
    pub fn svg(&self) -> Svg {
        let boxes = self.boxes();
        let room = boxes
            .iter()
            .map(|b| {
                (width(&b.name, LARGE)).max(width(&b.facts[0], SMALL)).max(width(&b.facts[1], SMALL)) + 28
            })
            .max();
        let wide = room.unwrap_or(0).clamp(WIDTHS.0, WIDTHS.1);
        let layout = Layout::new(&self.edges(), wide, BESIDE, LANE);
        let columns = layout.columns.iter().map(|column| column.width);
        let across = columns.sum::<i32>() + GUTTER * (layout.columns.len() as i32 - 1);
        let rows = layout.columns.iter().map(|column| column.rows).max().unwrap_or(1) as i32;
        let total: usize = self.layers.iter().map(|layer| layer.parameters).sum();
        let title =
            format!("{}: {} layers, {} parameters", self.name, self.layers.len(), commas(total as u64));
        // The edge to the next column runs below the last row.
        let below = if layout.columns.len() > 1 { GAP } else { 0 };
        let size = (
            (across + 2 * MARGIN).max(width(&title, LARGE) + 2 * MARGIN),
            TITLE + rows * (BOX + GAP) - GAP + 2 * MARGIN + below,
        );
        draw(size, &title, &self.description(), |canvas| {
            let mid = MARGIN + LARGE / 2 + 4;
            canvas.text(
                &shorten(&title, LARGE, size.0 - 2 * MARGIN),
                (MARGIN, mid),
                LARGE,
                TEXT,
                Anchor::Start,
            );
            let drawing = Drawing { canvas, layout: &layout, wide };
            drawing.edges();
            layout.places.iter().zip(&boxes).for_each(|(place, content)| drawing.node(*place, content));
        })
        .on_any_page()
    }

    fn boxes(&self) -> Vec<Content> {
        let input = Content {
            name: INPUT.into(),
            facts: ["image".into(), format!("→ {}", shape(&self.input))],
            ink: FRAME,
        };
        let layers = self.layers.iter().map(|layer| {
            let words: Vec<&str> =
                std::iter::once(layer.kind).chain(layer.settings.iter().map(String::as_str)).collect();
            let mut numbers = format!("→ {}", shape(&layer.output));
            if layer.parameters > 0 {
                numbers.push_str(&format!(" · {} parameters", commas(layer.parameters as u64)));
            }
            // Layers with several inputs, with parameters, and others.
            let ink = match (layer.parameters > 0, layer.inputs.len()) {
                (_, 2..) => palette::series(1),
                (true, _) => palette::series(0),
                (false, _) => palette::series(6),
            };
            Content { name: layer.name.clone(), facts: [words.join(" · "), numbers], ink }
        });
        std::iter::once(input).chain(layers).collect()
    }

    /// Returns for each box, beginning with the input, the boxes whose outputs it takes.
    fn edges(&self) -> Vec<Vec<usize>> {
        let number = |name: &String| self.layers.iter().position(|l| l.name == *name).map_or(0, |n| n + 1);
        let layers = self.layers.iter().map(|layer| layer.inputs.iter().map(number).collect());
        std::iter::once(Vec::new()).chain(layers).collect()
    }

    fn description(&self) -> String {
        let mut said = format!("Input of {}. ", shape(&self.input));
        for layer in self.layers {
            said.push_str(&format!(
                "{} ({}) takes {} and gives {}, {} parameters. ",
                layer.name,
                layer.kind,
                layer.inputs.join(", "),
                shape(&layer.output),
                layer.parameters
            ));
        }
        said
    }
}

struct Drawing<'a> {
    canvas: &'a Canvas,
    layout: &'a Layout,
    wide: i32,
}

impl Drawing<'_> {
    /// Returns the left side of a column.
    fn left(&self, column: usize) -> i32 {
        let before = self.layout.columns[..column].iter().map(|c| c.width + GUTTER);
        MARGIN + before.sum::<i32>()
    }

    /// Returns the middle of the top side of a place.
    fn top(&self, place: Place) -> At {
        (self.left(place.column) + place.x, TITLE + MARGIN + place.row as i32 * (BOX + GAP))
    }

    fn node(&self, place: Place, content: &Content) {
        let (x, y) = self.top(place);
        let (left, right) = (x - self.wide / 2, x + self.wide / 2);
        let corners = vec![(left, y), (right, y), (right, y + BOX), (left, y + BOX), (left, y)];
        self.canvas.rect((left, y), (right, y + BOX), EMPTY, 1.0);
        self.canvas.path(corners, FRAME, 1);
        self.canvas.rect((left, y), (left + 5, y + BOX), content.ink, 1.0);
        let room = self.wide - 26;
        let line = |text: &str, size, down, ink| {
            self.canvas.text(&shorten(text, size, room), (left + 15, y + down), size, ink, Anchor::Start);
        };
        line(&content.name, LARGE, 17, TEXT);
        line(&content.facts[0], SMALL, 36, FAINT);
        line(&content.facts[1], SMALL, 54, FAINT);
    }

    /// Draws every edge, with an arrow at its end.
    fn edges(&self) {
        for edge in &self.layout.edges {
            let mut points = Vec::new();
            for pair in edge.windows(2) {
                let (from, to) = (self.top(pair[0]), self.top(pair[1]));
                let start = (from.0, from.1 + BOX);
                match pair[0].column == pair[1].column {
                    true => curve(start, to, &mut points),
                    false => self.round(start, to, &mut points),
                }
            }
            let Some(&(x, y)) = points.last() else { continue };
            self.canvas.path(points, FAINT, 2);
            self.canvas.area(vec![(x, y), (x - 5, y - 9), (x + 5, y - 9)], FAINT, 1.0);
        }
    }

    /// Adds the points of an edge from the foot of one column to the head of the next, between the columns.
    fn round(&self, from: At, to: At, points: &mut Vec<At>) {
        let column = (0..self.layout.columns.len()).rev().find(|n| self.left(*n) <= to.0).unwrap_or(0);
        let (turn, half) = (self.left(column) - GUTTER / 2, GAP / 2);
        points.extend([from, (from.0, from.1 + half), (turn, from.1 + half), (turn, to.1 - half)]);
        points.extend([(to.0, to.1 - half), to]);
    }
}

/// Adds the points of a curve that leaves and arrives downwards (a cubic Bézier curve), within the gap between two
/// rows.
fn curve(from: At, to: At, points: &mut Vec<At>) {
    if from.0 == to.0 {
        return points.extend([from, to]);
    }
    let bend = f64::from(to.1 - from.1) * 0.6;
    for n in 0..=POINTS {
        let t = f64::from(n) / f64::from(POINTS);
        let weights = [(1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2), 3.0 * t * t * (1.0 - t), t.powi(3)];
        let (x, y) =
            ([from.0, from.0, to.0, to.0].map(f64::from), [from.1, from.1, to.1, to.1].map(f64::from));
        let y = [y[0], y[1] + bend, y[2] - bend, y[3]];
        let at = |of: [f64; 4]| of.iter().zip(weights).map(|(p, w)| p * w).sum::<f64>().round() as i32;
        points.push((at(x), at(y)));
    }
}

#[cfg(test)]
mod tests {
    use super::{GAP, curve};

    #[test]
    fn curves_stay_between_the_rows() {
        let mut points = Vec::new();
        curve((10, 50), (400, 50 + GAP), &mut points);
        assert!(points.len() > 5);
        assert!(
            points.iter().all(|(x, y)| (10..=400).contains(x) && (50..=50 + GAP).contains(y)),
            "{points:?}"
        );
        assert!(points.windows(2).all(|p| p[0].1 <= p[1].1), "upwards: {points:?}");
    }
}
