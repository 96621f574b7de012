//! The only evaluation code: a pass over a split that sums the device's counts and, on request, collects the prediction
//! for each image.

use super::{
    Evaluation, Prediction,
    views::{Form, Verdict, mirror},
};
use crate::{
    Error, Result,
    compiled::CompiledModel,
    data::{
        Dataset, Split,
        stream::{Cut, Order},
    },
    feed::Step,
    loss::Loss,
    metrics::{Metrics, Regression, RunningMetrics, StepResult},
    team::Team,
    visit::{Part, Visit, Visited, Visitor},
};
use std::{collections::VecDeque, ops::ControlFlow};

/// Settings of an evaluation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judging<'f> {
    /// The outputs.
    pub form: &'f Form,
    /// The loss, which defines the outputs.
    pub loss: Loss,
    /// True if the outputs are read back, for the confusion matrix, the errors of a regression and the scores.
    pub outputs: bool,
    /// True if the prediction of an image is the mean of the predictions for it and its mirror image.
    pub mirrored: bool,
    /// True if an output that is not finite is an error.
    pub finite: bool,
}

/// Evaluates `model`, compiled in [`crate::program::Mode::Evaluate`], on `split` of `data`, with the `weights` of its
/// images. `each` gets the images of every step and the metrics so far; if it breaks, the result is `None`.
pub(crate) async fn judge(
    visitor: &mut Visitor,
    model: &CompiledModel,
    (data, split, weights): (&Dataset, &Split, Option<&[f32]>),
    budget: usize,
    judging: Judging<'_>,
    mut each: impl FnMut(&Visited<'_>, Metrics) -> ControlFlow<()>,
) -> Result<Option<Evaluation>> {
    let batch = model.plan.program.batch;
    let step = |(slot, part): (usize, &Part)| Step {
        first: part.rows.first,
        rows: part.rows.rows,
        slot: slot as u32,
        ..Step::default()
    };
    let mirrors = |images: &[u8]| mirror(images, data);
    let visit = Visit {
        split,
        order: Order::File,
        // Each rank of a team computes a batch of the plan.
        cut: Cut {
            batch: batch * visitor.team.as_ref().map_or(1, Team::size),
            pixels: data.pixels(),
            budget,
        },
        at_once: batch,
        span: 0..u64::MAX,
        steps: &|parts, _| parts.iter().enumerate().map(step).collect(),
        outputs: judging.outputs,
        second: if judging.mirrored { Some(&mirrors) } else { None },
        weights,
    };
    let mut found = Found::new(data, split, judging);
    let flow = visitor
        .visit(model, visit, |visited| {
            found.take(visited)?;
            Ok(each(visited, found.total.metrics()))
        })
        .await?;
    Ok(match flow {
        ControlFlow::Continue(()) => Some(found.evaluation()),
        ControlFlow::Break(()) => None,
    })
}

/// Results so far.
struct Found<'f> {
    data: &'f Dataset,
    judging: Judging<'f>,
    total: RunningMetrics,
    confusion: Vec<Vec<u64>>,
    /// Labels and predictions of a regression.
    pairs: Vec<(f64, f64)>,
    predictions: Vec<Prediction>,
    /// Outputs of first views whose second views are still to come.
    first: VecDeque<Vec<f32>>,
}

impl<'f> Found<'f> {
    fn new(data: &'f Dataset, split: &Split, judging: Judging<'f>) -> Self {
        let classes = match judging.outputs && !judging.loss.is_regression() && split.each == 1 {
            true => data.classes.len(),
            false => 0,
        };
        let predictions = Vec::with_capacity(if judging.outputs { split.len() } else { 0 });
        Self {
            data,
            judging,
            total: RunningMetrics::default(),
            confusion: vec![vec![0; classes]; classes],
            pairs: Vec::new(),
            predictions,
            first: VecDeque::new(),
        }
    }

    /// Adds the images of a step.
    fn take(&mut self, visited: &Visited<'_>) -> Result<()> {
        let Judging { outputs, mirrored, .. } = self.judging;
        match (outputs, mirrored, visited.second) {
            (true, true, false) => self.first.push_back(visited.outputs.to_vec()),
            (true, true, true) => {
                let first = self.first.pop_front().unwrap_or_default();
                // The device counted each view separately.
                let means = self.rows(visited, &[&first, visited.outputs])?;
                self.total.count(&means);
            }
            (true, false, _) => {
                self.rows(visited, &[visited.outputs])?;
                self.total.count(&visited.result);
            }
            // The device's counts equal, to the bit, those that a run recorded.
            (false, ..) => self.total.count(&visited.result),
        }
        Ok(())
    }

    /// Adds the prediction for each image, computed from the outputs of each view. Returns their losses and hits.
    fn rows(&mut self, visited: &Visited<'_>, views: &[&[f32]]) -> Result<StepResult> {
        let (data, loss) = (self.data, self.judging.loss);
        if visited.places() > 1 {
            self.several(visited)?;
            return Ok(visited.result);
        }
        let width = visited.outputs.len() / visited.labels.len().max(1);
        // The numbers of a table are standardised only for the network.
        let in_its_unit = |number| data.table.as_ref().map_or(number, |table| table.number(number));
        let mut means = StepResult { rows: visited.labels.len() as u32, ..StepResult::default() };
        for (row, label) in visited.labels.iter().enumerate() {
            let number = data.input.number(*label);
            let views = views.iter().filter_map(|outputs| outputs.chunks_exact(width.max(1)).nth(row));
            let verdict = Verdict::of(loss, views, number);
            let image = visited.which.get(row).map_or(0, |index| *index as usize);
            if self.judging.finite
                && let Some(score) = verdict.scores.iter().find(|score| !score.is_finite())
            {
                return Err(not_finite(data, image, *score));
            }
            means.loss_sum += verdict.loss;
            means.hits += f64::from(u8::from(verdict.right));
            match self.confusion.get_mut(*label as usize) {
                Some(row) => row[verdict.class] += 1,
                None => self.pairs.push((in_its_unit(number), in_its_unit(verdict.number))),
            }
            self.predictions.push(match loss.is_regression() {
                true => Prediction { image, class: 0, scores: vec![in_its_unit(verdict.number) as f32] },
                false => {
                    let scores = verdict.scores.iter().map(|score| *score as f32).collect();
                    Prediction { image, class: verdict.class, scores }
                }
            });
        }
        Ok(means)
    }

    /// Adds the outputs for each image of a network that predicts several places of it.
    fn several(&mut self, visited: &Visited<'_>) -> Result<()> {
        let width = visited.outputs.len() / visited.which.len().max(1);
        for (row, outputs) in visited.outputs.chunks_exact(width.max(1)).enumerate() {
            let image = visited.which.get(row).map_or(0, |index| *index as usize);
            let scores = self.judging.form.predicted(outputs);
            if self.judging.finite
                && let Some(score) = scores.iter().find(|score| !score.is_finite())
            {
                return Err(not_finite(self.data, image, f64::from(*score)));
            }
            self.predictions.push(Prediction { image, class: 0, scores });
        }
        Ok(())
    }

    fn evaluation(self) -> Evaluation {
        let Judging { loss, outputs, .. } = self.judging;
        let regression =
            (outputs && loss.is_regression() && !self.pairs.is_empty()).then(|| Regression::of(&self.pairs));
        let Self { total, confusion, predictions, .. } = self;
        Evaluation { metrics: total.metrics(), confusion, regression, predictions }
    }
}

/// The error for an output that is not finite.
fn not_finite(data: &Dataset, image: usize, score: f64) -> Error {
    let message = format!(
        "{} {image} (from 0) of this part makes the network's output {score}, expected a finite number; its values are \
         too far from those of the training: correct them, or leave it out",
        if data.table.is_some() { "row" } else { "image" }
    );
    Error::Dataset { data: data.name.clone(), message }
}
