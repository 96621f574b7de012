//! Charts as SVG, and as PNG (`Svg::png`), from plain names and numbers. Each chart has `role="img"`, a title, and a
//! description with every name and number for readers who cannot see it. Colour-blind readers can distinguish the
//! colours. No text is clipped or covers another: long names are broken into lines, and if necessary shortened in the
//! middle. Colours are fixed, so that a chart can stand alone; [`style`](crate::chart::style) restyles them for dark
//! pages.
//!
//! Values that cannot be drawn (NaN, infinite, or not positive on a logarithmic axis) are left out of the drawing, but
//! not of the description. A browser shows the numbers of a point under the pointer; there is no script.
//! [`crate::page`] puts charts on a page.

/// Bars with error bars, one per row.
mod bars;
/// The drawing surface.
mod canvas;
/// Several bars per row.
mod grouped;
/// Cells coloured by their numbers.
mod heat_map;
/// Legend of the colours of lines and bars.
mod legend;
/// Curves over an axis.
mod lines;
/// Small multiples: the same curves for many subjects, one panel each.
mod panels;
/// Charts as PNG.
mod png;
/// Networks as graphs.
mod network;
/// Colours for light and dark pages.
mod palette;
/// GFLOP/s over FLOP/byte.
mod roofline;
/// Scales from numbers to pixels.
mod scale;
/// Points over two axes.
mod scatter;
/// Width and wrapping of texts.
mod text;

pub use bars::{Bar, Bars, Outcome};
pub use canvas::Svg;
pub(crate) use canvas::{Anchor, draw};
pub use grouped::{Group, Grouped};
pub use heat_map::{Cell, HeatMap};
pub use lines::{Axis, Lines, Mark, Point, Series};
pub use network::Network;
pub use palette::style;
pub(crate) use palette::{DARK_PAGE, TEXT};
pub use panels::{Curve, Panel, Panels};
pub use roofline::{Roofline, Spot};
pub use scatter::{Reference, Scatter};
pub use text::figure;
pub(crate) use text::width;

/// Width of a chart, pixels; heat maps of many columns are wider.
const WIDTH: i32 = 680;
/// Width of a chart for a small screen.
const NARROW: i32 = 360;
/// Margin around a chart.
pub(crate) const MARGIN: i32 = 12;
/// Size of names, pixels.
pub(crate) const LARGE: i32 = 15;
/// Size of figures at axes and of notes.
pub(crate) const SMALL: i32 = 13;
/// Distance from one line of text to the next.
pub(crate) const LINE: i32 = 19;

/// Formats a number with its unit, if there is one.
fn with_unit(value: f64, unit: &str) -> String {
    if unit.is_empty() { figure(value) } else { format!("{} {unit}", figure(value)) }
}

/// Formats the label of an axis: its name, with the unit in brackets.
fn axis_words(label: &str, unit: &str) -> String {
    if unit.is_empty() { label.to_string() } else { format!("{label} ({unit})") }
}
