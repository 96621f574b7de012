//! Reads an operator's attributes with ONNX's defaults, and computes the padding of windows.

use super::{
    proto::{AttributeProto, NodeProto},
    tensor::Tensor,
};
use wgrad::program::counted;

type Said<T> = std::result::Result<T, String>;

/// A node with access to its attributes.
#[derive(Clone, Copy)]
pub(super) struct Node<'a>(pub &'a NodeProto);

impl<'a> Node<'a> {
    pub fn op(&self) -> &'a str {
        &self.0.op_type
    }

    pub fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        self.0.attribute.iter().find(|a| a.name == name)
    }

    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |a| a.i.unwrap_or_default())
    }

    pub fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |a| a.f.unwrap_or_default())
    }

    pub fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|a| a.ints.as_slice())
    }

    pub fn text(&self, name: &str, default: &str) -> String {
        match self.attribute(name).and_then(|a| a.s.as_ref()) {
            Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            None => default.to_string(),
        }
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        let list = self.attribute(name).map_or(&[][..], |a| &a.strings);
        list.iter().map(|s| String::from_utf8_lossy(s).into_owned()).collect()
    }

    /// The name of the activation that the operator computes with its attributes; `None` where wgrad lacks it.
    pub fn activation(&self) -> Option<&'static str> {
        let is = |name: &str, default: f32, wanted: f32| (self.float(name, default) - wanted).abs() < 1e-6;
        Some(match self.op() {
            "Relu" => "relu",
            "Sigmoid" => "sigmoid",
            "Tanh" => "tanh",
            "Softplus" => "softplus",
            "Softsign" => "softsign",
            "Exp" => "exponential",
            "Mish" => "mish",
            "HardSwish" => "hard_silu",
            "Swish" if is("alpha", 1.0, 1.0) => "silu",
            "Gelu" if self.text("approximate", "none") == "tanh" => "gelu_tanh",
            "Gelu" if self.text("approximate", "none") == "none" => "gelu",
            "Elu" if is("alpha", 1.0, 1.0) => "elu",
            "LeakyRelu" if is("alpha", 0.01, 0.2) => "leaky_relu",
            "Selu" if is("alpha", 1.673_263_2, 1.673_263_2) && is("gamma", 1.050_701, 1.050_701) => "selu",
            "HardSigmoid" if is("alpha", 0.2, 1.0 / 6.0) && is("beta", 0.5, 0.5) => "hard_sigmoid",
            _ => return None,
        })
    }

    /// The tensor of a `Constant` node.
    pub fn constant(&self) -> Said<Tensor> {
        if let Some(tensor) = self.attribute("value").and_then(|a| a.t.as_ref()) {
            return Tensor::from_proto(tensor);
        }
        let Some(a) = self.0.attribute.first() else { return Err("a Constant without a value".into()) };
        Ok(match a.name.as_str() {
            "value_float" => Tensor::real(&[], vec![a.f.unwrap_or_default()]),
            "value_floats" => Tensor::real(&[a.floats.len()], a.floats.clone()),
            "value_int" => Tensor::whole(&[], vec![a.i.unwrap_or_default()]),
            "value_ints" => Tensor::whole(&[a.ints.len()], a.ints.clone()),
            other => return Err(format!("a Constant given as {other}")),
        })
    }
}

/// Converts an axis that may be counted from the end to one counted from the front.
pub(super) fn axis(axis: i64, rank: usize) -> Said<usize> {
    let from_front = if axis < 0 { axis + rank as i64 } else { axis };
    match usize::try_from(from_front) {
        Ok(axis) if axis < rank => Ok(axis),
        _ => Err(format!("axis {axis} of a tensor of {rank} axes")),
    }
}

/// A window that moves over the axes after batch and channels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    pub size: Vec<usize>,
    pub strides: Vec<usize>,
    pub dilations: Vec<usize>,
    /// Padding before each axis.
    pub before: Vec<usize>,
    /// Padding after each axis.
    pub behind: Vec<usize>,
    /// Length of each output axis.
    pub out: Vec<usize>,
}

impl Window {
    /// Length that the window spans along an axis, including dilation.
    pub fn extent(&self, n: usize) -> usize {
        (self.size[n] - 1) * self.dilations[n] + 1
    }

    /// The window of a convolution or pool over axes of these lengths. `size` applies where the attributes give
    /// none.
    pub fn of(node: &Node<'_>, input: &[usize], size: Option<&[usize]>) -> Said<Self> {
        let axes = input.len();
        let list = |name: &str, default: usize| -> Said<Vec<usize>> {
            match node.ints(name) {
                Some(ints) if ints.len() == axes => small(name, ints),
                Some(ints) => Err(format!("{name} is {ints:?} for {axes} axes")),
                None => Ok(vec![default; axes]),
            }
        };
        let size = match (node.ints("kernel_shape"), size) {
            (Some(ints), _) => small("kernel_shape", ints)?,
            (None, Some(size)) => size.to_vec(),
            _ => return Err("it has no kernel_shape".into()),
        };
        if size.len() != axes || size.contains(&0) {
            return Err(format!("kernel_shape is {size:?} for {axes} axes"));
        }
        let (strides, dilations) = (list("strides", 1)?, list("dilations", 1)?);
        if strides.contains(&0) || dilations.contains(&0) {
            return Err(format!("strides {strides:?} and dilations {dilations:?} must be at least 1"));
        }
        let mut window = Self {
            size,
            strides,
            dilations,
            before: vec![0; axes],
            behind: vec![0; axes],
            out: vec![0; axes],
        };
        let auto = node.text("auto_pad", "NOTSET");
        if auto != "NOTSET" && node.ints("pads").is_some_and(|pads| pads.iter().any(|n| *n != 0)) {
            return Err(format!("both auto_pad = {auto} and pads; one of them says what is added"));
        }
        for n in 0..axes {
            let (extent, stride) = (window.extent(n), window.strides[n]);
            match auto.as_str() {
                "SAME_UPPER" | "SAME_LOWER" => {
                    let total = (input[n].div_ceil(stride).saturating_sub(1) * stride + extent)
                        .saturating_sub(input[n]);
                    let less = total / 2;
                    window.before[n] = if auto == "SAME_UPPER" { less } else { total - less };
                    window.behind[n] = total - window.before[n];
                }
                "VALID" => {}
                "NOTSET" => {
                    if let Some(pads) = node.ints("pads") {
                        if pads.len() != 2 * axes {
                            return Err(format!("pads is {pads:?} for {axes} axes"));
                        }
                        let pads = small("pads", pads)?;
                        (window.before[n], window.behind[n]) = (pads[n], pads[n + axes]);
                    }
                }
                other => return Err(format!("auto_pad is {other}")),
            }
            let padded = input[n] + window.before[n] + window.behind[n];
            let Some(room) = padded.checked_sub(extent) else {
                return Err(format!("a window of {extent} is larger than its padded input of {padded}"));
            };
            window.out[n] = if node.int("ceil_mode", 0) == 1 {
                // A window that would begin after the input and its front padding is left out.
                let out = room.div_ceil(stride) + 1;
                out - usize::from((out - 1) * stride >= input[n] + window.before[n])
            } else {
                room / stride + 1
            };
        }
        counted(&window.size)?;
        counted(&window.out)?;
        Ok(window)
    }
}

/// The window of a transposed convolution, and the shape of its output.
pub(super) fn transposed_window(
    node: &Node<'_>,
    input: &[usize],
    kernel: &[usize],
) -> Said<(Window, Vec<usize>)> {
    let axes = input.len();
    let list = |name: &str, default: usize| match node.ints(name) {
        Some(ints) => positive(name, ints),
        None => Ok(vec![default; axes]),
    };
    let (strides, dilations) = (list("strides", 1)?, list("dilations", 1)?);
    // None of them is less than 0, and each has its length.
    let lengths = |name: &str, count: usize| match node.ints(name) {
        Some(ints) if ints.len() != count => {
            Err(format!("{name} has {} numbers, expected {count}", ints.len()))
        }
        Some(ints) => match ints.iter().map(|n| usize::try_from(*n)).collect::<Result<Vec<_>, _>>() {
            Ok(lengths) => Ok(Some(lengths)),
            Err(_) => Err(format!("{name} is {ints:?}, expected no number below 0")),
        },
        None => Ok(None),
    };
    let more = lengths("output_padding", axes)?.unwrap_or_else(|| vec![0; axes]);
    let (pads, wanted) = (lengths("pads", 2 * axes)?, lengths("output_shape", axes)?);
    for (name, of) in [("strides", &strides), ("dilations", &dilations), ("kernel_shape", &kernel.to_vec())] {
        if of.len() != axes || of.contains(&0) {
            return Err(format!("{name} is {of:?}, expected {axes} numbers above 0"));
        }
    }
    let auto = node.text("auto_pad", "NOTSET");
    let size = kernel.to_vec();
    let (mut before, mut out) = (vec![0; axes], vec![0; axes]);
    for n in 0..axes {
        let full = (input[n] - 1) * strides[n] + (size[n] - 1) * dilations[n] + 1 + more[n];
        let same = auto.starts_with("SAME");
        let length = wanted.as_ref().map(|w| w[n]).or(same.then(|| input[n] * strides[n]));
        match length {
            Some(length) => {
                let total = (full).saturating_sub(length);
                before[n] = if auto == "SAME_UPPER" { total / 2 } else { total - total / 2 };
                out[n] = length;
            }
            None => {
                let own = pads.as_ref().map_or([0, 0], |p| [p[n], p[n + axes]]);
                before[n] = own[0];
                out[n] = full.checked_sub(own[0] + own[1]).ok_or("pads larger than the output")?;
            }
        }
    }
    let behind = vec![0; axes];
    Ok((Window { size, strides, dilations, before, behind, out: input.to_vec() }, out))
}

/// Lengths within a window, bounded so that their products do not overflow; no network has larger ones.
fn small(name: &str, ints: &[i64]) -> Said<Vec<usize>> {
    match positive(name, ints)? {
        list if list.iter().any(|n| *n > 1 << 20) => {
            Err(format!("{name} is {ints:?}, expected at most {}", 1 << 20))
        }
        list => Ok(list),
    }
}

/// Integers, checked to be at least zero.
pub(super) fn positive(name: &str, ints: &[i64]) -> Said<Vec<usize>> {
    let list: Option<Vec<usize>> = ints.iter().map(|n| usize::try_from(*n).ok()).collect();
    list.ok_or_else(|| format!("{name} is {ints:?}; numbers below zero are not supported"))
}

/// The shape to which all these shapes broadcast.
pub(super) fn broadcast(shapes: &[&[usize]]) -> Said<Vec<usize>> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    (0..rank)
        .map(|n| {
            let lens = shapes.iter().filter_map(|s| (n + s.len()).checked_sub(rank).map(|at| s[at]));
            let longest = lens.clone().find(|len| *len != 1).unwrap_or(1);
            match lens.clone().all(|len| len == 1 || len == longest) {
                true => Ok(longest),
                false => Err(format!("{shapes:?} do not broadcast to one shape")),
            }
        })
        .collect()
}

/// The shape that a `Reshape` requests.
pub(super) fn reshaped(input: &[usize], wanted: &[i64], allow_zero: bool) -> Said<Vec<usize>> {
    let fail = || format!("{input:?} does not reshape to {wanted:?}");
    let mut shape = Vec::new();
    let mut free = None;
    for (n, len) in wanted.iter().enumerate() {
        shape.push(match *len {
            -1 if free.is_none() => {
                free = Some(n);
                1
            }
            0 if !allow_zero => *input.get(n).ok_or_else(fail)?,
            len => usize::try_from(len).map_err(|_| fail())?,
        });
    }
    let (total, known) = (counted(input)?, counted(&shape)?);
    if let Some(n) = free {
        if known == 0 || total % known != 0 {
            return Err(fail());
        }
        shape[n] = total / known;
    }
    if counted(&shape)? == total { Ok(shape) } else { Err(fail()) }
}
