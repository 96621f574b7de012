//! Normalization operators.

use super::{
    Outputs, Refusal, Use, device::Device, device::function, device::not_empty, device::of_two,
    device::single,
};
use crate::onnx::{
    attributes::axis,
    tensor::{Tensor, count},
};
use wgrad::{
    feed::Step,
    kernels::{
        BATCH_NORM_COMBINE, BATCH_NORM_FORWARD, BATCH_NORM_MOVING, BATCH_NORM_PARTIALS, CONV2D_FORWARD,
        LAYER_NORM_FORWARD,
    },
    op::Call,
};

/// Moves the axis of channels to the end.
fn channels_last(x: &Tensor) -> Tensor {
    let order: Vec<usize> = std::iter::once(0).chain(2..x.shape.len()).chain([1]).collect();
    x.transposed(&order)
}

/// Moves the axis of channels from the end back to the second place.
fn channels_second(x: &Tensor) -> Tensor {
    let rank = x.shape.len();
    let order: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    x.transposed(&order)
}

pub(super) async fn batch(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let x = u.input(0)?;
    if x.shape.len() < 2 {
        return Err(format!("an input {:?}", x.shape).into());
    }
    let last = channels_last(x);
    let (c, items) = (x.shape[1], x.len() / x.shape[1]);
    let [gamma, beta, mean, variance] =
        [1, 2, 3, 4].map(|n| u.input(n).and_then(|t| Ok(t.reals()?.to_vec())));
    let (gamma, beta, mean, variance) = (gamma?, beta?, mean?, variance?);
    let epsilon = f64::from(u.node.float("epsilon", 1e-5));
    let training = u.node.int("training_mode", 0) == 1;
    let (stats, moved) = if training {
        let sizes = [("ROWS", items), ("SPATIAL", 1), ("C", c), ("SPLITS", 1), ("PER", items)];
        let step = Step { rows: items as u32, ..Step::default() };
        let call = Call::new(&BATCH_NORM_PARTIALS, &sizes);
        let partials = device.run_with(call, &[("x", last.reals()?)], &[], step).await?.real("partials");
        let momentum = f64::from(u.node.float("momentum", 0.9));
        let call = Call::new(&BATCH_NORM_COMBINE, &sizes).with("MOMENTUM", momentum);
        let call = call.with("EPSILON", epsilon).with("SCALED", 1.0);
        let affine = [gamma, beta].concat();
        let given = [
            ("moving_mean", &mean[..]),
            ("moving_variance", &variance),
            ("partials", &partials),
            ("affine", &affine),
        ];
        let mut written = device.run_with(call, &given, &[], step).await?;
        let moved = ["moving_mean", "moving_variance"].map(|name| Tensor::real(&[c], written.real(name)));
        (written.real("stats"), moved.to_vec())
    } else {
        let call = Call::new(&BATCH_NORM_MOVING, &[("C", c), ("SCALED", 1)]).with("EPSILON", epsilon);
        let given =
            [("moving_mean", &mean[..]), ("moving_variance", &variance), ("gamma", &gamma), ("beta", &beta)];
        (device.run(call, &given).await?.real("stats"), Vec::new())
    };
    let call = Call::new(&BATCH_NORM_FORWARD, &[("ITEMS", items), ("C", c)]);
    let y = device.run(call, &[("x", last.reals()?), ("stats", &stats)]).await?.real("y");
    let mut outputs = vec![channels_second(&Tensor::real(&last.shape, y))];
    outputs.extend(moved);
    Ok(outputs)
}

/// Normalizes rows of `row` numbers to mean 0 and deviation 1, then applies a scale and a shift if they are given.
/// Also returns the means and inverse deviations.
async fn rows(
    device: &Device<'_>,
    x: &[f32],
    row: usize,
    epsilon: f32,
    affine: Option<[&[f32]; 2]>,
) -> Result<(Vec<f32>, Vec<f32>), Refusal> {
    let call = Call::new(&LAYER_NORM_FORWARD, &[("ITEMS", x.len() / row), ("C", row)]);
    let call = call.with("EPSILON", f64::from(epsilon)).with("SCALED", f64::from(u8::from(affine.is_some())));
    let mut given = vec![("x", x)];
    if let Some([gamma, beta]) = affine {
        given.extend([("gamma", gamma), ("beta", beta)]);
    }
    let mut written = device.run(call, &given).await?;
    Ok((written.real("y"), written.real("stats")))
}

pub(super) async fn layer(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let x = u.input(0)?;
    let at = axis(u.node.int("axis", -1), x.shape.len())?;
    let row = count(&x.shape[at..]);
    let spread = |n: usize, fill: f32| -> Result<Tensor, String> {
        match u.optional(n) {
            Some(t) => t.expanded(&x.shape[at..]),
            None => Ok(Tensor::real(&x.shape[at..], vec![fill; row])),
        }
    };
    let (scale, shift) = (spread(1, 1.0)?, spread(2, 0.0)?);
    let epsilon = u.node.float("epsilon", 1e-5);
    let (y, stats) = rows(device, x.reals()?, row, epsilon, Some([scale.reals()?, shift.reals()?])).await?;
    let shape: Vec<usize> =
        x.shape[..at].iter().copied().chain(std::iter::repeat_n(1, x.shape.len() - at)).collect();
    let of = |which: usize| Tensor::real(&shape, stats.iter().skip(which).step_by(2).copied().collect());
    Ok(vec![Tensor::real(&x.shape, y), of(0), of(1)])
}

/// Normalizes each image's channels in `groups` groups to mean 0 and deviation 1, then scales and shifts each
/// channel.
async fn groups(device: &Device<'_>, u: &Use<'_>, groups: usize) -> Outputs {
    not_empty(u)?;
    let x = u.input(0)?;
    let c = x.shape.get(1).copied().unwrap_or(0);
    if groups == 0 || c % groups != 0 {
        return Err(format!("{groups} groups of {c} channels").into());
    }
    let row = x.len() / (x.shape[0] * groups);
    let (y, _) = rows(device, x.reals()?, row, u.node.float("epsilon", 1e-5), None).await?;
    let shape: Vec<usize> = std::iter::once(c).chain(std::iter::repeat_n(1, x.shape.len() - 2)).collect();
    let y =
        device.binary(Some(of_two::MUL), &Tensor::real(&x.shape, y), &u.input(1)?.reshaped(&shape)?).await?;
    single(device.binary(None, &y, &u.input(2)?.reshaped(&shape)?).await?)
}

pub(super) async fn instance(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    let channels = u.input(0)?.shape.get(1).copied().unwrap_or(0);
    groups(device, u, channels).await
}

pub(super) async fn group(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    groups(device, u, usize::try_from(u.node.int("num_groups", 1)).unwrap_or(0)).await
}

pub(super) async fn mean_variance(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let x = u.input(0)?;
    if x.shape.len() != 4 || u.node.ints("axes").is_some_and(|axes| axes != [0, 2, 3]) {
        return Err("over axes other than 0, 2 and 3".into());
    }
    let turned = x.transposed(&[1, 0, 2, 3]);
    let (y, _) = rows(device, turned.reals()?, x.len() / x.shape[1], 1e-9, None).await?;
    single(Tensor::real(&turned.shape, y).transposed(&[1, 0, 2, 3]))
}

/// Root-mean-square normalization: x / √(mean of x² + epsilon) · scale.
pub(super) async fn root_mean_square(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let x = u.input(0)?;
    let at = axis(u.node.int("axis", -1), x.shape.len())?;
    let row = count(&x.shape[at..]);
    let squares = device.binary(Some(of_two::MUL), x, x).await?;
    let means = device.row_sums(squares.reals()?, row, 1.0 / row as f32).await?;
    let shape: Vec<usize> =
        x.shape[..at].iter().copied().chain(std::iter::repeat_n(1, x.shape.len() - at)).collect();
    let roots = device
        .unary(function::SQRT, [u.node.float("epsilon", 1e-5), 0.0], &Tensor::real(&shape, means))
        .await?;
    let y = device.divide(x, &roots).await?;
    single(device.binary(Some(of_two::MUL), &y, u.input(1)?).await?)
}

/// Local response normalization: x / (bias + alpha / size · Σ of squares over neighbouring channels) to the power
/// of beta.
pub(super) async fn local_response(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let x = u.input(0)?;
    let size = u.node.int("size", 1).max(1) as usize;
    let squares = channels_last(&device.binary(Some(of_two::MUL), x, x).await?);
    let c = x.shape[1];
    // The sums over neighbours are a convolution of one channel along a line.
    let line = [("N", x.len() / c), ("H", 1), ("W", c), ("CI", 1), ("OH", 1), ("OW", c), ("CO", 1)];
    let window = [("KH", 1), ("KW", size), ("SH", 1), ("SW", 1), ("PT", 0), ("PL", (size - 1) / 2)];
    let call = Call::new(&CONV2D_FORWARD, &[&line[..], &window].concat());
    let ones = vec![1.0; size];
    let sums = device.run(call, &[("x", squares.reals()?), ("w", &ones)]).await?.real("y");
    let sums = channels_second(&Tensor::real(&squares.shape, sums));
    let alpha = u.node.float("alpha", 1e-4) / size as f32;
    let base = device.unary(function::AFFINE, [alpha, u.node.float("bias", 1.0)], &sums).await?;
    let power = super::elementwise::power(device, &base, -u.node.float("beta", 0.75)).await?;
    single(device.binary(Some(of_two::MUL), x, &power).await?)
}
