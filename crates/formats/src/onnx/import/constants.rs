//! Arithmetic on constants of the file, and masks of them: each result is rounded to 32 bits, as a runtime does.

use super::Said;
use crate::onnx::{
    attributes::{Node, broadcast},
    proto::kind,
    tensor::{Data, Tensor},
};

/// The value of a node that works on constants element by element; `None` for any other.
pub(super) fn computed(node: &Node<'_>, inputs: &[Option<&Tensor>]) -> Said<Option<Tensor>> {
    match (node.op(), inputs) {
        ("Sqrt", [Some(x)]) if x.reals().is_ok() => {
            Ok(Some(Tensor::real(&x.shape, x.reals()?.iter().map(|v| v.sqrt()).collect())))
        }
        ("Cast", [Some(x)]) => Ok(cast(node, x)),
        ("Not", [Some(x)]) => {
            Ok(Some(truths(&x.shape, x.wholes()?.iter().map(|v| i64::from(*v == 0)).collect())))
        }
        ("And", [Some(a), Some(b)]) => wholes(a, b, |a, b| Some(i64::from(a != 0 && b != 0))).map(Some),
        ("ReduceProd", [Some(x), ..]) if x.wholes().is_ok() => product(node, x).map(Some),
        ("Max", [Some(a), Some(b)]) if a.wholes().is_ok() => wholes(a, b, |a, b| Some(a.max(b))).map(Some),
        ("Trilu", [Some(x), ..]) => triangle(node, x, inputs.get(1).copied().flatten()).map(Some),
        ("Where", [Some(which), Some(a), Some(b)]) => chosen(which, a, b).map(Some),
        ("Equal", [Some(a), Some(b)]) => equal(a, b).map(Some),
        ("Mod", [Some(a), Some(b)]) if a.wholes().is_ok() => wholes(a, b, modulo).map(Some),
        (_, &[Some(a), Some(b)]) if a.reals().is_ok() && b.reals().is_ok() => arithmetic(node.op(), a, b),
        _ => Ok(None),
    }
}

/// Two tensors in the shape that both broadcast to.
fn alike(a: &Tensor, b: &Tensor) -> Said<[Tensor; 2]> {
    let shape = broadcast(&[&a.shape, &b.shape])?;
    Ok([a.expanded(&shape)?, b.expanded(&shape)?])
}

fn arithmetic(op: &str, a: &Tensor, b: &Tensor) -> Said<Option<Tensor>> {
    let f: fn(f32, f32) -> f32 = match op {
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        _ => return Ok(None),
    };
    let [a, b] = alike(a, b)?;
    let values = a.reals()?.iter().zip(b.reals()?).map(|(a, b)| f(*a, *b)).collect();
    Ok(Some(Tensor::real(&a.shape, values)))
}

/// A function of two integers, element by element; it has no value where a divisor is 0.
fn wholes(a: &Tensor, b: &Tensor, f: impl Fn(i64, i64) -> Option<i64>) -> Said<Tensor> {
    let [a, b] = alike(a, b)?;
    let values: Option<Vec<i64>> = a.wholes()?.iter().zip(b.wholes()?).map(|(a, b)| f(*a, *b)).collect();
    Ok(Tensor { kind: a.kind, ..Tensor::whole(&a.shape, values.ok_or("a division by 0")?) })
}

/// The remainder, with the sign of the divisor.
fn modulo(a: i64, b: i64) -> Option<i64> {
    let rest = a.checked_rem(b)?;
    Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
}

/// The product of all lengths of a shape.
fn product(node: &Node<'_>, x: &Tensor) -> Said<Tensor> {
    if x.shape.len() != 1 {
        return Err(format!("of {:?}; products of the lengths of a shape are supported", x.shape));
    }
    let all = x.wholes()?.iter().try_fold(1i64, |all, len| all.checked_mul(*len));
    let shape: &[usize] = if node.int("keepdims", 1) == 1 { &[1] } else { &[] };
    Ok(Tensor::whole(shape, vec![all.ok_or("a product beyond 64 bits")?]))
}

/// A cast to truth values or to smaller integers that hold the same; others move no numbers.
fn cast(node: &Node<'_>, x: &Tensor) -> Option<Tensor> {
    let truth = match (node.int("to", 0) as i32, &x.data) {
        (kind::BOOL, Data::Whole(values)) => values.iter().map(|v| i64::from(*v != 0)).collect(),
        (kind::BOOL, Data::Real(values)) => values.iter().map(|v| i64::from(*v != 0.0)).collect(),
        (kind::INT32, Data::Whole(values)) if values.iter().all(|v| i32::try_from(*v).is_ok()) => {
            return Some(Tensor { kind: kind::INT32, ..x.clone() });
        }
        _ => return None,
    };
    Some(truths(&x.shape, truth))
}

fn truths(shape: &[usize], values: Vec<i64>) -> Tensor {
    Tensor { kind: kind::BOOL, ..Tensor::whole(shape, values) }
}

fn equal(a: &Tensor, b: &Tensor) -> Said<Tensor> {
    let [a, b] = alike(a, b)?;
    let values = match (&a.data, &b.data) {
        (Data::Real(a), Data::Real(b)) => a.iter().zip(b).map(|(a, b)| i64::from(a == b)).collect(),
        (Data::Whole(a), Data::Whole(b)) => a.iter().zip(b).map(|(a, b)| i64::from(a == b)).collect(),
        _ => return Err(format!("of {} and {}", kind::name(a.kind), kind::name(b.kind))),
    };
    Ok(truths(&a.shape, values))
}

/// The elements of `a` where `which` is true, else those of `b`.
fn chosen(which: &Tensor, a: &Tensor, b: &Tensor) -> Said<Tensor> {
    let shape = broadcast(&[&which.shape, &a.shape, &b.shape])?;
    let [which, a, b] = [which.expanded(&shape)?, a.expanded(&shape)?, b.expanded(&shape)?];
    let which = which.wholes()?;
    let data = match (&a.data, &b.data) {
        (Data::Real(a), Data::Real(b)) => {
            Data::Real((0..which.len()).map(|n| if which[n] != 0 { a[n] } else { b[n] }).collect())
        }
        (Data::Whole(a), Data::Whole(b)) => {
            Data::Whole((0..which.len()).map(|n| if which[n] != 0 { a[n] } else { b[n] }).collect())
        }
        _ => return Err(format!("of {} and {}", kind::name(a.kind), kind::name(b.kind))),
    };
    Ok(Tensor { kind: a.kind, shape, data })
}

/// The upper or lower triangle of matrices, with zeros in the other.
fn triangle(node: &Node<'_>, x: &Tensor, shift: Option<&Tensor>) -> Said<Tensor> {
    let [.., _, columns] = x.shape[..] else { return Err(format!("of {:?}, which is no matrix", x.shape)) };
    let rows = x.shape[x.shape.len() - 2];
    let shift = match shift {
        Some(shift) => shift.wholes()?.first().copied().unwrap_or(0),
        None => 0,
    };
    let upper = node.int("upper", 1) == 1;
    let kept = |at: usize| {
        let (row, column) = ((at / columns % rows) as i64, (at % columns) as i64);
        let place = column.saturating_sub(row);
        if upper { place >= shift } else { place <= shift }
    };
    let data = match &x.data {
        Data::Real(values) => {
            Data::Real(values.iter().enumerate().map(|(at, v)| if kept(at) { *v } else { 0.0 }).collect())
        }
        Data::Whole(values) => {
            Data::Whole(values.iter().enumerate().map(|(at, v)| if kept(at) { *v } else { 0 }).collect())
        }
    };
    Ok(Tensor { kind: x.kind, shape: x.shape.clone(), data })
}
