//! Growth of the time of a step with batch and width, as a page.

use super::{
    chart::{Axis, Lines, Point, Series},
    lab::About,
    page::{Page, Section, Table},
    profile::conditions,
};
use std::collections::BTreeSet;
use wgrad::Result;
use wgrad_lab::growth::{Cell, Growth};

/// Returns a number of a size, with the ends of its band.
type Figure = fn(&Cell) -> (Option<f64>, Option<(f64, f64)>);

/// Creates the page of one or more networks.
///
/// # Errors
/// The errors of [`Table::of`].
pub fn grown(about: &About, networks: &[Growth]) -> Result<Page> {
    let mut page = about.page("How the time of a step grows");
    if let Some(first) = networks.first() {
        page = conditions(page, &first.conditions);
    }
    for growth in networks {
        page = page.section(section(growth)?);
    }
    Ok(page)
}

fn section(growth: &Growth) -> Result<Section> {
    let network = &growth.conditions.network;
    let widths: BTreeSet<usize> = growth.cells.iter().map(|cell| cell.width).collect();
    let axis = |label: &str, unit: &str| Axis {
        label: label.to_string(),
        unit: unit.to_string(),
        log: true,
        ..Axis::default()
    };
    let chart = |title: &str, y: Axis, of: Figure| {
        let points = |width: usize| {
            let cells = growth.cells.iter().filter(move |cell| cell.width == width);
            cells.filter_map(|cell| {
                let (y, band) = of(cell);
                Some(Point { x: cell.batch as f64, y: y?, band })
            })
        };
        let series = widths
            .iter()
            .map(|width| Series { name: format!("width ×{width}"), points: points(*width).collect() });
        Lines {
            title: title.to_string(),
            x: axis("batch", "images"),
            y,
            series: series.collect(),
            ..Lines::default()
        }
        .svg()
    };
    let [time, rate] = [format!("Time of a step of {network}"), format!("Rate of {network}")];
    let times = chart(&time, axis("time of a step", "ms"), |cell| {
        let band = cell.seconds_min.zip(cell.seconds_max).map(|(low, high)| (1e3 * low, 1e3 * high));
        (cell.seconds.map(|seconds| 1e3 * seconds), band)
    });
    let rates = chart(&rate, axis("rate", "GFLOP/s"), |cell| (cell.gflops, None));
    let section = Section::new(network)
        .words("Bands reach from the fastest round to the slowest. Where the adapter is full, time is proportional to the batch.")
        .chart(&time, times)
        .chart(&rate, rates)
        .table(Table::of(&format!("Every size of {network}"), &growth.cells)?);
    match growth.fits.is_empty() {
        true => Ok(section),
        false => {
            Ok(section.table(Table::of("Fixed cost of a step: seconds = fixed + work / rate", &growth.fits)?))
        }
    }
}
