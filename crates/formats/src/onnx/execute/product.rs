//! Matrix products.

use super::{Outputs, Use, device::Device, device::function, device::not_empty, device::single};
use crate::onnx::{
    attributes::broadcast,
    tensor::{Tensor, count},
};

/// y = alpha · a · b + beta · c; each of the matrices a and b may be transposed.
pub(super) async fn gemm(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let turned = |n: usize, name: &str| -> Result<Tensor, String> {
        let x = u.input(n)?;
        match (x.shape.len(), u.node.int(name, 0)) {
            (2, 0) => Ok(x.clone()),
            (2, _) => Ok(x.transposed(&[1, 0])),
            _ => Err(format!("a matrix {:?}", x.shape)),
        }
    };
    let (a, b) = (turned(0, "transA")?, turned(1, "transB")?);
    let ([m, k], [inner, n]) = ([a.shape[0], a.shape[1]], [b.shape[0], b.shape[1]]);
    if inner != k {
        return Err(format!("a product of {:?} and {:?}", a.shape, b.shape).into());
    }
    let (alpha, beta) = (u.node.float("alpha", 1.0), u.node.float("beta", 1.0));
    let c = u.optional(2);
    let bias = c.filter(|c| alpha == 1.0 && beta == 1.0 && c.shape.iter().rev().skip(1).all(|len| *len == 1));
    let bias = bias.map(|c| c.reshaped(&[c.len()])?.expanded(&[n])).transpose()?;
    let numbers = bias.as_ref().map(Tensor::reals).transpose()?;
    let y = device.product([m, n, k], a.reals()?, b.reals()?, numbers).await?;
    let mut y = Tensor::real(&[m, n], y);
    if alpha != 1.0 {
        y = device.unary(function::AFFINE, [alpha, 0.0], &y).await?;
    }
    if let (Some(c), None) = (c, bias) {
        let c = if beta == 1.0 { c.clone() } else { device.unary(function::AFFINE, [beta, 0.0], c).await? };
        y = device.binary(None, &y, &c).await?;
    }
    single(y)
}

/// The matrix product of the last two axes, for each index of the others.
pub(super) async fn matmul(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let (a, b) = (u.input(0)?, u.input(1)?);
    // A vector on the left is a row; a vector on the right is a column.
    let left = if a.shape.len() == 1 { a.reshaped(&[1, a.len()])? } else { a.clone() };
    let right = if b.shape.len() == 1 { b.reshaped(&[b.len(), 1])? } else { b.clone() };
    let ([m, k], [inner, n]) = (last_two(&left), last_two(&right));
    if k != inner {
        return Err(format!("a product of {:?} and {:?}", a.shape, b.shape).into());
    }
    let outer = |t: &Tensor| t.shape[..t.shape.len() - 2].to_vec();
    let batch = broadcast(&[&outer(&left), &outer(&right)])?;
    let left = left.expanded(&[&batch[..], &[m, k]].concat())?;
    let right = right.expanded(&[&batch[..], &[k, n]].concat())?;
    let mut y = Vec::new();
    for (x, w) in left.reals()?.chunks(m * k).zip(right.reals()?.chunks(k * n)) {
        y.extend(device.product([m, n, k], x, w, None).await?);
    }
    let mut shape = batch;
    shape.extend((a.shape.len() > 1).then_some(m));
    shape.extend((b.shape.len() > 1).then_some(n));
    debug_assert_eq!(count(&shape), y.len());
    single(Tensor::real(&shape, y))
}

fn last_two(t: &Tensor) -> [usize; 2] {
    let rank = t.shape.len();
    [t.shape[rank - 2], t.shape[rank - 1]]
}
