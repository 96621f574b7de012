//! Errors of a regression: the metrics, predicted over actual, the residuals, and the rows with the largest errors.

use super::{Details, Recorded, heading};
use crate::{
    chart::{Axis, Reference, Scatter},
    page::{Cell, Section, Table},
};
use wgrad::{
    evaluate::Formula,
    metrics::Regression,
    words::{commas, measure},
};

/// Rows of the table.
const FARTHEST: usize = 12;

/// A row or an image: its index, its label, its prediction.
struct Estimate {
    index: usize,
    actual: f64,
    predicted: f64,
}

impl Estimate {
    fn residual(&self) -> f64 {
        self.predicted - self.actual
    }
}

pub(super) fn section(run: &Recorded, details: &Details<'_>, found: Regression) -> Section {
    let Details { data, evaluation, which, .. } = details;
    let (things, loss) = (data.things(), evaluation.metrics.loss);
    let r2 = found.r2.map_or("– (all labels are the same)".to_string(), |r2| format!("{r2:.4}"));
    let label = data.table.as_ref().map_or("label", |table| table.label.name.as_str());
    let words = format!(
        "{which}: RMSE {}, mean absolute error {}, R² {r2}, loss {loss:.4} on {} test {things}. RMSE and mean absolute error \
         are in the unit of {label}; R² is the share of its variance that is explained: 0 is no better than always predicting \
         the mean.",
        measure(found.root_mean_squared_error),
        measure(found.mean_absolute_error),
        commas(evaluation.metrics.images)
    );
    let mut section = heading("Errors of the predictions", &words);
    let formula = data.table.as_ref();
    let formula = formula.and_then(|table| {
        Formula::of(&run.config.model, &run.config.data.input, table, &details.weights.weights)
    });
    if let Some(formula) = formula {
        section = section.words(&format!("The network computes {formula}."));
    }
    let estimates = estimates(details);
    let axis = |label: String| Axis { label, ..Axis::default() };
    let predicted = Scatter {
        title: "Predicted over actual".into(),
        x: axis(format!("actual {label}")),
        y: axis(format!("predicted {label}")),
        name: format!("test {things}"),
        points: estimates.iter().map(|one| (one.actual, one.predicted)).collect(),
        reference: Reference::Equal,
        expected: "predicted = actual".into(),
    };
    let residuals = Scatter {
        title: "Residuals over predicted".into(),
        x: axis(format!("predicted {label}")),
        y: axis("predicted - actual".into()),
        name: format!("test {things}"),
        points: estimates.iter().map(|one| (one.predicted, one.residual())).collect(),
        reference: Reference::Zero,
        expected: "no error".into(),
    };
    section
        .chart(&predicted.title.clone(), predicted.svg())
        .words(
            "Residuals should lie evenly around zero. A bend shows that the network misses a curve, a fan that its errors \
             grow with the prediction.",
        )
        .chart(&residuals.title.clone(), residuals.svg())
        .table(farthest(estimates, things))
}

fn estimates(details: &Details<'_>) -> Vec<Estimate> {
    let one = |prediction: &wgrad::evaluate::Prediction| {
        let label = *details.data.test.labels.get(prediction.image)?;
        let (actual, predicted) = (details.data.number(label), f64::from(*prediction.scores.first()?));
        Some(Estimate { index: prediction.image, actual, predicted })
    };
    details.evaluation.predictions.iter().filter_map(one).collect()
}

fn farthest(mut estimates: Vec<Estimate>, things: &str) -> Table {
    let thing = things.trim_end_matches('s');
    let number = format!("test {thing}");
    let columns = [(number.as_str(), true), ("actual", true), ("predicted", true), ("off by", true)];
    let mut table = Table::new("Farthest off", &columns);
    estimates.sort_by(|a, b| b.residual().abs().total_cmp(&a.residual().abs()).then(a.index.cmp(&b.index)));
    for one in estimates.into_iter().take(FARTHEST) {
        let index = Cell::number(Some(one.index as f64), |n| commas(n as u64));
        let numbers = [one.actual, one.predicted, one.residual()].map(|v| Cell::number(Some(v), measure));
        table.row([index].into_iter().chain(numbers).collect(), false);
    }
    table
}
