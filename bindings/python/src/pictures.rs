//! The library's own charts as SVG, for notebooks.

use crate::{errors::Failure, network::Network};
use pyo3::prelude::*;
use wgrad_report::chart::{self, Axis, Lines, Point, Series};

/// A curve: its name, and its points.
type Curve = (String, Vec<(f64, f64)>);

/// Curves over epochs as SVG; `label` names the numbers.
#[pyfunction]
pub fn curves(title: String, label: String, curves: Vec<Curve>) -> String {
    let series = |(name, points): Curve| Series {
        name,
        points: points.into_iter().map(|(x, y)| Point { x, y, band: None }).collect(),
    };
    let axis = |label: String| Axis { label, unit: String::new(), log: false };
    let series = curves.into_iter().map(series).collect();
    Lines { title, x: axis("epochs".into()), y: axis(label), series }.svg().to_string()
}

/// A drawing of the network as SVG: a box for each layer.
#[pyfunction]
pub fn drawing(network: &Network) -> PyResult<String> {
    let model = &network.loaded.model;
    let layers = model.summary().map_err(Failure::from)?;
    let drawn = chart::Network { name: &model.name, input: model.input_shape, layers: &layers };
    Ok(drawn.svg().to_string())
}

/// Rules of CSS that turn these charts dark, for a page that is dark.
#[pyfunction]
pub fn dark_style() -> String {
    chart::style()
}
