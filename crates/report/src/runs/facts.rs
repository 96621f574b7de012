//! Sections on the outcome in words and tables, the network, the settings and the machine.

use super::{Details, Recorded, things};
use crate::{
    chart::Network as Graph,
    page::{Cell, Section, Table},
};
use wgrad::{
    Result,
    evaluate::Interval,
    gpu::AdapterRecord,
    loss::Loss,
    words::{commas, measure},
};
use wgrad_run::{Chance, Outcome};

pub(super) fn summary(runs: &[Recorded], details: Option<&Details<'_>>) -> Section {
    let mut section = Section::new("Summary");
    let outcome = |run: &Recorded| {
        let own = details.filter(|details| details.data.digest == run.config.data.digest);
        Outcome::of(&run.lines, &run.config, own.and_then(|details| Chance::of(details.data)))
    };
    for run in runs {
        let words = match outcome(run) {
            Some(found) => format!("{}: {}; {}.", run.name, best(run, &found), found.words(&run.config)),
            None => format!("{}: no epoch has ended yet.", run.name),
        };
        section = section.words(&words);
    }
    if let (Some(first), Some(_), true) = (runs.first(), details, runs.len() > 1) {
        section = section
            .words(&format!("The sections after the curves show {}, the first run named.", first.name));
    }
    section.table(table(runs, details, outcome))
}

/// Describes the best epoch of a run: its results, and the criterion of its choice.
fn best(run: &Recorded, found: &Outcome) -> String {
    let (line, errors) = (found.best, found.best.errors);
    let loss = run.config.model.loss().unwrap_or(Loss::SoftmaxCrossEntropy);
    let validation = line.validation_loss.is_some();
    let reached = match (loss.is_regression(), errors.test_rmse) {
        (false, _) => format!("test accuracy {:.4} and loss {:.4}", line.test_accuracy, line.test_loss),
        (true, None) => format!("test loss {:.4}", line.test_loss),
        (true, Some(rmse)) => {
            let r2 = errors.test_r2.map_or(String::new(), |r2| format!(", R² {r2:.4}"));
            format!("test RMSE {}{r2} and loss {:.4}", measure(rmse), line.test_loss)
        }
    };
    let decides = run.config.options.callbacks.decides(validation, loss);
    let chosen = match validation {
        true => String::new(),
        false => format!(
            " (chosen on these same {}, so it looks a little better than it is)",
            run.config.data.things()
        ),
    };
    format!("best after epoch {} by {decides}, {reached}{chosen}", line.epoch)
}

fn table(
    runs: &[Recorded],
    details: Option<&Details<'_>>,
    outcome: impl Fn(&Recorded) -> Option<Outcome>,
) -> Table {
    let regression = |run: &Recorded| run.config.model.loss().is_ok_and(Loss::is_regression);
    let (numbers, classes) = (runs.iter().any(regression), !runs.iter().all(regression));
    let speed_name = format!("{}/s, mean", things(runs));
    let mut columns =
        vec![("run", false), ("network", false), ("seed", true), ("epochs", true), ("best epoch", true)];
    if classes {
        columns.extend([("test accuracy, %", true), ("±", true)]);
    }
    if numbers {
        columns.extend([("test RMSE", true), ("test R²", true)]);
    }
    columns.extend([("test loss", true), ("last train loss", true), (speed_name.as_str(), true)]);
    let mut table = Table::new("Runs, with the weights of their best epoch", &columns);
    for run in runs {
        let found = outcome(run);
        let number = |value: Option<f64>, digits: usize| Cell::number(value, |v| format!("{v:.digits$}"));
        let accuracy = found.map(|found| found.best.test_accuracy).filter(|_| !regression(run));
        let interval = accuracy
            .zip(images(run, details))
            .and_then(|(share, n)| Interval::of((share * n as f64).round() as u64, n));
        let speed =
            run.lines.iter().map(|line| line.images_per_second).sum::<f64>() / run.lines.len().max(1) as f64;
        let mut cells = vec![
            Cell::text(&run.name),
            Cell::text(&run.config.model.name),
            number(Some(run.config.options.seed as f64), 0),
            number(Some(run.lines.len() as f64), 0),
            number(found.map(|found| found.best.epoch as f64), 0),
        ];
        if classes {
            cells.push(number(accuracy.map(|share| 100.0 * share), 2));
            cells.push(number(interval.map(|interval| 100.0 * interval.half()), 2));
        }
        if numbers {
            cells.push(Cell::number(found.and_then(|found| found.best.errors.test_rmse), measure));
            cells.push(number(found.and_then(|found| found.best.errors.test_r2), 4));
        }
        cells.extend([
            number(found.map(|found| found.best.test_loss), 4),
            number(found.map(|found| found.last.train_loss), 4),
            Cell::number((speed > 0.0).then_some(speed), |v| commas(v.round() as u64)),
        ]);
        table.row(cells, false);
    }
    table
}

/// Returns the number of test images of a run, if `details` has its data.
fn images(run: &Recorded, details: Option<&Details<'_>>) -> Option<u64> {
    let data = details?.data;
    (data.digest == run.config.data.digest).then_some(data.test.len() as u64)
}

pub(super) fn epochs(run: &Recorded) -> Result<Section> {
    Ok(Section::new("Epochs").table(Table::of(&format!("Every epoch of {}", run.name), &run.lines)?))
}

pub(super) fn network(run: &Recorded) -> Result<Section> {
    let model = &run.config.model;
    let columns =
        [("layer", false), ("kind", false), ("output", false), ("parameters", true), ("takes", false)];
    let mut table = Table::new("Layers", &columns);
    let summary = model.summary()?;
    for layer in &summary {
        let shape: Vec<String> = layer.output.iter().map(ToString::to_string).collect();
        let parameters = Cell::number(Some(layer.parameters as f64), |n| commas(n as u64));
        let cells = vec![
            Cell::text(&layer.name),
            Cell::text(layer.kind),
            Cell::text(shape.join("×")),
            parameters,
            Cell::text(layer.inputs.join(", ")),
        ];
        table.row(cells, false);
    }
    let parameters: usize = summary.iter().map(|layer| layer.parameters).sum();
    let words = format!(
        "{}: {} layers, {} parameters, loss {}.",
        model.name,
        summary.len(),
        commas(parameters as u64),
        model.loss()?
    );
    let graph = Graph { name: &model.name, input: model.input_shape, layers: &summary }.svg();
    Ok(Section::new("Network")
        .words(&words)
        .chart("The layers, from the input to the output", graph)
        .table(table))
}

pub(super) fn settings(run: &Recorded) -> Section {
    let config = &run.config;
    let mut table =
        Table::new(&format!("Settings and machine of {}", run.name), &[("setting", false), ("is", false)]);
    let AdapterRecord { name, backend, driver, class } = &config.adapter;
    let mut rows: Vec<(String, String)> = vec![
        ("adapter".into(), format!("{name} ({backend}, {class})")),
        ("driver".into(), driver.clone()),
        ("trained by wgrad".into(), config.version.clone()),
        ("data".into(), format!("{} ({})", config.data.name, config.data.spec)),
        ("digest of the data".into(), config.data.digest.clone()),
    ];
    let limits = [
        ("limit", config.data.limit.map(|n| n.to_string())),
        ("validation", config.data.validation.map(|v| v.to_string())),
    ];
    rows.extend(limits.into_iter().filter_map(|(name, is)| Some((name.to_string(), is?))));
    if let Some(init) = &config.init {
        rows.push(("init".into(), init.display().to_string()));
    }
    if let Ok(serde_json::Value::Object(options)) = serde_json::to_value(&config.options) {
        rows.extend(options.into_iter().map(|(name, value)| match value {
            serde_json::Value::String(text) => (name, text),
            value => (name, value.to_string()),
        }));
    }
    rows.push(("kernels of a step".into(), config.kernels.join(", ")));
    for (name, is) in rows {
        table.row(vec![Cell::text(name), Cell::text(is)], false);
    }
    Section::new("Settings and machine").table(table)
}
