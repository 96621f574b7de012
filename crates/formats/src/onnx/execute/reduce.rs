//! Reductions: sums as products with a column of ones, maxima as pools over rows.

use super::{Outputs, Use, device::Device, device::function, device::of_two, device::single};
use crate::onnx::{
    attributes::axis,
    tensor::{Tensor, count},
};
use wgrad::op::activations;

/// The axes to reduce, in order.
fn axes(u: &Use<'_>, rank: usize) -> Result<Vec<usize>, String> {
    let list = match u.node.op() {
        op if op.starts_with("Arg") => Some(vec![u.node.int("axis", 0)]),
        "LpNormalization" => Some(vec![u.node.int("axis", -1)]),
        _ => u.ints(1, "axes")?,
    };
    let mut axes: Vec<usize> = match list {
        Some(list) if !list.is_empty() => {
            list.into_iter().map(|n| axis(n, rank)).collect::<Result<_, _>>()?
        }
        _ if u.node.int("noop_with_empty_axes", 0) == 1 => Vec::new(),
        _ => (0..rank).collect(),
    };
    axes.sort_unstable();
    Ok(axes)
}

pub(super) async fn reduce(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    let op = u.node.op();
    let x = u.input(0)?;
    x.reals()?;
    if x.is_empty() {
        return Err(format!("an empty tensor {:?}", x.shape).into());
    }
    let rank = x.shape.len();
    let axes = axes(u, rank)?;
    let keep = u.node.int("keepdims", 1) == 1;
    let order: Vec<usize> = (0..rank).filter(|n| !axes.contains(n)).chain(axes.iter().copied()).collect();
    let rows = x.transposed(&order);
    let row = count(&axes.iter().map(|n| x.shape[*n]).collect::<Vec<_>>());
    let left = |keep: bool| -> Vec<usize> {
        let all = (0..rank).filter(|n| keep || !axes.contains(n));
        all.map(|n| if axes.contains(&n) { 1 } else { x.shape[n] }).collect()
    };
    if op.starts_with("Arg") {
        return arg(device, u, &rows, row, &left(keep)).await;
    }
    // The terms to sum, computed from each element.
    let terms = match op {
        "ReduceL1" => device.unary(function::ABS, [0.0, 0.0], &rows).await?,
        "ReduceL2" | "ReduceSumSquare" => device.binary(Some(of_two::MUL), &rows, &rows).await?,
        "LpNormalization" if u.node.int("p", 2) == 1 => {
            device.unary(function::ABS, [0.0, 0.0], &rows).await?
        }
        "LpNormalization" => device.binary(Some(of_two::MUL), &rows, &rows).await?,
        "ReduceLogSumExp" => device.activate(&activations::EXPONENTIAL, &rows).await?,
        _ => rows,
    };
    let numbers = terms.reals()?;
    let y = match op {
        "ReduceMax" => device.row_maxima(numbers, row).await?.0,
        "ReduceMin" => {
            let turned = device.unary(function::AFFINE, [-1.0, 0.0], &terms).await?;
            device.row_maxima(turned.reals()?, row).await?.0
        }
        "ReduceMean" => device.row_sums(numbers, row, 1.0 / row as f32).await?,
        "ReduceSum" | "ReduceL1" | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp"
        | "LpNormalization" => device.row_sums(numbers, row, 1.0).await?,
        _ => return Err("wgrad has no such operation".into()),
    };
    let y = Tensor::real(&left(keep || op == "LpNormalization"), y);
    single(match op {
        "ReduceMin" => device.unary(function::AFFINE, [-1.0, 0.0], &y).await?,
        "ReduceL2" => device.unary(function::SQRT, [0.0, 0.0], &y).await?,
        "ReduceLogSum" | "ReduceLogSumExp" => device.unary(function::LOG, [0.0, 0.0], &y).await?,
        "LpNormalization" => {
            let norm = match u.node.int("p", 2) {
                1 => y,
                _ => device.unary(function::SQRT, [0.0, 0.0], &y).await?,
            };
            if norm.reals()?.contains(&0.0) {
                return Err("a row of zeros".into());
            }
            device.divide(x, &norm).await?
        }
        _ => y,
    })
}

/// Index of the maximum or minimum of each row: its first occurrence, or its last.
async fn arg(device: &Device<'_>, u: &Use<'_>, rows: &Tensor, row: usize, shape: &[usize]) -> Outputs {
    let last = u.node.int("select_last_index", 0) == 1;
    let axis = rows.shape.len() - 1;
    let rows = if last { rows.sliced(axis, row - 1, -1, row) } else { rows.clone() };
    let rows = match u.node.op() {
        "ArgMin" => device.unary(function::AFFINE, [-1.0, 0.0], &rows).await?,
        _ => rows,
    };
    let (_, places) = device.row_maxima(rows.reals()?, row).await?;
    // In the reversed row, the first occurrence is the last of the original.
    let place = |at: u32| if last { row as i64 - 1 - i64::from(at) } else { i64::from(at) };
    single(Tensor::whole(shape, places.into_iter().map(place).collect()))
}
