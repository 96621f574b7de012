//! y = activate(scale · x + shift) with a scale and a shift of each channel, by the kernels of batch normalization: the
//! part that `Rescaling`, `Normalization` and transposed convolutions share.

use super::matrix;
use crate::{
    kernels::{BATCH_NORM_FORWARD, CONCATENATE},
    op::{Activation, Call},
    program::{Builder, ParameterId, ValueId},
};

/// One number for all channels, or one for each.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged, expecting = "expected a number, or a list of a number for each channel")]
pub enum Numbers {
    /// The same for all.
    One(f64),
    /// One for each channel.
    Each(Vec<f64>),
}

/// Appends scale · x + shift of the channels, the last axis of `shape`, which excludes the batch. `stats` has shape
/// (4, channels); its last two rows are scale and shift.
pub(super) fn apply(
    b: &mut Builder,
    label: &str,
    (x, name): (ValueId, &str),
    shape: &[usize],
    stats: ValueId,
    activation: &'static Activation,
) -> ValueId {
    let (rows, channels) = matrix(shape);
    let y = b.batched(name, shape);
    let call = Call::new(&BATCH_NORM_FORWARD, &[("ITEMS", b.batch() * rows), ("C", channels)]);
    b.call(label, call.activated(activation), &[("y", y), ("x", x), ("stats", stats)]);
    y
}

/// The first three rows of `stats` that leave x as it is before the shift: mean 0, inverse 1, scale 1.
fn unscaled(channels: usize) -> Vec<f32> {
    [0.0, 1.0, 1.0].iter().flat_map(|value| vec![*value; channels]).collect()
}

/// Constant `stats` for [`apply`].
pub(super) fn constants(b: &mut Builder, label: &str, scale: &[f32], shift: &[f32]) -> ValueId {
    let mut all = unscaled(scale.len());
    all.truncate(2 * scale.len());
    all.extend(scale);
    all.extend(shift);
    b.constant(&format!("{label} statistics"), all)
}

/// `stats` for [`apply`] that add a bias; zeros if there is none.
pub(super) fn of_bias(b: &mut Builder, label: &str, bias: Option<ParameterId>, channels: usize) -> ValueId {
    let before = b.constant(&format!("{label} without bias"), unscaled(channels));
    let bias = b.bias(bias, channels);
    let stats = b.temporary(&format!("{label} statistics"), vec![4, channels]);
    let call = Call::new(&CONCATENATE, &[("ROWS", 1), ("A", 3 * channels), ("B", channels)]);
    b.call(label, call, &[("y", stats), ("a", before), ("b", bias)]);
    stats
}

/// The numbers of an argument, one for each channel.
///
/// # Errors
/// Names the argument, its length and the number of channels.
pub(super) fn each(name: &str, numbers: &Numbers, channels: usize) -> Result<Vec<f32>, String> {
    let all = match numbers {
        Numbers::One(number) => vec![*number; channels],
        Numbers::Each(all) if all.len() == channels => all.clone(),
        Numbers::Each(all) => {
            return Err(format!(
                "{name} has {} numbers, expected one, or {channels}: one for each channel",
                all.len()
            ));
        }
    };
    let fits = |number: &&f64| (**number as f32).is_finite();
    match all.iter().find(|number| !fits(number)) {
        Some(number) => Err(format!("{name} has {number}, expected finite numbers within float32")),
        None => Ok(all.into_iter().map(|number| number as f32).collect()),
    }
}
