//! The rows of a one-channel image as a sequence.

use super::{Axis, Flow, Said, network::Network};
use wgrad::layers::Reshape;

/// Converts a one-channel image whose last axis was dropped to the sequence of its rows.
pub(super) fn of_image(network: &mut Network, x: &Flow, name: &str) -> Said<Flow> {
    let image = x.shape.len() == 3 && x.shape[2] == 1;
    let rows: Vec<Axis> = x.axes.iter().copied().filter(|axis| *axis != Axis::Of(3)).collect();
    if !image || rows.len() != 3 || rows.iter().any(|axis| !matches!(axis, Axis::Of(_))) {
        return Ok(x.clone());
    }
    rows_of(network, x, rows, name)
}

/// Turns the rows of a one-channel image into a sequence, by one layer for all that take them; `axes` are the file's axes of
/// it.
fn rows_of(network: &mut Network, x: &Flow, axes: Vec<Axis>, name: &str) -> Said<Flow> {
    let target = [x.shape[0], x.shape[1]];
    let make = |name| Reshape { name, ..Reshape::new(&target.map(|n| n as i64)) }.into();
    let name = network.add(&format!("{name}_rows"), std::slice::from_ref(&x.layer), make, Vec::new());
    let name = network.first_alike(Some(&name)).unwrap_or(name);
    Ok(Flow { axes, ..x.through(&name, &target) })
}
