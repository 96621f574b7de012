//! Norms of the tensors of a network over the epochs, and dead units.

use super::{Details, Recorded, curves::thinned};
use crate::{
    chart::{Axis, Lines, Point, Series},
    page::{Cell, Section, Table},
};
use wgrad::{model::LayerSummary, train::TensorNorms};

/// Maximum curves of one chart: the number of colours.
const CURVES: usize = 7;

pub(super) fn section(run: &Recorded, details: Option<&Details<'_>>) -> Option<Section> {
    let dead = details.map(|details| dead(run, details));
    if run.layers.is_empty() && dead.is_none() {
        return None;
    }
    let mut section = Section::new("Layers during the training");
    if run.layers.is_empty() {
        section = section.words("This run has no layers.jsonl: it was trained by an older version.");
    } else {
        section = section.words(
            "Norms are Euclidean. The gradient is that of the epoch's last step. Where the change falls to nothing while the \
             loss is high, a layer no longer learns; where it does not fall at all, the learning rate may be too high.",
        );
    }
    type Number = fn(&TensorNorms) -> Option<f64>;
    let numbers: [(&str, &str, Number); 3] = [
        ("Norm of the weights", "norm of the weights", |tensor| Some(tensor.weights)),
        ("Norm of the gradient", "norm of the gradient", |tensor| tensor.gradient),
        ("Change over an epoch, of the weights", "change / weights", |tensor| {
            tensor.change.filter(|_| tensor.weights > 0.0).map(|change| change / tensor.weights)
        }),
    ];
    let names = kernels(run);
    for (title, label, number) in numbers {
        for (n, names) in names.chunks(CURVES).enumerate() {
            let title = if n == 0 { title.to_string() } else { format!("{title} ({})", n + 1) };
            let series =
                names.iter().map(|name| Series { name: name.clone(), points: points(run, name, number) });
            let lines = Lines {
                title: title.clone(),
                x: Axis { label: "epoch".into(), whole: true, ..Axis::default() },
                y: Axis { label: label.into(), log: true, ..Axis::default() },
                series: series.collect(),
                ..Lines::default()
            };
            section = section.chart(&title, lines.svg());
        }
    }
    Some(match dead {
        Some((words, table)) => section.words(&words).table(table),
        None => section,
    })
}

/// Returns the names of the tensors to draw: the kernels, or all if there are none.
fn kernels(run: &Recorded) -> Vec<String> {
    let all: Vec<String> =
        run.layers.last().into_iter().flat_map(|line| &line.tensors).map(|t| t.name.clone()).collect();
    let kernels: Vec<String> = all.iter().filter(|name| name.contains("kernel")).cloned().collect();
    if kernels.is_empty() { all } else { kernels }
}

fn points(run: &Recorded, name: &str, number: fn(&TensorNorms) -> Option<f64>) -> Vec<Point> {
    let point = |line: &wgrad_run::LayersLine| {
        let tensor = line.tensors.iter().find(|tensor| tensor.name == name)?;
        Some(Point { x: line.epoch as f64, y: number(tensor)?, band: None })
    };
    thinned(&run.layers).filter_map(point).collect()
}

/// Lists the dead units of layers that compute something new: layers that only pass values on would count them again.
fn dead(run: &Recorded, details: &Details<'_>) -> (String, Table) {
    let (found, images) = &details.dead;
    let things = details.data.things();
    let computes = |layer: &LayerSummary| layer.parameters > 0 || layer.kind.contains("Activation");
    let layers: Vec<LayerSummary> = run.config.model.summary().unwrap_or_default();
    let layers: Vec<&str> =
        layers.iter().filter(|layer| computes(layer)).map(|layer| layer.name.as_str()).collect();
    let found: Vec<_> = found.iter().filter(|layer| layers.contains(&layer.layer.as_str())).collect();
    let all: usize = found.iter().map(|layer| layer.dead.len()).sum();
    let words = format!(
        "Dead units give the same number at every place of the first {images} test {things}, which is zero after a ReLU, and \
         no longer learn. This network has {}.",
        if all == 0 { "none".to_string() } else { all.to_string() }
    );
    let mut table =
        Table::new("Dead units", &[("layer", false), ("units", true), ("dead", true), ("which", false)]);
    for layer in &found {
        let which: Vec<String> = layer.dead.iter().take(20).map(ToString::to_string).collect();
        let more = if layer.dead.len() > 20 { ", …" } else { "" };
        let count = |n: usize| Cell::number(Some(n as f64), |n| n.to_string());
        let cells = vec![
            Cell::text(&layer.layer),
            count(layer.units),
            count(layer.dead.len()),
            Cell::text(format!("{}{more}", which.join(", "))),
        ];
        table.row(cells, false);
    }
    (words, table)
}
