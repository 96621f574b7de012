//! Operators that move numbers without arithmetic, and integer arithmetic on shapes.

use super::{Refusal, Use};
use crate::onnx::{
    attributes::{axis, broadcast, positive, reshaped},
    proto::kind,
    tensor::{Data, Tensor, count, room, strides, walk},
};

type Said<T> = std::result::Result<T, String>;

/// The outputs of an operator of this kind; `None` for other operators.
pub(super) fn operator(u: &Use<'_>) -> Result<Option<Vec<Tensor>>, Refusal> {
    let one = |tensor: Said<Tensor>| -> Said<Option<Vec<Tensor>>> { Ok(Some(vec![tensor?])) };
    Ok(match u.node.op() {
        "Identity" => one(u.input(0).cloned()),
        "Constant" => one(u.node.constant()),
        "ConstantOfShape" => one(constant_of_shape(u)),
        "Shape" => one(shape(u)),
        "Size" => one(Ok(Tensor::whole(&[], vec![u.input(0)?.len() as i64]))),
        "Reshape" => one(reshape(u)),
        "Flatten" => one(flatten(u)),
        "Transpose" => one(transpose(u)),
        "Squeeze" => one(squeeze(u)),
        "Unsqueeze" => one(unsqueeze(u)),
        "Concat" => one(concat(u)),
        "Expand" => one(expand(u)),
        "Tile" => one(tile(u)),
        "Slice" => one(slice(u)),
        "Gather" => one(gather(u)),
        "Pad" => one(pad(u)),
        "DepthToSpace" | "SpaceToDepth" => one(blocks(u)),
        "Split" => Ok(Some(split(u)?)),
        "Dropout" => Ok(Some(dropout(u)?)),
        "Cast" | "CastLike" => match cast(u)? {
            Some(tensor) => one(Ok(tensor)),
            None => Ok(None),
        },
        _ => Ok(None),
    }?)
}

fn constant_of_shape(u: &Use<'_>) -> Said<Tensor> {
    let shape = positive("the shape", u.input(0)?.wholes()?)?;
    let value = match u.node.attribute("value").and_then(|a| a.t.as_ref()) {
        Some(tensor) => Tensor::from_proto(tensor)?,
        None => Tensor::real(&[1], vec![0.0]),
    };
    if value.is_empty() {
        return Err("its value holds nothing".into());
    }
    Ok(value.pick(&shape, &vec![0; room(&shape, 0)?]))
}

fn shape(u: &Use<'_>) -> Said<Tensor> {
    let shape = &u.input(0)?.shape;
    let rank = shape.len() as i64;
    let place = |name, default| {
        let n: i64 = u.node.int(name, default);
        (if n < 0 { n + rank } else { n }).clamp(0, rank) as usize
    };
    let (start, end) = (place("start", 0), place("end", rank));
    let part: Vec<i64> = shape[start.min(end)..end].iter().map(|n| *n as i64).collect();
    Ok(Tensor::whole(&[part.len()], part))
}

fn reshape(u: &Use<'_>) -> Said<Tensor> {
    let x = u.input(0)?;
    let wanted = u.ints(1, "shape")?.ok_or("it has no shape")?;
    x.reshaped(&reshaped(&x.shape, &wanted, u.node.int("allowzero", 0) == 1)?)
}

fn flatten(u: &Use<'_>) -> Said<Tensor> {
    let x = u.input(0)?;
    let rank = x.shape.len() as i64;
    let at = u.node.int("axis", 1);
    let at = if at < 0 { at + rank } else { at };
    if !(0..=rank).contains(&at) {
        return Err(format!("axis {at} of {:?}", x.shape));
    }
    let (outer, inner) = x.shape.split_at(at as usize);
    x.reshaped(&[count(outer), count(inner)])
}

fn transpose(u: &Use<'_>) -> Said<Tensor> {
    let x = u.input(0)?;
    let rank = x.shape.len();
    let order = match u.node.ints("perm") {
        Some(perm) => positive("perm", perm)?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(format!("perm is {order:?} for {rank} axes"));
    }
    Ok(x.transposed(&order))
}

fn axes_of(axes: &[i64], rank: usize) -> Said<Vec<usize>> {
    axes.iter().map(|n| axis(*n, rank)).collect()
}

fn squeeze(u: &Use<'_>) -> Said<Tensor> {
    let x = u.input(0)?;
    let axes = match u.ints(1, "axes")? {
        Some(axes) => axes_of(&axes, x.shape.len())?,
        None => (0..x.shape.len()).filter(|n| x.shape[*n] == 1).collect(),
    };
    let left: Vec<usize> = (0..x.shape.len()).filter(|n| !axes.contains(n)).map(|n| x.shape[n]).collect();
    x.reshaped(&left)
}

fn unsqueeze(u: &Use<'_>) -> Said<Tensor> {
    let x = u.input(0)?;
    let axes = u.ints(1, "axes")?.ok_or("it has no axes")?;
    let rank = x.shape.len() + axes.len();
    let axes = axes_of(&axes, rank)?;
    let mut lens = x.shape.iter();
    let shape: Vec<usize> =
        (0..rank).map(|n| if axes.contains(&n) { 1 } else { lens.next().copied().unwrap_or(1) }).collect();
    x.reshaped(&shape)
}

fn concat(u: &Use<'_>) -> Said<Tensor> {
    let parts: Vec<&Tensor> = u.inputs.iter().flatten().copied().collect();
    let rank = u.input(0)?.shape.len();
    Tensor::joined(&parts, axis(u.node.int("axis", 0), rank)?)
}

fn expand(u: &Use<'_>) -> Said<Tensor> {
    let (x, wanted) = (u.input(0)?, positive("the shape", u.input(1)?.wholes()?)?);
    x.expanded(&broadcast(&[&x.shape, &wanted])?)
}

fn tile(u: &Use<'_>) -> Said<Tensor> {
    let (mut x, repeats) = (u.input(0)?.clone(), positive("repeats", u.input(1)?.wholes()?)?);
    for (axis, times) in repeats.into_iter().enumerate() {
        let len = x.shape.get(axis).ok_or_else(|| format!("repeats for an axis {axis} of {:?}", x.shape))?;
        room(&[x.len(), times], x.len())?;
        x = match times {
            0 => x.sliced(axis, 0, 1, 0),
            _ if *len == 0 => x,
            _ => Tensor::joined(&vec![&x; times], axis)?,
        };
    }
    Ok(x)
}

fn slice(u: &Use<'_>) -> Said<Tensor> {
    let mut x = u.input(0)?.clone();
    let rank = x.shape.len();
    let starts = u.ints(1, "starts")?.ok_or("it has no starts")?;
    let ends = u.ints(2, "ends")?.ok_or("it has no ends")?;
    let axes = u.ints(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = u.ints(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [&ends, &axes, &steps].iter().any(|list| list.len() != starts.len()) {
        return Err("starts, ends, axes and steps of different lengths".into());
    }
    for (((start, end), at), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let at = axis(*at, rank)?;
        let len = x.shape[at] as i64;
        let from_front = |n: i64| if n < 0 { n.saturating_add(len) } else { n };
        let (start, end) = match *step {
            0 => return Err("a step of 0".into()),
            _ if len == 0 => (0, 0),
            1.. => (from_front(*start).clamp(0, len), from_front(*end).clamp(0, len)),
            _ => (from_front(*start).clamp(0, len - 1), from_front(*end).clamp(-1, len - 1)),
        };
        let span = if *step > 0 { end - start } else { start - end };
        let taken = (span.max(0) as u64).div_ceil(step.unsigned_abs()) as usize;
        x = x.sliced(at, start.max(0) as usize, *step as isize, taken);
    }
    Ok(x)
}

fn gather(u: &Use<'_>) -> Said<Tensor> {
    let (x, which) = (u.input(0)?, u.input(1)?);
    let at = axis(u.node.int("axis", 0), x.shape.len())?;
    let rows: Vec<usize> = which.wholes()?.iter().map(|n| axis(*n, x.shape[at])).collect::<Said<_>>()?;
    let shape = [&x.shape[..at], &which.shape, &x.shape[at + 1..]].concat();
    room(&shape, x.len())?;
    let steps = strides(&x.shape);
    let step = steps[at] as usize;
    let inner = walk(&x.shape[at + 1..], &steps[at + 1..], 0);
    let places: Vec<usize> = walk(&x.shape[..at], &steps[..at], 0)
        .into_iter()
        .flat_map(|outer| rows.iter().map(move |row| outer + row * step))
        .flat_map(|start| inner.iter().map(move |n| start + n))
        .collect();
    Ok(x.pick(&shape, &places))
}

fn pad(u: &Use<'_>) -> Said<Tensor> {
    let x = u.input(0)?;
    let pads = u.ints(1, "pads")?.ok_or("it has no pads")?;
    let rank = x.shape.len();
    let axes = match u.optional(3) {
        Some(axes) => axes_of(axes.wholes()?, rank)?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(format!("pads is {pads:?} for {} axes", axes.len()));
    }
    let (mut before, mut behind) = (vec![0i64; rank], vec![0i64; rank]);
    for (n, at) in axes.iter().enumerate() {
        (before[*at], behind[*at]) = (pads[n], pads[n + axes.len()]);
    }
    let mode = u.node.text("mode", "constant");
    if mode == "constant" {
        let value = match u.optional(2) {
            Some(value) => value.reals()?.first().copied().unwrap_or(0.0),
            None => u.node.float("value", 0.0),
        };
        return x.padded(&positive("pads", &before)?, &positive("pads", &behind)?, value);
    }
    let mut y = x.clone();
    for at in 0..rank {
        let len = x.shape[at] as i64;
        let all = len.saturating_add(before[at].max(0)).saturating_add(behind[at].max(0));
        room(&[x.len(), usize::try_from(all).unwrap_or(usize::MAX)], x.len())?;
        if len == 0 {
            return Err(format!("the mode {mode} for {:?}, which is empty", x.shape));
        }
        let source = |n: i64| -> Said<i64> {
            Ok(match mode.as_str() {
                "edge" => n.clamp(0, len - 1),
                "wrap" => n.rem_euclid(len),
                "reflect" if len > 1 => {
                    let n = n.rem_euclid(2 * (len - 1));
                    if n < len { n } else { 2 * (len - 1) - n }
                }
                _ => return Err(format!("the mode {mode}")),
            })
        };
        let places: Vec<i64> =
            (before[at].saturating_neg()..len.saturating_add(behind[at])).map(source).collect::<Said<_>>()?;
        let parts: Vec<Tensor> = places.iter().map(|n| y.sliced(at, *n as usize, 1, 1)).collect();
        y = Tensor::joined(&parts.iter().collect::<Vec<_>>(), at)?;
    }
    Ok(y)
}

fn blocks(u: &Use<'_>) -> Said<Tensor> {
    let (x, b) = (u.input(0)?, u.node.int("blocksize", 1));
    let [n, c, h, w] = x.shape[..] else { return Err(format!("an input {:?}", x.shape)) };
    if !(1..=1 << 10).contains(&b) {
        return Err(format!("blocksize is {b}, expected 1 to 1024"));
    }
    let b = b as usize;
    let undivided = |what: &str, n: usize, by: usize| format!("{what} is {n}, expected a multiple of {by}");
    if u.node.op() == "SpaceToDepth" {
        if let Some(side) = [h, w].into_iter().find(|side| side % b != 0) {
            return Err(undivided("a side of the input", side, b));
        }
        let cut = x.reshaped(&[n, c, h / b, b, w / b, b])?.transposed(&[0, 3, 5, 1, 2, 4]);
        return cut.reshaped(&[n, c * b * b, h / b, w / b]);
    }
    if c % (b * b) != 0 {
        return Err(undivided("the number of channels", c, b * b));
    }
    let cut = match u.node.text("mode", "DCR").as_str() {
        "DCR" => x.reshaped(&[n, b, b, c / (b * b), h, w])?.transposed(&[0, 3, 4, 1, 5, 2]),
        _ => x.reshaped(&[n, c / (b * b), b, b, h, w])?.transposed(&[0, 1, 4, 2, 5, 3]),
    };
    cut.reshaped(&[n, c / (b * b), h * b, w * b])
}

fn split(u: &Use<'_>) -> Said<Vec<Tensor>> {
    let x = u.input(0)?;
    let at = axis(u.node.int("axis", 0), x.shape.len())?;
    let lens = match u.ints(1, "split")? {
        Some(lens) => positive("split", &lens)?,
        None => {
            let parts = u.node.int("num_outputs", u.outputs() as i64).max(1) as usize;
            let each = x.shape[at].div_ceil(parts);
            (0..parts).map(|n| each.min(x.shape[at].saturating_sub(n * each))).collect()
        }
    };
    if lens.iter().fold(0usize, |all, len| all.saturating_add(*len)) != x.shape[at] {
        return Err(format!("split is {lens:?} for an axis of {}", x.shape[at]));
    }
    let mut from = 0;
    let mut take = |len: usize| {
        from += len;
        x.sliced(at, from - len, 1, len)
    };
    Ok(lens.into_iter().map(&mut take).collect())
}

/// Dropout returns its input outside of training, and where nothing is dropped.
fn dropout(u: &Use<'_>) -> Said<Vec<Tensor>> {
    let x = u.input(0)?;
    let training = match u.optional(2) {
        Some(flag) => flag.wholes()?.first() == Some(&1),
        None => false,
    };
    let ratio = match u.optional(1) {
        Some(ratio) => ratio.reals()?.first().copied().unwrap_or(0.0),
        None => u.node.float("ratio", 0.5),
    };
    if training && ratio != 0.0 {
        return Err("in training: which elements are dropped follows from a generator of NumPy's".into());
    }
    let mask = Tensor { kind: kind::BOOL, ..Tensor::whole(&x.shape, vec![1; x.len()]) };
    Ok(vec![x.clone(), mask])
}

/// A cast to the tensor's own type, or between integers of shapes.
fn cast(u: &Use<'_>) -> Said<Option<Tensor>> {
    let x = u.input(0)?;
    let to = match u.node.op() {
        "Cast" => u.node.int("to", 0) as i32,
        _ => u.input(1)?.kind,
    };
    if to == x.kind {
        return Ok(Some(x.clone()));
    }
    Ok(match (&x.data, to) {
        (Data::Whole(values), kind::INT64) if u.known => Some(Tensor::whole(&x.shape, values.clone())),
        (Data::Whole(values), kind::FLOAT) if u.known => {
            Some(Tensor::real(&x.shape, values.iter().map(|v| *v as f32).collect()))
        }
        _ => return Err(format!("from {} to {}", kind::name(x.kind), kind::name(to))),
    })
}

/// Arithmetic on the integers of shapes.
pub(super) fn whole(op: &str, u: &Use<'_>) -> Said<Vec<Tensor>> {
    let types: Vec<&str> = u.inputs.iter().flatten().map(|t| kind::name(t.kind)).collect();
    if !u.known || op.starts_with("Cast") {
        return Err(format!("elements of type {}; kernels compute with float", types.join(" and ")));
    }
    if op == "Range" {
        let bound = |n: usize| u.input(n)?.wholes().map(|v| v.first().copied().unwrap_or(0));
        let (from, to, step) = (bound(0)?, bound(1)?, bound(2)?);
        if step <= 0 {
            return Err(format!("a step of {step}"));
        }
        room(&[(to.saturating_sub(from).max(0) as u64).div_ceil(step as u64) as usize], 0)?;
        let all: Vec<i64> = (from..to).step_by(step as usize).collect();
        return Ok(vec![Tensor::whole(&[all.len()], all)]);
    }
    if op == "Neg" {
        let x = u.input(0)?;
        return Ok(vec![Tensor::whole(&x.shape, x.wholes()?.iter().map(|v| v.wrapping_neg()).collect())]);
    }
    let (a, b) = (u.input(0)?, u.input(1)?);
    let shape = broadcast(&[&a.shape, &b.shape])?;
    let (a, b) = (a.expanded(&shape)?, b.expanded(&shape)?);
    let pairs = a.wholes()?.iter().zip(b.wholes()?);
    let found: Option<Vec<i64>> = pairs
        .map(|(a, b)| match op {
            "Add" => a.checked_add(*b),
            "Sub" => a.checked_sub(*b),
            "Mul" => a.checked_mul(*b),
            _ => a.checked_div(*b),
        })
        .collect();
    let found = found.ok_or("shapes beyond 64 bits")?;
    Ok(vec![Tensor::whole(&shape, found)])
}
