//! One cycle (Smith 2018, "A disciplined approach to neural network hyper-parameters"), with the same steps as
//! PyTorch's `OneCycleLR(anneal_strategy="cos")`.

use super::half_cosine;

/// The value at step `step` of `total`: from the first of `values` to the second over the share `rise` of the steps,
/// then to the third.
pub(super) fn anneal([first, middle, last]: [f64; 3], rise: f64, step: u64, total: u64) -> f64 {
    let step = step.min(total - 1) as f64;
    let (turn, end) = (rise * total as f64 - 1.0, total as f64 - 1.0);
    let share = |from: f64, to: f64| if to > from { (step - from) / (to - from) } else { 1.0 };
    if step <= turn {
        half_cosine(first, middle, share(0.0, turn))
    } else {
        half_cosine(middle, last, share(turn, end))
    }
}
