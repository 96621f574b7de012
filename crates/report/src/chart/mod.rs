//! Charts as SVG, and as PNG (`Svg::png`): plain names and numbers in, one string out. Each has `role="img"`, a title and a description with
//! every name and number for those who do not see it, colours that a colour-blind reader can tell apart, and no text
//! that is cut or covers another: long names are broken into lines, and shortened in the middle where even that
//! does not do. Colours are fixed, so that a chart can stand alone; [`style`](crate::chart::style) restyles them for dark pages.
//!
//! Numbers that are no numbers (NaN, infinite, or not positive on a logarithmic axis) are left out of the drawing,
//! never of the description. Leaves out interaction and animation. [`crate::page`] puts charts on a page.

/// Bars with error bars, a row each.
mod bars;
/// What is drawn on.
mod canvas;
/// Several bars for each row.
mod grouped;
/// Cells coloured by their numbers.
mod heat_map;
/// Names of colours with their lines or bars.
mod legend;
/// Curves over an axis.
mod lines;
/// The same curves of many things, a panel each.
mod panels;
/// Charts as PNG.
mod png;
/// Networks as graphs.
mod network;
/// Colours for light and dark pages.
mod palette;
/// GFLOP/s over FLOP/byte.
mod roofline;
/// From numbers to pixels.
mod scale;
/// Points over two axes.
mod scatter;
/// How much room a text takes.
mod text;

pub use bars::{Bar, Bars, Outcome};
pub use canvas::Svg;
pub use grouped::{Group, Grouped};
pub use heat_map::{Cell, HeatMap};
pub use lines::{Axis, Lines, Point, Series};
pub use network::Network;
pub(crate) use palette::DARK_PAGE;
pub use palette::style;
pub use panels::{Curve, Panel, Panels};
pub use roofline::{Roofline, Spot};
pub use scatter::{Reference, Scatter};
pub use text::figure;

/// Width of a chart, pixels; heat maps of many columns are wider.
const WIDTH: i32 = 680;
/// Width of a chart for a small screen.
const NARROW: i32 = 360;
/// Space around it.
const MARGIN: i32 = 12;
/// Size of names, pixels.
const LARGE: i32 = 15;
/// Size of figures at axes and of notes.
const SMALL: i32 = 13;
/// From one line of text to the next.
const LINE: i32 = 19;

/// A number with its unit, if there is one.
fn with_unit(value: f64, unit: &str) -> String {
    if unit.is_empty() { figure(value) } else { format!("{} {unit}", figure(value)) }
}

/// What an axis says of itself: its name with the unit behind it.
fn axis_words(label: &str, unit: &str) -> String {
    if unit.is_empty() { label.to_string() } else { format!("{label} ({unit})") }
}
