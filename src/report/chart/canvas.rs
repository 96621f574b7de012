//! What charts are drawn on: plotters' SVG, with a head of its own that says what the picture is. Coordinates are
//! pixels from the top left.

use super::{WIDTH, palette::Ink, text::printable};
use maud::html;
use plotters::{
    backend::SVGBackend,
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{Circle, PathElement, Polygon, Rectangle},
    style::{
        Color, FontTransform, IntoTextStyle, ShapeStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};
use std::{cell::RefCell, fmt};

/// A picture: a whole SVG document, with nothing in it but what a chart drew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svg(String);

impl Svg {
    /// A document that another part of the report has written.
    pub(in crate::report) fn whole(text: String) -> Self {
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Pixels from the left and from the top.
pub(super) type At = (i32, i32);

/// plotters' sizes of text are this much larger than those that it writes.
const FONT_SCALE: f64 = 1.24;

/// Where a text stands to its place. Vertically it is always centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture under way.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    failure: RefCell<Option<String>>,
}

/// Draws a picture of that size.
pub(super) fn draw(
    (width, height): At,
    title: &str,
    description: &str,
    paint: impl FnOnce(&Canvas<'_>),
) -> Svg {
    let mut svg = String::new();
    let failure = {
        let size = (width.max(1) as u32, height.max(1) as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let canvas = Canvas { area, failure: RefCell::new(None) };
        paint(&canvas);
        let presented = canvas.area.present();
        canvas.note(presented);
        canvas.failure.into_inner()
    };
    // The head is ours: it scales, and it speaks.
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    let body = body.trim_end().trim_end_matches("</svg>");
    let body = body
        .replace(" opacity=\"1\"", "")
        .replace(" font-family=\"sans-serif\"", "")
        .replace(" stroke=\"none\"", "");
    let (title, description) = (printable(title), printable(description));
    let mut said = description;
    if let Some(failure) = failure {
        said = format!("Not all of it could be drawn: {}. {said}", printable(&failure));
    }
    let head = html! { title { (title) } desc { (said) } }.into_string();
    let class = if width > WIDTH { " class=\"wide\"" } else { "" };
    let label = html! { (title) }.into_string();
    Svg(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"{class} role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"system-ui, sans-serif\">{head}\n{body}</svg>\n"
    ))
}

impl Canvas<'_> {
    /// Writing into a string does not fail; if it ever does, the picture says so.
    fn note<E: std::error::Error + Send + Sync>(&self, result: Result<(), DrawingAreaErrorKind<E>>) {
        if let Err(error) = result {
            self.failure.borrow_mut().get_or_insert(error.to_string());
        }
    }

    /// A line through points.
    pub(super) fn path(&self, points: Vec<At>, ink: Ink, thickness: u32) {
        let style = ShapeStyle::from(ink.color()).stroke_width(thickness);
        self.note(self.area.draw(&PathElement::new(points, style)));
    }

    /// A filled rectangle between two corners.
    pub(super) fn rect(&self, from: At, to: At, ink: Ink, opacity: f64) {
        self.note(self.area.draw(&Rectangle::new([from, to], ink.color().mix(opacity).filled())));
    }

    /// A filled area.
    pub(super) fn area(&self, points: Vec<At>, ink: Ink, opacity: f64) {
        self.note(self.area.draw(&Polygon::new(points, ink.color().mix(opacity))));
    }

    /// A dot.
    pub(super) fn dot(&self, at: At, radius: i32, ink: Ink) {
        self.note(self.area.draw(&Circle::new(at, radius, ink.color().filled())));
    }

    /// A text on a line.
    pub(super) fn text(&self, text: &str, at: At, size: i32, ink: Ink, anchor: Anchor) {
        self.write(text, at, size, ink, anchor, FontTransform::None);
    }

    /// A text that reads upwards.
    pub(super) fn upwards(&self, text: &str, at: At, size: i32, ink: Ink, anchor: Anchor) {
        self.write(text, at, size, ink, anchor, FontTransform::Rotate270);
    }

    fn write(&self, text: &str, at: At, size: i32, ink: Ink, anchor: Anchor, turn: FontTransform) {
        let horizontal = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let color = ink.color();
        let font = ("sans-serif", f64::from(size) * FONT_SCALE).into_text_style(&self.area);
        let style = font.transform(turn).color(&color).pos(Pos::new(horizontal, VPos::Center));
        self.note(self.area.draw_text(text, &style, at));
    }
}
