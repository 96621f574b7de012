//! The drawing surface of charts: a list of shapes, which plotters turns into SVG or into pixels. The SVG's head, with
//! title and description, is written here. Coordinates are pixels from the top left.

use super::{
    NARROW, WIDTH,
    palette::{DARK_PAGE, Ink, style},
};
use maud::html;
use plotters::{
    backend::{DrawingBackend, SVGBackend},
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{Circle, PathElement, Polygon, Rectangle},
    style::{
        Color, FontTransform, IntoTextStyle, ShapeStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};
use std::{cell::RefCell, fmt};
use wgrad::words::drawable;

/// A picture: a whole SVG document that contains only what a chart drew, and a narrow version for small screens if it
/// can be drawn narrower.
#[derive(Clone, Debug, PartialEq)]
pub struct Svg {
    text: String,
    narrow: Option<String>,
    pub(super) shapes: Vec<Shape>,
    pub(super) size: At,
}

impl Svg {
    /// Wraps a document that another part of the report has written.
    pub(crate) fn whole(text: String) -> Self {
        Self { text, narrow: None, shapes: Vec::new(), size: (0, 0) }
    }

    /// Creates the picture that `draw` draws in the usual width, and in that of a small screen.
    pub(super) fn of(draw: impl Fn(i32) -> Self) -> Self {
        let narrow = draw(NARROW).text.replacen(" class=\"wide\"", "", 1);
        let narrow = narrow.replacen("<svg ", "<svg class=\"narrow\" ", 1);
        // The narrow version carries its description in its label: one element of a page describes a chart, whichever
        // version is shown.
        let reported = narrow.split_once("<desc>").and_then(|(head, rest)| {
            let (words, body) = rest.split_once("</desc>")?;
            let (before, label) = head.split_once("aria-label=\"")?;
            let (title, after) = label.split_once('"')?;
            Some(format!("{before}aria-label=\"{title}. {words}\"{after}{body}"))
        });
        Self { narrow: Some(reported.unwrap_or(narrow)), ..draw(WIDTH) }
    }

    /// Returns its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the version for a small screen: as wide as the screen, or as narrow as possible.
    pub fn narrow(&self) -> Option<&str> {
        self.narrow.as_deref()
    }

    /// Adds a background, light or dark as the reader prefers.
    pub(super) fn on_any_page(self) -> Self {
        let dark = format!("svg{{background:#{DARK_PAGE:06X}}}{}", style());
        let rules =
            format!("<style>svg{{background:#FFFFFF}}@media (prefers-color-scheme: dark){{{dark}}}</style>");
        Self { text: self.text.replacen("<title>", &format!("{rules}<title>"), 1), ..self }
    }
}

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Pixels from the left and from the top.
pub(super) type At = (i32, i32);

/// Ratio of plotters' text sizes to those that it writes.
const FONT_SCALE: f64 = 1.24;

/// Horizontal anchor of a text. Vertically it is always centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Elements of a picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Path { points: Vec<At>, ink: Ink, thickness: u32 },
    Rect { corners: [At; 2], ink: Ink, opacity: f64 },
    Area { points: Vec<At>, ink: Ink, opacity: f64 },
    Dot { at: At, radius: i32, ink: Ink },
    Text { text: String, at: At, size: i32, ink: Ink, anchor: Anchor, upwards: bool },
}

/// A picture under construction.
#[derive(Default)]
pub(super) struct Canvas {
    shapes: RefCell<Vec<Shape>>,
}

/// Draws a picture of the given size.
pub(super) fn draw((width, height): At, title: &str, description: &str, paint: impl FnOnce(&Canvas)) -> Svg {
    let canvas = Canvas::default();
    paint(&canvas);
    let (shapes, size) = (canvas.shapes.into_inner(), (width.max(1), height.max(1)));
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (size.0 as u32, size.1 as u32)).into_drawing_area();
    let failure = render(&shapes, &area, 1).and_then(|()| area.present()).err().map(|e| e.to_string());
    drop(area);
    // Replace plotters' head by one that scales and carries title and description.
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    let body = body.trim_end().trim_end_matches("</svg>");
    let body = body
        .replace(" opacity=\"1\"", "")
        .replace(" font-family=\"sans-serif\"", "")
        .replace(" stroke=\"none\"", "");
    let (title, description) = (drawable(title), drawable(description));
    let mut said = description;
    if let Some(failure) = failure {
        said = format!("Not all of it could be drawn: {}. {said}", drawable(&failure));
    }
    let head = html! { title { (title) } desc { (said) } }.into_string();
    let class = if width > WIDTH { " class=\"wide\"" } else { "" };
    let label = html! { (title) }.into_string();
    let text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"{class} role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"system-ui, sans-serif\">{head}\n{body}</svg>\n"
    );
    Svg { shapes, size, ..Svg::whole(text) }
}

/// Draws shapes, `scale` times as large. Writing into memory does not fail; if it ever does, the description of the
/// picture says so.
pub(super) fn render<B: DrawingBackend>(
    shapes: &[Shape],
    area: &DrawingArea<B, Shift>,
    scale: i32,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let at = |(x, y): At| (x * scale, y * scale);
    let all = |points: &[At]| points.iter().map(|point| at(*point)).collect::<Vec<_>>();
    for shape in shapes {
        match shape {
            Shape::Path { points, ink, thickness } => {
                let style = ShapeStyle::from(ink.color()).stroke_width(thickness * scale as u32);
                area.draw(&PathElement::new(all(points), style))?;
            }
            Shape::Rect { corners, ink, opacity } => {
                area.draw(&Rectangle::new(corners.map(at), ink.color().mix(*opacity).filled()))?;
            }
            Shape::Area { points, ink, opacity } => {
                area.draw(&Polygon::new(all(points), ink.color().mix(*opacity)))?;
            }
            Shape::Dot { at: centre, radius, ink } => {
                area.draw(&Circle::new(at(*centre), radius * scale, ink.color().filled()))?;
            }
            Shape::Text { text, at: place, size, ink, anchor, upwards } => {
                let horizontal = match anchor {
                    Anchor::Start => HPos::Left,
                    Anchor::Middle => HPos::Center,
                    Anchor::End => HPos::Right,
                };
                let turn = if *upwards { FontTransform::Rotate270 } else { FontTransform::None };
                let (color, pixels) = (ink.color(), f64::from(size * scale) * FONT_SCALE);
                let style = ("sans-serif", pixels).into_text_style(area).transform(turn).color(&color);
                area.draw_text(text, &style.pos(Pos::new(horizontal, VPos::Center)), at(*place))?;
            }
        }
    }
    Ok(())
}

impl Canvas {
    fn add(&self, shape: Shape) {
        self.shapes.borrow_mut().push(shape);
    }

    /// Draws a line through points.
    pub(super) fn path(&self, points: Vec<At>, ink: Ink, thickness: u32) {
        self.add(Shape::Path { points, ink, thickness });
    }

    /// Draws a dashed line through points.
    pub(super) fn dashed(&self, points: &[At], ink: Ink, thickness: u32, dash: [f64; 2]) {
        for points in dashes(points, dash) {
            self.add(Shape::Path { points, ink, thickness });
        }
    }

    /// Draws a filled rectangle between two corners.
    pub(super) fn rect(&self, from: At, to: At, ink: Ink, opacity: f64) {
        self.add(Shape::Rect { corners: [from, to], ink, opacity });
    }

    /// Draws a filled polygon.
    pub(super) fn area(&self, points: Vec<At>, ink: Ink, opacity: f64) {
        self.add(Shape::Area { points, ink, opacity });
    }

    /// Draws a dot.
    pub(super) fn dot(&self, at: At, radius: i32, ink: Ink) {
        self.add(Shape::Dot { at, radius, ink });
    }

    /// Draws a horizontal text.
    pub(super) fn text(&self, text: &str, at: At, size: i32, ink: Ink, anchor: Anchor) {
        self.add(Shape::Text { text: text.to_string(), at, size, ink, anchor, upwards: false });
    }

    /// Draws a text that reads upwards.
    pub(super) fn upwards(&self, text: &str, at: At, size: i32, ink: Ink, anchor: Anchor) {
        self.add(Shape::Text { text: text.to_string(), at, size, ink, anchor, upwards: true });
    }
}

/// Returns the dashes of a dashed line; `dash` is the length of a dash and of the gap after it, pixels.
fn dashes(points: &[At], dash: [f64; 2]) -> Vec<Vec<At>> {
    let (mut pieces, mut piece) = (Vec::new(), points.first().map(|at| vec![*at]).unwrap_or_default());
    let (mut on, mut left) = (true, dash[0]);
    for ends in points.windows(2) {
        let (from, to) = (ends[0], ends[1]);
        let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
        let (length, mut gone) = (dx.hypot(dy), 0.0);
        while length - gone > left {
            gone += left;
            let share = gone / length;
            let at = (from.0 + (dx * share).round() as i32, from.1 + (dy * share).round() as i32);
            piece.push(at);
            if on {
                pieces.push(std::mem::take(&mut piece));
            }
            piece = vec![at];
            on = !on;
            left = dash[usize::from(!on)];
        }
        left -= length - gone;
        piece.push(to);
    }
    if on && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::{super::palette::DASH, dashes};

    #[test]
    fn dashes_leave_gaps_and_turn_corners() {
        let straight = dashes(&[(0, 0), (25, 0)], DASH);
        assert_eq!(straight, [vec![(0, 0), (6, 0)], vec![(10, 0), (16, 0)], vec![(20, 0), (25, 0)]]);
        let corner = dashes(&[(0, 0), (3, 0), (3, 20)], DASH);
        assert_eq!(corner[0], [(0, 0), (3, 0), (3, 3)]);
        assert_eq!(corner[1], [(3, 7), (3, 13)]);
        assert!(dashes(&[], DASH).is_empty() && dashes(&[(1, 1)], DASH).is_empty());
    }
}
