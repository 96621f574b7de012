//! The library's own charts as SVG, for notebooks.

#[cfg(feature = "charts")]
pub use drawn::{curves, dark_style, drawing};
#[cfg(not(feature = "charts"))]
pub use missing::{curves, dark_style, drawing};

/// A curve: its name, and its points.
type Curve = (String, Vec<(f64, f64)>);

#[cfg(feature = "charts")]
mod drawn {
    use super::Curve;
    use crate::{errors::Failure, network::Network};
    use pyo3::prelude::*;
    use wgrad_report::chart::{self, Axis, Lines, Point, Series};

    /// Curves over epochs as SVG; `label` names the numbers.
    #[pyfunction]
    pub fn curves(title: String, label: String, curves: Vec<Curve>) -> PyResult<String> {
        let series = |(name, points): Curve| Series {
            name,
            points: points.into_iter().map(|(x, y)| Point { x, y, band: None }).collect(),
        };
        let axis = |label: String, whole| Axis { label, whole, ..Axis::default() };
        let series = curves.into_iter().map(series).collect();
        let (x, y) = (axis("epoch".into(), true), axis(label, false));
        Ok(Lines { title, x, y, series, ..Lines::default() }.svg().to_string())
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
    pub fn dark_style() -> PyResult<String> {
        Ok(chart::style())
    }
}

#[cfg(not(feature = "charts"))]
mod missing {
    use super::Curve;
    use crate::network::Network;
    use pyo3::{exceptions::PyRuntimeError, prelude::*};

    fn missing<T>() -> PyResult<T> {
        Err(PyRuntimeError::new_err(
            "this package was built without charts; build it with its feature `charts`",
        ))
    }

    /// Says that charts are not in this package.
    #[pyfunction]
    pub fn curves(title: String, label: String, curves: Vec<Curve>) -> PyResult<String> {
        drop((title, label, curves));
        missing()
    }

    /// Says that charts are not in this package.
    #[pyfunction]
    pub fn drawing(network: &Network) -> PyResult<String> {
        let _unused = network;
        missing()
    }

    /// Says that charts are not in this package.
    #[pyfunction]
    pub fn dark_style() -> PyResult<String> {
        missing()
    }
}
