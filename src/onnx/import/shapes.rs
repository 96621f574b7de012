//! What follows from constants and shapes alone, and what the file's input is.

use super::{Axis, Flow, Layout, Options, Said, Value, plain, takes};
use crate::onnx::{
    attributes::Node,
    execute::{Use, shapes_only},
    proto::{ModelProto, NodeProto, ValueInfoProto, kind},
    tensor::Tensor,
};
use crate::program::counted;

/// The input as a flow, the shape of an image, and the batch where it is fixed.
pub(super) fn input(
    input: &ValueInfoProto,
    file: &ModelProto,
    nodes: &[&NodeProto],
    options: &Options,
) -> Said<(Flow, [usize; 3], Option<usize>)> {
    let tensor =
        input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()).ok_or("has an input that is no tensor")?;
    if !takes(tensor.elem_type) {
        return Err(format!(
            "takes elements of type {}, expected float or uint8",
            kind::name(tensor.elem_type)
        ));
    }
    let dims = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let lens: Vec<Option<usize>> =
        dims.iter().map(|d| d.dim_value.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0)).collect();
    let (batch, rest) = lens.split_first().ok_or("has an input without axes")?;
    let fail =
        |why: &str| format!("takes an input {lens:?}: {why}; say `--input-shape HEIGHT,WIDTH,CHANNELS`");
    let (shape, axes) = match rest {
        [a, b, c] => {
            let layout =
                options.layout.or_else(|| told(file)).unwrap_or_else(|| guessed(&input.name, rest, nodes));
            let found = match layout {
                Layout::Nchw => [*b, *c, *a],
                Layout::Nhwc => [*a, *b, *c],
            };
            let found = match (options.input_shape, found) {
                (Some(shape), _) => shape,
                (None, [Some(h), Some(w), Some(c)]) => [h, w, c],
                _ => return Err(fail("its lengths are free")),
            };
            let order: &[usize] = if layout == Layout::Nchw { &[0, 3, 1, 2] } else { &[0, 1, 2, 3] };
            (found, order.iter().map(|n| Axis::Of(*n)).collect())
        }
        [h, w] => match (options.input_shape, h, w) {
            (Some(shape), ..) => (shape, plain(2)),
            (None, Some(h), Some(w)) => ([*h, *w, 1], plain(2)),
            _ => return Err(fail("its lengths are free")),
        },
        [Some(flat)] => {
            let side = flat.isqrt();
            match options.input_shape {
                Some(shape) if counted(&shape)? == *flat => (shape, vec![Axis::Of(0)]),
                None if side * side == *flat => ([side, side, 1], vec![Axis::Of(0)]),
                _ => return Err(fail("no image has that many numbers")),
            }
        }
        _ => return Err(fail("an image has three axes behind the batch")),
    };
    counted(&shape)?;
    let mut flow = Flow {
        layer: None,
        shape: shape.to_vec(),
        axes,
        gather: None,
        flipped: false,
        raw: tensor.elem_type == kind::UINT8,
        positive: true,
        sole: true,
    };
    match rest.len() {
        // One axis for all: the numbers of an image in their order. Two: an image of one channel.
        1 => flow.axes = vec![Axis::Of(0), Axis::Of(1), Axis::Of(2), Axis::Of(3)],
        2 => flow.axes = vec![Axis::Of(0), Axis::Of(1), Axis::Of(2), Axis::Of(3)],
        _ => {}
    }
    Ok((flow, shape, *batch))
}

/// The layout as wgrad's own files tell it.
fn told(file: &ModelProto) -> Option<Layout> {
    match file.metadata("input.layout")? {
        "NHWC" => Some(Layout::Nhwc),
        "NCHW" => Some(Layout::Nchw),
        _ => None,
    }
}

/// Channels are first where a node for images takes the input as it is, or where only the first axis looks like channels.
fn guessed(name: &str, rest: &[Option<usize>], nodes: &[&NodeProto]) -> Layout {
    let images = ["Conv", "MaxPool", "AveragePool", "BatchNormalization"];
    let few = |n: Option<usize>| matches!(n, Some(1 | 3 | 4));
    let taken = nodes
        .iter()
        .any(|n| n.input.first().is_some_and(|i| i == name) && images.contains(&n.op_type.as_str()));
    match taken || few(rest[0]) && !few(rest[2]) {
        true => Layout::Nchw,
        false => Layout::Nhwc,
    }
}

/// The value of a node that follows from constants, or from the shape of a flow.
pub(super) fn constant(
    node: &Node<'_>,
    inputs: &[Option<Value>],
    batch: Option<usize>,
) -> Said<Option<Value>> {
    if let (op @ ("Shape" | "Size"), Some(Some(Value::Flow(flow)))) = (node.op(), inputs.first()) {
        if op == "Size" {
            return Err("the number of all elements, which depends on the batch".into());
        }
        let mut lens = flow.lens();
        if let (Some(first), Some(batch)) = (lens.first_mut().filter(|n| **n == -1), batch) {
            *first = batch as i64;
        }
        let rank = lens.len() as i64;
        let place = |n: i64| (if n < 0 { n + rank } else { n }).clamp(0, rank) as usize;
        let (start, end) = (place(node.int("start", 0)), place(node.int("end", rank)));
        let part = lens[start.min(end)..end].to_vec();
        return Ok(Some(Value::Constant(Tensor::whole(&[part.len()], part))));
    }
    let mut tensors = Vec::new();
    for input in inputs {
        match input {
            Some(Value::Constant(tensor)) => tensors.push(Some(tensor)),
            None => tensors.push(None),
            Some(Value::Zeros) => return Ok(Some(Value::Zeros).filter(|_| node.op() != "Concat")),
            Some(Value::Flow(_)) => return Ok(None),
        }
    }
    // Zeros for each image of a batch: the first state of a recurrent layer.
    if ["ConstantOfShape", "Expand"].contains(&node.op()) {
        let shape = tensors.last().copied().flatten().ok_or("it has no shape")?;
        if shape.wholes()?.contains(&-1) {
            let filled = match node.op() {
                "Expand" => tensors[0].is_some_and(|t| t.reals().is_ok_and(|v| v.iter().all(|v| *v == 0.0))),
                _ => node.attribute("value").and_then(|a| a.t.as_ref()).is_none_or(|t| {
                    Tensor::from_proto(t).is_ok_and(|t| t.reals().is_ok_and(|v| v.iter().all(|v| *v == 0.0)))
                }),
            };
            return match filled {
                true => Ok(Some(Value::Zeros)),
                false => Err("numbers other than zero for each image of a batch".into()),
            };
        }
    }
    if tensors.is_empty() && node.op() != "Constant" {
        return Ok(None);
    }
    let found = shapes_only(&Use { node: *node, inputs: tensors, known: true })?;
    Ok(found.and_then(|outputs| outputs.into_iter().next()).map(Value::Constant))
}
