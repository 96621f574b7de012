//! Converts weights of recurrent layers between the orders of ONNX and wgrad, which uses Keras's. ONNX has a row
//! per output, (directions, gates · units, inputs), and the gates of an LSTM as i, o, f, c. wgrad has a column per
//! output, and i, f, c, o.

use super::tensor::Tensor;
use wgrad::layers::Cell;

type Said<T> = std::result::Result<T, String>;

/// The index in wgrad's order of each gate of ONNX.
fn order(cell: Cell) -> &'static [usize] {
    match cell {
        Cell::Simple => &[0],
        Cell::Lstm => &[0, 3, 1, 2],
        Cell::Gru => &[0, 1, 2],
    }
}

/// Reorders the gates along the first axis, with `units` rows each.
fn reordered(tensor: &Tensor, units: usize, order: impl Iterator<Item = usize>) -> Said<Tensor> {
    let parts: Vec<Tensor> = order.map(|gate| tensor.sliced(0, gate * units, 1, units)).collect();
    Tensor::joined(&parts.iter().collect::<Vec<_>>(), 0)
}

/// Converts the kernel (0), recurrent kernel (1) or bias (2) of one direction to ONNX's order, with an axis of
/// length 1 in front.
pub(super) fn to_onnx(cell: Cell, units: usize, index: usize, tensor: &Tensor) -> Said<Tensor> {
    let order = || order(cell).iter().copied();
    let with_direction = |tensor: Tensor| {
        let shape: Vec<usize> = std::iter::once(1).chain(tensor.shape.iter().copied()).collect();
        tensor.reshaped(&shape)
    };
    if index < 2 {
        return with_direction(reordered(&tensor.transposed(&[1, 0]), units, order())?);
    }
    // ONNX has a bias for each of the two products. So has Keras's GRU; the other cells have one bias for both.
    let columns = cell.gates() * units;
    let rows = tensor.len() / columns;
    let tensor = tensor.reshaped(&[rows, columns])?;
    let input = reordered(&tensor.sliced(0, 0, 1, 1).reshaped(&[columns])?, units, order())?;
    let state = match rows {
        2 => reordered(&tensor.sliced(0, 1, 1, 1).reshaped(&[columns])?, units, order())?,
        _ => Tensor::real(&[columns], vec![0.0; columns]),
    };
    with_direction(Tensor::joined(&[&input, &state], 0)?)
}

/// Converts the kernel (0) or recurrent kernel (1) of one direction, or one of its two biases (2), from ONNX's
/// order. The tensor lacks the axis of directions.
pub(super) fn from_onnx(cell: Cell, units: usize, tensor: &Tensor) -> Said<Tensor> {
    let order = order(cell);
    let back = (0..order.len()).map(|gate| order.iter().position(|of| *of == gate).unwrap_or(gate));
    let tensor = reordered(tensor, units, back)?;
    Ok(if tensor.shape.len() == 2 { tensor.transposed(&[1, 0]) } else { tensor })
}
