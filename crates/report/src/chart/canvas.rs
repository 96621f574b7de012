//! The drawing surface of charts: a list of shapes, written here as SVG, and turned into pixels by plotters. Coordinates
//! are pixels from the top left. Curves have fractions of pixels, since whole ones would make steps of a slope.

use super::{
    LARGE, LINE, MARGIN, NARROW, WIDTH,
    palette::{DARK_PAGE, Ink, TEXT, style},
    text::shorten,
};
use crate::pixels::data_uri;
use image::RgbImage;
use maud::{Markup, html};
use plotters::{
    backend::DrawingBackend,
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind},
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
    title: String,
    description: String,
    /// True if the title is drawn.
    titled: bool,
    pub(super) shapes: Vec<Shape>,
    pub(super) size: At,
}

impl Svg {
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

    /// Returns the picture as a file of its own: with its title above it, on a background. On a page, the caption is the
    /// title.
    #[must_use]
    pub fn alone(&self) -> Self {
        if self.titled {
            return self.clone();
        }
        let (width, height) = self.size;
        draw((width, height + TITLE), &self.title, &self.description, |canvas| {
            let words = shorten(&drawable(&self.title), LARGE, width - 2 * MARGIN);
            canvas.text(&words, (MARGIN, MARGIN + LINE / 2), LARGE, TEXT, Anchor::Start);
            canvas.shapes.borrow_mut().extend(self.shapes.iter().map(|shape| shape.lower(TITLE)));
        })
        .on_any_page()
    }

    /// Adds a background, light or dark as the reader prefers. The title is part of the drawing.
    pub(super) fn on_any_page(self) -> Self {
        let dark = format!("svg{{background:#{DARK_PAGE:06X}}}{}", style());
        let rules =
            format!("<style>svg{{background:#FFFFFF}}@media (prefers-color-scheme: dark){{{dark}}}</style>");
        Self { text: self.text.replacen("<title>", &format!("{rules}<title>"), 1), titled: true, ..self }
    }
}

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Pixels from the left and from the top.
pub(crate) type At = (i32, i32);
/// The same, in fractions of pixels.
pub(super) type Fine = (f64, f64);

/// Height of the title of a picture that is a file of its own.
const TITLE: i32 = LINE + 6;
/// Radius around a dot in which its words are shown, pixels.
const REACH: i32 = 7;

pub(super) fn fine((x, y): At) -> Fine {
    (f64::from(x), f64::from(y))
}

/// Ratio of plotters' text sizes to those that it writes.
const FONT_SCALE: f64 = 1.24;

/// Horizontal anchor of a text. Vertically it is always centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Elements of a picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Path {
        points: Vec<Fine>,
        ink: Ink,
        thickness: u32,
    },
    Rect {
        corners: [At; 2],
        ink: Ink,
        opacity: f64,
    },
    Area {
        points: Vec<Fine>,
        ink: Ink,
        opacity: f64,
    },
    /// A dot, with the words that a browser shows over it; one of radius 0 has only these.
    Dot {
        at: Fine,
        radius: i32,
        ink: Ink,
        words: Option<String>,
    },
    Text {
        text: String,
        at: At,
        size: i32,
        ink: Ink,
        anchor: Anchor,
        upwards: bool,
    },
    /// A bitmap, a pixel of it on each pixel, with the words for readers who cannot see it.
    Image {
        at: At,
        image: RgbImage,
        words: String,
    },
}

impl Shape {
    /// Returns the shape, `by` pixels lower.
    fn lower(&self, by: i32) -> Self {
        let mut shape = self.clone();
        match &mut shape {
            Self::Path { points, .. } | Self::Area { points, .. } => {
                points.iter_mut().for_each(|at| at.1 += f64::from(by));
            }
            Self::Rect { corners, .. } => corners.iter_mut().for_each(|at| at.1 += by),
            Self::Dot { at, .. } => at.1 += f64::from(by),
            Self::Text { at, .. } | Self::Image { at, .. } => at.1 += by,
        }
        shape
    }

    fn markup(&self) -> Markup {
        let hex = |ink: &Ink| format!("#{:06X}", ink.light());
        let all = |points: &[Fine]| {
            points.iter().map(|(x, y)| format!("{},{}", tenth(*x), tenth(*y))).collect::<Vec<_>>().join(" ")
        };
        let opacity = |opacity: &f64| Some(*opacity).filter(|opacity| *opacity < 1.0);
        match self {
            Self::Path { points, ink, thickness } => html! {
                polyline fill="none" stroke=(hex(ink)) stroke-width=(thickness) points=(all(points)) {}
            },
            Self::Rect { corners: [(x, y), (to_x, to_y)], ink, opacity: o } => html! {
                rect x=(x) y=(y) width=((to_x - x).max(0)) height=((to_y - y).max(0)) opacity=[opacity(o)]
                    fill=(hex(ink)) {}
            },
            Self::Area { points, ink, opacity: o } => html! {
                polygon opacity=[opacity(o)] fill=(hex(ink)) points=(all(points)) {}
            },
            Self::Dot { at: (x, y), radius, ink, words } => {
                let fill = if *radius > 0 { hex(ink) } else { "transparent".to_string() };
                // A transparent edge makes a small dot easy to point at.
                let reach = words.as_ref().map(|_| 2 * (REACH - radius).max(0));
                html! {
                    circle cx=(tenth(*x)) cy=(tenth(*y)) r=((*radius).max(1)) fill=(fill)
                        stroke=[reach.map(|_| "transparent")] stroke-width=[reach] {
                        @if let Some(words) = words { title { (drawable(words)) } }
                    }
                }
            }
            Self::Text { text, at: (x, y), size, ink, anchor, upwards } => {
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                let turn = upwards.then(|| format!("rotate(270, {x}, {y})"));
                html! {
                    text x=(x) y=(y) dy="0.5ex" text-anchor=(anchor) font-size=(size) fill=(hex(ink)) transform=[turn] {
                        (drawable(text))
                    }
                }
            }
            Self::Image { at: (x, y), image, words } => html! {
                image x=(x) y=(y) width=(image.width()) height=(image.height()) href=(data_uri(image))
                    style="image-rendering:pixelated" {
                    title { (drawable(words)) }
                }
            },
        }
    }
}

/// Rounds to a tenth of a pixel.
fn tenth(value: f64) -> f64 {
    (10.0 * value).round() / 10.0
}

/// A picture under construction.
#[derive(Default)]
pub(crate) struct Canvas {
    shapes: RefCell<Vec<Shape>>,
}

/// Draws a picture of the given size.
pub(crate) fn draw((width, height): At, title: &str, description: &str, paint: impl FnOnce(&Canvas)) -> Svg {
    let canvas = Canvas::default();
    paint(&canvas);
    let (shapes, size) = (canvas.shapes.into_inner(), (width.max(1), height.max(1)));
    let (title, description) = (drawable(title), drawable(description));
    let head = html! { title { (title) } desc { (description) } }.into_string();
    let body: Vec<String> = shapes.iter().map(|shape| shape.markup().into_string()).collect();
    let body = body.join("\n");
    let class = if width > WIDTH { " class=\"wide\"" } else { "" };
    let label = html! { (title) }.into_string();
    let text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"{class} role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"system-ui, sans-serif\">{head}\n{body}\n</svg>\n"
    );
    Svg { text, narrow: None, title, description, titled: false, shapes, size }
}

/// Draws shapes as pixels, `scale` times as large.
pub(super) fn render<B: DrawingBackend>(
    shapes: &[Shape],
    area: &DrawingArea<B, Shift>,
    scale: i32,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let at = |(x, y): At| (x * scale, y * scale);
    let near = |(x, y): Fine| ((x * f64::from(scale)).round() as i32, (y * f64::from(scale)).round() as i32);
    let all = |points: &[Fine]| points.iter().map(|point| near(*point)).collect::<Vec<_>>();
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
            // plotters draws no bitmaps: whoever has the pixels puts them in.
            Shape::Dot { radius: 0, .. } | Shape::Image { .. } => {}
            Shape::Dot { at: centre, radius, ink, .. } => {
                area.draw(&Circle::new(near(*centre), radius * scale, ink.color().filled()))?;
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
        self.curve(points.into_iter().map(fine).collect(), ink, thickness);
    }

    /// Draws a line through points between pixels.
    pub(super) fn curve(&self, points: Vec<Fine>, ink: Ink, thickness: u32) {
        self.add(Shape::Path { points, ink, thickness });
    }

    /// Draws a dashed line through points.
    pub(super) fn dashed(&self, points: &[Fine], ink: Ink, thickness: u32, dash: [f64; 2]) {
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
        self.band(points.into_iter().map(fine).collect(), ink, opacity);
    }

    /// Draws a filled polygon with corners between pixels.
    pub(super) fn band(&self, points: Vec<Fine>, ink: Ink, opacity: f64) {
        self.add(Shape::Area { points, ink, opacity });
    }

    /// Draws a dot.
    pub(super) fn dot(&self, at: Fine, radius: i32, ink: Ink) {
        self.add(Shape::Dot { at, radius, ink, words: None });
    }

    /// Draws a dot with the words that a browser shows over it; a radius of 0 shows nothing else.
    pub(super) fn told(&self, at: Fine, radius: i32, ink: Ink, words: String) {
        self.add(Shape::Dot { at, radius, ink, words: Some(words) });
    }

    /// Draws a bitmap with its top left corner at `at`, and words for readers who cannot see it.
    pub(crate) fn image(&self, image: &RgbImage, at: At, words: &str) {
        self.add(Shape::Image { at, image: image.clone(), words: words.to_string() });
    }

    /// Draws a horizontal text.
    pub(crate) fn text(&self, text: &str, at: At, size: i32, ink: Ink, anchor: Anchor) {
        self.add(Shape::Text { text: text.to_string(), at, size, ink, anchor, upwards: false });
    }

    /// Draws a text that reads upwards.
    pub(super) fn upwards(&self, text: &str, at: At, size: i32, ink: Ink, anchor: Anchor) {
        self.add(Shape::Text { text: text.to_string(), at, size, ink, anchor, upwards: true });
    }
}

/// Returns the dashes of a dashed line; `dash` is the length of a dash and of the gap after it, pixels.
fn dashes(points: &[Fine], dash: [f64; 2]) -> Vec<Vec<Fine>> {
    let (mut pieces, mut piece) = (Vec::new(), points.first().map(|at| vec![*at]).unwrap_or_default());
    let (mut on, mut left) = (true, dash[0]);
    for ends in points.windows(2) {
        let (from, to) = (ends[0], ends[1]);
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let (length, mut gone) = (dx.hypot(dy), 0.0);
        while length - gone > left {
            gone += left;
            let share = gone / length;
            let at = (from.0 + dx * share, from.1 + dy * share);
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
    use super::{super::palette::DASH, At, dashes, fine};

    #[test]
    fn dashes_leave_gaps_and_turn_corners() {
        let of = |points: &[At]| -> Vec<Vec<At>> {
            let points: Vec<_> = points.iter().map(|at| fine(*at)).collect();
            let whole =
                |piece: Vec<_>| piece.into_iter().map(|(x, y): (f64, f64)| (x as i32, y as i32)).collect();
            dashes(&points, DASH).into_iter().map(whole).collect()
        };
        let straight = of(&[(0, 0), (25, 0)]);
        assert_eq!(straight, [vec![(0, 0), (6, 0)], vec![(10, 0), (16, 0)], vec![(20, 0), (25, 0)]]);
        let corner = of(&[(0, 0), (3, 0), (3, 20)]);
        assert_eq!(corner[0], [(0, 0), (3, 0), (3, 3)]);
        assert_eq!(corner[1], [(3, 7), (3, 13)]);
        assert!(of(&[]).is_empty() && of(&[(1, 1)]).is_empty());
    }
}
