//! Evaluates values that depend on constants and shapes alone, and determines the file's input.

use super::{
    Axis, Flow, Layout, Options, Said, Value, constants::computed, plain, table::Found, takes, written::Step,
};
use crate::onnx::{
    attributes::{Node, broadcast, positive},
    execute::{Use, shapes_only},
    export::ROW,
    proto::{ModelProto, NodeProto, ValueInfoProto, kind},
    tensor::Tensor,
};
use std::rc::Rc;
use wgrad::program::counted;

/// The shape of a row that has the values of all inputs.
pub(super) fn row(inputs: impl Iterator<Item = [usize; 3]>) -> Said<[usize; 3]> {
    let mut sum = 0;
    for shape in inputs {
        sum += counted(&shape)?;
        counted(&[sum])?;
    }
    Ok([1, 1, sum])
}

/// The input as a flow, the shape of an image, and the length of the batch if it is fixed.
pub(super) fn input(
    input: &ValueInfoProto,
    file: &ModelProto,
    steps: &[Step<'_>],
    options: &Options,
    own: Option<&Found<'_>>,
) -> Said<(Flow, [usize; 3], Option<usize>)> {
    let tensor = input
        .r#type
        .as_ref()
        .and_then(|t| t.tensor_type.as_ref())
        .ok_or("has an input that is not a tensor")?;
    if !takes(tensor.elem_type) {
        return Err(format!(
            "takes elements of type {}, expected float, uint8, int32 or int64",
            kind::name(tensor.elem_type)
        ));
    }
    let whole = [kind::INT32, kind::INT64].contains(&tensor.elem_type);
    let dims = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let lens: Vec<Option<usize>> =
        dims.iter().map(|d| d.dim_value.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0)).collect();
    let (batch, rest) = lens.split_first().ok_or("has an input without axes")?;
    if let Some(own) = own {
        let shape = [1, 1, own.table.width()];
        return Ok((Flow { layer: None, ..Flow::new("", &shape, plain(3)) }, shape, *batch));
    }
    let fail = |why: &str| {
        format!("takes an input {}: {why}; say `.input_shape = HEIGHT,WIDTH,CHANNELS`", listed(&lens))
    };
    let (shape, axes) = match rest {
        [a, b, c] => {
            let layout = options
                .layout
                .or_else(|| reported(file))
                .unwrap_or_else(|| guessed(&input.name, rest, steps));
            let found = match layout {
                Layout::Nchw => [*b, *c, *a],
                Layout::Nhwc => [*a, *b, *c],
            };
            let found = match (options.input_shape, found) {
                (Some(shape), reported) if !agree(&shape, &reported) => {
                    return Err(fail(&format!("`.input_shape` is {shape:?}")));
                }
                (Some(shape), _) => shape,
                (None, [Some(h), Some(w), Some(c)]) => [h, w, c],
                _ => return Err(fail("its lengths are free")),
            };
            let order: &[usize] = if layout == Layout::Nchw { &[0, 3, 1, 2] } else { &[0, 1, 2, 3] };
            (found, order.iter().map(|n| Axis::Of(*n)).collect())
        }
        // A sequence whose features come first, as convolutions and pools take it.
        [Some(features), Some(time)] if options.input_shape.is_none() && windowed(&input.name, steps) => {
            ([*time, *features, 1], [0, 2, 1].map(Axis::Of).to_vec())
        }
        // An image of one channel whose axis of channels the file omits.
        [h, w] => match (options.input_shape, h, w) {
            (Some(shape), ..) if !agree(&shape, &[*h, *w, Some(1)]) => {
                return Err(fail(&format!("`.input_shape` is {shape:?}")));
            }
            (Some(shape), ..) => (shape, plain(2)),
            (None, Some(h), Some(w)) => ([*h, *w, 1], plain(2)),
            _ => return Err(fail("its lengths are free")),
        },
        [flat] => {
            let side = flat.map_or(0, usize::isqrt);
            let shape = match (options.input_shape, *flat) {
                (Some(shape), Some(flat)) if counted(&shape)? != flat => {
                    return Err(fail(&format!(
                        "`.input_shape` is {shape:?}, which is {} numbers",
                        counted(&shape)?
                    )));
                }
                (Some(shape), _) => shape,
                (None, None) => return Err(fail("its length is free")),
                (None, Some(flat)) if file.metadata("input.layout") == Some(ROW) || whole => [1, 1, flat],
                // Square numbers are pictures of one channel; small ones, and all others, are rows of a table.
                (None, Some(flat)) if side >= SIDE && side * side == flat => [side, side, 1],
                (None, Some(flat)) => [1, 1, flat],
            };
            (shape, plain(1))
        }
        _ => return Err(fail("an image has three axes after the batch")),
    };
    counted(&shape)?;
    let raw = tensor.elem_type == kind::UINT8;
    // Bytes are never below zero; floats may be.
    let flow = Flow { layer: None, raw, whole, positive: raw, ..Flow::new("", &shape, axes) };
    Ok((flow, shape, *batch))
}

/// Side of the smallest square that a flat input is read as, rather than a row of a table.
const SIDE: usize = 8;

/// True if a shape matches the file's, where that is fixed.
fn agree(shape: &[usize; 3], reported: &[Option<usize>; 3]) -> bool {
    shape.iter().zip(reported).all(|(len, reported)| reported.is_none_or(|reported| reported == *len))
}

/// Lengths in parentheses; `?` stands for a variable one.
fn listed(lens: &[Option<usize>]) -> String {
    let each = lens.iter().map(|len| len.map_or("?".into(), |len| len.to_string()));
    format!("({})", each.collect::<Vec<_>>().join(", "))
}

/// The layout in the metadata of files that wgrad wrote.
fn reported(file: &ModelProto) -> Option<Layout> {
    match file.metadata("input.layout")? {
        "NHWC" => Some(Layout::Nhwc),
        "NCHW" => Some(Layout::Nchw),
        _ => None,
    }
}

/// Guesses the layout: channels come first where a node for images takes the input directly, or where only the
/// first axis looks like channels.
fn guessed(name: &str, rest: &[Option<usize>], steps: &[Step<'_>]) -> Layout {
    let few = |n: Option<usize>| matches!(n, Some(1 | 3 | 4));
    match windowed(name, steps) || few(rest[0]) && !few(rest[2]) {
        true => Layout::Nchw,
        false => Layout::Nhwc,
    }
}

/// True if a node that takes channels first takes the input directly.
fn windowed(name: &str, steps: &[Step<'_>]) -> bool {
    let images = [
        "Conv",
        "MaxPool",
        "AveragePool",
        "BatchNormalization",
        "GroupNormalization",
        "InstanceNormalization",
    ];
    let takes = |node: &NodeProto| node.input.first().is_some_and(|input| input == name);
    steps.iter().any(|step| match step {
        Step::Groups { split, .. } => takes(split),
        _ => takes(step.node()) && images.contains(&step.node().op_type.as_str()),
    })
}

/// The values of a node that depends on constants, or on the shape of a flow, one for each output; `None` for any other.
pub(super) fn constant(
    node: &Node<'_>,
    inputs: &[Option<Value>],
    batch: Option<usize>,
    room: &mut usize,
) -> Said<Option<Vec<Value>>> {
    let one = |value: Value| Ok(Some(vec![value]));
    if let (op @ ("Shape" | "Size"), Some(Some(value @ (Value::Flow(_) | Value::View(_))))) =
        (node.op(), inputs.first())
    {
        if op == "Size" {
            return Err("the number of all elements, which depends on the batch".into());
        }
        let mut lens = match value {
            Value::View(view) => view.axes.lens(),
            Value::Flow(flow) => flow.lens(),
            _ => Vec::new(),
        };
        if let (Some(first), Some(batch)) = (lens.first_mut().filter(|n| **n == -1), batch) {
            *first = batch as i64;
        }
        let rank = lens.len() as i64;
        let place = |n: i64| (if n < 0 { n + rank } else { n }).clamp(0, rank) as usize;
        let (start, end) = (place(node.int("start", 0)), place(node.int("end", rank)));
        let part = lens[start.min(end)..end].to_vec();
        return one(Value::Constant(Rc::new(Tensor::whole(&[part.len()], part))));
    }
    if let ("CastLike", Some(Some(Value::Constant(tensor))), Some(Some(Value::Flow(_) | Value::View(_)))) =
        (node.op(), inputs.first(), inputs.get(1))
    {
        return one(Value::Constant(Rc::new(floats(tensor)?)));
    }
    let mut tensors = Vec::new();
    for input in inputs {
        match input {
            Some(Value::Constant(tensor)) => tensors.push(Some(&**tensor)),
            None => tensors.push(None),
            Some(Value::Zeros) => return Ok((node.op() != "Concat").then(|| vec![Value::Zeros])),
            Some(Value::Flow(_) | Value::View(_) | Value::Sequence(_)) => return Ok(None),
        }
    }
    // Zeros for each image of a batch are the initial state of a recurrent layer.
    if ["ConstantOfShape", "Expand"].contains(&node.op()) {
        let shape = tensors.last().copied().flatten().ok_or("it has no shape")?;
        if shape.wholes()?.contains(&-1) {
            let filled = match node.op() {
                "Expand" => tensors[0].is_some_and(|t| t.reals().is_ok_and(|v| v.iter().all(|v| *v == 0.0))),
                _ => node.attribute("value").and_then(|a| a.t.as_ref()).is_none_or(|t| {
                    Tensor::from_proto(t).is_ok_and(|t| t.reals().is_ok_and(|v| v.iter().all(|v| *v == 0.0)))
                }),
            };
            // Truth values that are the same for each image broadcast to all.
            if let (false, [Some(same), _]) = (filled, &tensors[..])
                && same.kind == kind::BOOL
            {
                let shape: Vec<i64> =
                    shape.wholes()?.iter().map(|len| if *len == -1 { 1 } else { *len }).collect();
                let shape = broadcast(&[&same.shape, &positive("the shape", &shape)?])?;
                return one(Value::Constant(Rc::new(same.expanded(&shape)?)));
            }
            return match filled {
                true => one(Value::Zeros),
                false => Err("numbers other than zero for each image of a batch".into()),
            };
        }
    }
    if tensors.is_empty() && node.op() != "Constant" {
        return Ok(None);
    }
    // The limit applies to all nodes of a file together: each may double the elements of the previous one.
    let full = |made: usize| {
        format!("it makes {made} elements of constants, more than all nodes of this file may make together")
    };
    let joined = tensors.iter().flatten().fold(0usize, |all, t| all.saturating_add(t.len()));
    if node.op() == "Concat" && joined > *room {
        return Err(full(joined));
    }
    let found = match computed(node, &tensors)? {
        Some(tensor) => Some(vec![tensor]),
        None => shapes_only(&Use { node: *node, inputs: tensors, known: true })?,
    };
    let Some(tensors) = found else {
        return Err(
            "all that it takes is part of the file, and it is not one of the operators that are computed during import".into()
        );
    };
    let made = tensors.iter().fold(0usize, |all, t| all.saturating_add(t.len()));
    *room = room.checked_sub(made).ok_or_else(|| full(made))?;
    // The mask of a Dropout is no part of a network.
    let count = if node.op() == "Split" { tensors.len() } else { 1 };
    Ok(Some(tensors.into_iter().take(count).map(|tensor| Value::Constant(Rc::new(tensor))).collect()))
}

/// A constant as floats, which integers of a shape may become, but for that of a batch of any length.
fn floats(tensor: &Tensor) -> Said<Tensor> {
    match tensor.wholes() {
        Err(_) => Ok(tensor.clone()),
        Ok(lens) if tensor.kind == kind::INT64 && lens.iter().all(|len| *len >= 0) => {
            Ok(Tensor::real(&tensor.shape, lens.iter().map(|len| *len as f32).collect()))
        }
        Ok(_) => Err(format!("to float of elements of type {}", kind::name(tensor.kind))),
    }
}
