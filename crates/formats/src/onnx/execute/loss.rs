//! Softmax, and losses for classes.

use super::{
    Outputs, Refusal, Use, device::Device, device::function, device::not_empty, device::of_two,
    device::single,
};
use crate::onnx::{attributes::axis, tensor::Tensor};
use wgrad::{
    feed::Step,
    kernels::{SOFTMAX_CROSS_ENTROPY, SOFTMAX_FORWARD},
    op::Call,
};

/// Moves `axis` to the end; also returns the order of axes that undoes it.
fn axis_last(x: &Tensor, axis: usize) -> (Tensor, Vec<usize>) {
    let rank = x.shape.len();
    let order: Vec<usize> = (0..rank).filter(|n| *n != axis).chain([axis]).collect();
    let back = (0..rank).map(|n| order.iter().position(|from| *from == n).unwrap_or(n)).collect();
    (x.transposed(&order), back)
}

pub(super) async fn softmax(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let x = u.input(0)?;
    let (rows, back) = axis_last(x, axis(u.node.int("axis", -1), x.shape.len())?);
    let classes = rows.shape.last().copied().unwrap_or(1);
    let y = if u.node.op() == "LogSoftmax" {
        log_softmax(device, rows.reals()?, classes).await?
    } else {
        let call = Call::new(&SOFTMAX_FORWARD, &[("ROWS", x.len() / classes), ("CLASSES", classes)]);
        device.run(call, &[("x", rows.reals()?)]).await?.real("y")
    };
    single(Tensor::real(&rows.shape, y).transposed(&back))
}

/// The loss of each row for its label, times the weight of the label's class.
async fn losses(
    device: &Device<'_>,
    rows: &[f32],
    classes: usize,
    labels: &[u32],
    weights: &[f32],
) -> Result<Vec<f32>, Refusal> {
    let call = Call::new(&SOFTMAX_CROSS_ENTROPY, &[("ROWS", labels.len()), ("CLASSES", classes)]);
    let step = Step { rows: labels.len() as u32, ..Step::default() };
    let given = [("logits", rows), ("weights", weights)];
    Ok(device.run_with(call, &given, labels, step).await?.real("loss"))
}

/// The logarithm of softmax, as the negated cross-entropy of every class in turn. It keeps small probabilities that
/// the logarithm of a computed softmax would lose.
async fn log_softmax(device: &Device<'_>, rows: &[f32], classes: usize) -> Result<Vec<f32>, Refusal> {
    let repeated: Vec<f32> =
        rows.chunks(classes).flat_map(|row| std::iter::repeat_n(row, classes)).flatten().copied().collect();
    let labels: Vec<u32> = (0..rows.len()).map(|at| (at % classes) as u32).collect();
    let loss = losses(device, &repeated, classes, &labels, &vec![1.0; classes]).await?;
    let loss = Tensor::real(&[loss.len()], loss);
    Ok(device.unary(function::AFFINE, [-1.0, 0.0], &loss).await?.reals()?.to_vec())
}

/// Labels, with the rows that count and the weight of each class.
struct Labels {
    kept: Vec<usize>,
    labels: Vec<u32>,
    weights: Vec<f32>,
    shape: Vec<usize>,
}

impl Labels {
    fn of(u: &Use<'_>, classes: usize) -> Result<Self, String> {
        let target = u.input(1)?;
        let ignored = u.node.attribute("ignore_index").and_then(|a| a.i);
        let kept: Vec<usize> =
            (0..target.len()).filter(|n| Some(target.wholes().map_or(0, |t| t[*n])) != ignored).collect();
        let labels = kept.iter().map(|n| axis(target.wholes()?[*n], classes).map(|label| label as u32));
        let weights = match u.optional(2) {
            Some(weights) => weights.reals()?.to_vec(),
            None => vec![1.0; classes],
        };
        Ok(Self { labels: labels.collect::<Result<_, _>>()?, kept, weights, shape: target.shape.clone() })
    }

    /// The loss of the rows that count, reduced by ONNX's `reduction`.
    async fn reduced(&self, device: &Device<'_>, u: &Use<'_>, loss: Vec<f32>) -> Result<Tensor, Refusal> {
        let reduction = u.node.text("reduction", "mean");
        if reduction == "none" {
            let mut all = vec![0.0; self.shape.iter().product()];
            for (at, loss) in self.kept.iter().zip(loss) {
                all[*at] = loss;
            }
            return Ok(Tensor::real(&self.shape, all));
        }
        let sum = Tensor::real(&[], device.row_sums(&loss, loss.len(), 1.0).await?);
        if reduction == "sum" {
            return Ok(sum);
        }
        let weights: Vec<f32> = self.labels.iter().map(|label| self.weights[*label as usize]).collect();
        let weight = Tensor::real(&[], device.row_sums(&weights, weights.len(), 1.0).await?);
        device.divide(&sum, &weight).await
    }
}

pub(super) async fn cross_entropy(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let (rows, back) = axis_last(u.input(0)?, 1);
    let classes = rows.shape.last().copied().unwrap_or(1);
    let labels = Labels::of(u, classes)?;
    if labels.kept.is_empty() {
        return Err("no label that counts".into());
    }
    let numbers = rows.reals()?;
    let kept: Vec<f32> =
        labels.kept.iter().flat_map(|n| &numbers[n * classes..(n + 1) * classes]).copied().collect();
    let loss = losses(device, &kept, classes, &labels.labels, &labels.weights).await?;
    let mut outputs = vec![labels.reduced(device, u, loss).await?];
    if u.outputs() > 1 {
        let logs = log_softmax(device, numbers, classes).await?;
        outputs.push(Tensor::real(&rows.shape, logs).transposed(&back));
    }
    Ok(outputs)
}

/// The negated log-probability of each label, times its weight.
pub(super) async fn negative_log_likelihood(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let (rows, _) = axis_last(u.input(0)?, 1);
    let classes = rows.shape.last().copied().unwrap_or(1);
    let labels = Labels::of(u, classes)?;
    if labels.kept.is_empty() {
        return Err("no label that counts".into());
    }
    let numbers = rows.reals()?;
    let picked: Vec<f32> = labels
        .kept
        .iter()
        .zip(&labels.labels)
        .map(|(n, label)| numbers[n * classes + *label as usize])
        .collect();
    let weights: Vec<f32> = labels.labels.iter().map(|label| labels.weights[*label as usize]).collect();
    let shape = [picked.len()];
    let product = device
        .binary(Some(of_two::MUL), &Tensor::real(&shape, picked), &Tensor::real(&shape, weights))
        .await?;
    let loss = device.unary(function::AFFINE, [-1.0, 0.0], &product).await?;
    single(labels.reduced(device, u, loss.reals()?.to_vec()).await?)
}
