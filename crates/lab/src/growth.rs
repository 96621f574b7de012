//! Growth of the time of a training step with the batch and the width of a network, and the fixed cost of a step. Sizes
//! take turns; sizes beyond the adapter or the time are reported as skipped.

use crate::measurement::{Conditions, Spread};
use serde::Serialize;
use std::{ops::ControlFlow, sync::Arc};
use wgrad::{
    Error, Result, clock,
    data::Dataset,
    gpu::Context,
    layers::Layer,
    model::Model,
    observe::Recorder,
    program::Mode,
    train::{Options, Trainer},
};

/// Bytes of images uploaded at once: small, because each turn begins with a chunk.
const BUDGET: usize = 4 << 20;
/// Seconds of a turn's warm-up, in which the loop learns how much to submit at once.
const WARM_UP: f64 = 0.1;
/// Maximum steps of a turn.
const MOST: u64 = 1024;
/// Share of the time that the first round may take; it also compiles.
const FIRST: f64 = 0.7;

/// Request to measure growth.
#[derive(Clone, Debug)]
pub struct Request {
    /// Batch sizes.
    pub batches: Vec<usize>,
    /// Factors for hidden units and filters.
    pub widths: Vec<usize>,
    /// Total time, seconds.
    pub seconds: f64,
    /// Turns of each size, if time allows.
    pub rounds: usize,
    /// Everything else: variants, seed.
    pub options: Options,
}

/// One batch size and width.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Images per step.
    pub batch: usize,
    /// Factor for hidden units and filters.
    pub width: usize,
    /// Number of trained parameters.
    pub parameters: usize,
    /// Floating point operations of a step, 10⁹.
    pub gflop: f64,
    /// Seconds per step: median over the rounds.
    pub seconds: Option<f64>,
    /// The fastest round.
    pub seconds_min: Option<f64>,
    /// The slowest.
    pub seconds_max: Option<f64>,
    /// Number of measured rounds.
    pub rounds: usize,
    /// Median rate, images per second.
    pub images_per_second: Option<f64>,
    /// Median rate, 10⁹ floating point operations per second.
    pub gflops: Option<f64>,
    /// Rate as a share of the largest rate of all sizes.
    pub share_of_best: Option<f64>,
    /// Reason why it was not measured.
    pub skipped: Option<String>,
    /// Seconds per step, round by round.
    #[serde(skip)]
    samples: Vec<f64>,
}

/// The line seconds = fixed + work / rate, fitted over the batches of one width.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// The width.
    pub width: usize,
    /// Number of batches in the fit.
    pub sizes: usize,
    /// Fixed cost of a step, seconds: median of the fits of the rounds.
    pub fixed_seconds: f64,
    /// Least fixed cost of any round.
    pub fixed_seconds_min: f64,
    /// Largest fixed cost of any round.
    pub fixed_seconds_max: f64,
    /// Rate of the work beyond the fixed cost, 10⁹ floating point operations per second, from the medians.
    pub gflops: f64,
    /// Number of fits: the rounds that every size has.
    pub fits: usize,
    /// Largest relative distance of a size from the median line; if it is large, a line does not describe the sizes.
    pub misfit: f64,
}

/// The growth of one network.
#[derive(Clone, Debug, Serialize)]
pub struct Growth {
    /// Adapter, network and data; `batch` is the largest.
    pub conditions: Conditions,
    /// All sizes, width by width.
    pub cells: Vec<Cell>,
    /// Fits, width by width; a width with fewer than three measured batches has none.
    pub fits: Vec<Fit>,
}

/// Returns the model with its hidden units and filters multiplied by `factor`; the last layer that has units or filters
/// stays as it is.
pub fn widened(model: &Model, factor: usize) -> Model {
    let mut model = model.clone();
    let mut sizes: Vec<&mut usize> = model
        .layers
        .iter_mut()
        .filter_map(|layer| match layer {
            Layer::Dense(dense) => Some(&mut dense.units),
            Layer::Conv2D(conv) => Some(&mut conv.filters),
            Layer::Conv1D(conv) => Some(&mut conv.filters),
            _ => None,
        })
        .collect();
    sizes.pop();
    sizes.into_iter().for_each(|size| *size = size.saturating_mul(factor));
    model
}

/// Measures every size of `request`; `progress` receives messages about the current work.
///
/// # Errors
/// [`Error::Device`] if the device fails; [`Error::Model`] and similar errors for a network that is wrong at any size.
pub async fn measure(
    context: &Context,
    model: &Model,
    data: &Dataset,
    request: &Request,
    progress: &mut dyn FnMut(&str),
) -> Result<Growth> {
    let mut cells = cells(model, data, request)?;
    let mut order: Vec<usize> = (0..cells.len()).filter(|n| cells[*n].skipped.is_none()).collect();
    // Small sizes first: they predict the time of the next.
    order.sort_by(|a, b| cells[*a].gflop.total_cmp(&cells[*b].gflop));
    let begun = clock::seconds();
    let slice = (0.5 * request.seconds / (request.rounds * order.len()).max(1) as f64).clamp(0.005, 0.5);
    for round in 0..request.rounds {
        progress(&format!("{}: round {} of {}", model.name, round + 1, request.rounds));
        for n in &order {
            let left = request.seconds * if round == 0 { FIRST } else { 1.0 } - (clock::seconds() - begun);
            let known = cells[*n].samples.last().copied();
            // Two steps at least. The estimate of an unmeasured size scales with its work, from the nearest measured
            // size.
            let expected = known.or_else(|| expected(&cells, cells[*n].gflop)).unwrap_or(0.0);
            if left <= 2.0 * expected {
                if round == 0 {
                    cells[*n].skipped = Some(format!(
                        "no time is left: compiling and timing smaller sizes took {:.0} s, and a step of this one takes \
                         about {}; give more with `.seconds`, or fewer `.batches` and `.widths`",
                        clock::seconds() - begun,
                        if expected < 0.1 {
                            format!("{:.1} ms", 1e3 * expected)
                        } else {
                            format!("{expected:.1} s")
                        },
                    ));
                }
                continue;
            }
            if cells[*n].skipped.is_some() {
                continue;
            }
            let wide = widened(model, cells[*n].width);
            let options = Options { batch: cells[*n].batch, budget: BUDGET, ..request.options.clone() };
            match Trainer::new(context, &wide, data.clone(), options).await {
                Ok(mut trainer) => cells[*n].samples.push(turn(&mut trainer, slice, known).await?),
                Err(error @ (Error::TooLarge { .. } | Error::Variant { .. })) => {
                    cells[*n].skipped = Some(error.to_string());
                }
                Err(error) => return Err(error),
            }
            context.check()?;
        }
    }
    for cell in &mut cells {
        cell.finish();
    }
    let best = cells.iter().filter_map(|cell| cell.gflops).fold(0.0, f64::max);
    for cell in &mut cells {
        cell.share_of_best = cell.gflops.map(|rate| rate / best);
    }
    let fits = widths(&cells).into_iter().filter_map(|width| fit(&cells, width)).collect();
    let largest = request.batches.iter().copied().max().unwrap_or(0);
    Ok(Growth { conditions: Conditions::of(context, &model.name, &data.name, largest), cells, fits })
}

/// Creates a cell for every size, without measurements. Widths that do not change the network are skipped, and so are
/// batches larger than the training set.
fn cells(model: &Model, data: &Dataset, request: &Request) -> Result<Vec<Cell>> {
    let images = data.train.len();
    let mut cells = Vec::new();
    for &width in &request.widths {
        let wide = widened(model, width);
        let parameters = wide.summary()?.iter().map(|layer| layer.parameters).sum();
        for &batch in &request.batches {
            let program = wide.program(&data.input, Mode::Train, batch, 1, &request.options.optimizer)?;
            cells.push(Cell {
                batch,
                width,
                parameters,
                gflop: program.flops() / 1e9,
                seconds: None,
                seconds_min: None,
                seconds_max: None,
                rounds: 0,
                images_per_second: None,
                gflops: None,
                share_of_best: None,
                skipped: match (width > 1 && wide == *model, batch > images) {
                    (true, _) => {
                        Some("the network has no hidden layer: the width changes nothing".to_string())
                    }
                    (_, true) => {
                        Some(format!("there are only {images} training images, and a step takes more"))
                    }
                    _ => None,
                },
                samples: Vec::new(),
            });
        }
    }
    Ok(cells)
}

fn widths(cells: &[Cell]) -> Vec<usize> {
    let mut widths: Vec<usize> = cells.iter().map(|cell| cell.width).collect();
    widths.dedup();
    widths
}

/// Estimates the seconds of a step of `gflop` from the measured size with the nearest smaller work.
fn expected(cells: &[Cell], gflop: f64) -> Option<f64> {
    let known = cells.iter().filter(|cell| cell.gflop <= gflop && !cell.samples.is_empty());
    let nearest = known.max_by(|a, b| a.gflop.total_cmp(&b.gflop))?;
    Some(nearest.samples.last()? * gflop / nearest.gflop.max(f64::MIN_POSITIVE))
}

/// Measures the seconds per step, over about `slice` seconds and at least one step. A `known` time shortens the
/// warm-up.
async fn turn(trainer: &mut Trainer, slice: f64, known: Option<f64>) -> Result<f64> {
    let mut each = match known {
        Some(seconds) => seconds,
        None => {
            // The first step compiles.
            steps(trainer, 1).await?;
            steps(trainer, 1).await?
        }
    };
    let fitting = |seconds: f64, each: f64| ((seconds / each.max(1e-7)) as u64).clamp(1, MOST);
    if each < WARM_UP.min(slice) {
        each = steps(trainer, fitting(WARM_UP.min(slice), each)).await?;
    }
    steps(trainer, fitting(slice, each)).await
}

/// Trains for `count` steps; returns the seconds per step, without the start of the data stream.
async fn steps(trainer: &mut Trainer, count: u64) -> Result<f64> {
    let (recorder, mut done) = (Arc::new(Recorder::default()), 0);
    trainer.listen(Some(recorder.clone()), false);
    while done < count {
        let left = count - done;
        let each = |_: &_, _: &_| {
            done += 1;
            ControlFlow::Continue(())
        };
        let _either_way = trainer.advance(left, each).await?;
    }
    trainer.listen(None, false);
    Ok(recorder.take().seconds() / count as f64)
}

impl Cell {
    /// Computes the results from the samples.
    fn finish(&mut self) {
        self.rounds = self.samples.len();
        if self.samples.is_empty() {
            self.skipped.get_or_insert_with(|| "no time was left".to_string());
            return;
        }
        let spread = Spread::of(self.samples.clone());
        (self.seconds, self.seconds_min, self.seconds_max) =
            (Some(spread.median), Some(spread.min), Some(spread.max));
        self.images_per_second = Some(self.batch as f64 / spread.median);
        self.gflops = Some(self.gflop / spread.median);
    }
}

/// Fits the line through the batches of a width.
fn fit(cells: &[Cell], width: usize) -> Option<Fit> {
    let of_width: Vec<&Cell> =
        cells.iter().filter(|cell| cell.width == width && !cell.samples.is_empty()).collect();
    if of_width.len() < 3 {
        return None;
    }
    // The medians define the line; the rounds that all sizes have show its uncertainty.
    let medians: Vec<(f64, f64)> = of_width.iter().filter_map(|c| Some((c.gflop, c.seconds?))).collect();
    let (fixed, slope) = line(&medians)?;
    let rounds = of_width.iter().map(|cell| cell.samples.len()).min()?;
    let of_round = |round: usize| {
        line(&of_width.iter().map(|cell| (cell.gflop, cell.samples[round])).collect::<Vec<_>>())
    };
    let fits: Vec<f64> = (0..rounds).filter_map(of_round).map(|(fixed, _)| fixed).collect();
    let spread = Spread::of(fits.clone());
    let off = medians.iter().map(|(x, y)| ((fixed + slope * x) / y - 1.0).abs());
    Some(Fit {
        width,
        sizes: medians.len(),
        fixed_seconds: spread.median,
        fixed_seconds_min: spread.min,
        fixed_seconds_max: spread.max,
        gflops: 1.0 / slope,
        fits: fits.len(),
        misfit: off.fold(0.0, f64::max),
    })
}

/// Fits y = a + b·x by least squares of the relative error, so that small values count as much as large ones. `None` if
/// all x are the same.
fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|(x, y)| of(*x, *y) / (y * y)).sum::<f64>();
    let (w, x, y) = (sum(&|_, _| 1.0), sum(&|x, _| x), sum(&|_, y| y));
    let (xx, xy) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
    let determinant = w * xx - x * x;
    let slope = (w * xy - x * y) / determinant;
    let fixed = (y - slope * x) / w;
    (fixed.is_finite() && slope.is_finite()).then_some((fixed, slope))
}

#[cfg(test)]
mod tests {
    use super::{line, widened};
    use wgrad::networks::network;

    #[test]
    fn a_line_is_found_where_there_is_one() {
        let points: Vec<_> = [1.0, 2.0, 8.0, 64.0].map(|x| (x, 0.25 + 0.5 * x)).into();
        let (fixed, slope) = line(&points).expect("a line");
        assert!((fixed - 0.25).abs() < 1e-12 && (slope - 0.5).abs() < 1e-12, "{fixed} {slope}");
        // One per cent of a large value must not drown the small ones.
        let mut noisy = points.clone();
        noisy[3].1 *= 1.01;
        let (fixed, _) = line(&noisy).expect("a line");
        assert!((fixed - 0.25).abs() < 0.02, "{fixed}");
        assert_eq!(line(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }

    #[test]
    fn hidden_layers_grow_and_the_output_stays() {
        let shapes = |name: &str, factor| {
            let model = network(name, [28, 28, 1], 10).expect("built in");
            let summary = widened(&model, factor).summary().expect("fits");
            summary
                .iter()
                .filter(|l| l.parameters > 0)
                .map(|l| l.output[l.output.len() - 1])
                .collect::<Vec<_>>()
        };
        assert_eq!(shapes("mlp", 4), [512, 10]);
        assert_eq!(shapes("cnn", 2), [64, 128, 10]);
        assert_eq!(shapes("linear", 8), [10]);
    }
}
