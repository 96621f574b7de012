//! The views that nodes make of their inputs: other axes, parts, factors and masks, and products.

use super::{
    Said, Value,
    attention::{self, Hiding},
    factors::{Along, Axes, is_all, longer, places},
    heads::Contraction,
    name_of,
    network::Network,
    product::product,
    short,
    views::{Base, Scores, View},
};
use crate::onnx::{
    attributes::{Node, axis, positive},
    proto::kind,
    tensor::Tensor,
};
use std::rc::Rc;

/// The letters of the axes of a product of matrices: those before the last two, then rows, the summed one, columns.
const LETTERS: [char; 8] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/// The part of its input that a `Dropout` drops in training; its ratio and flag are constants.
///
/// # Errors
/// Says that no layer drops that much, or that a file for inference drops.
pub(super) fn drop_rate(node: Node<'_>, [ratio, flag]: [Option<&Tensor>; 2], training: bool) -> Said<f64> {
    let rate = match ratio {
        Some(ratio) => ratio.reals()?.first().copied().unwrap_or(0.5),
        None => node.float("ratio", 0.5),
    };
    if !(0.0..1.0).contains(&rate) {
        return Err(format!("a ratio of {rate}, expected one in [0, 1)"));
    }
    let drops = flag.is_some_and(|flag| flag.wholes().is_ok_and(|flag| flag != [0]));
    if drops && !training {
        return Err("in training (its third input); export the network for inference".into());
    }
    Ok(short(rate))
}

/// A node with its inputs as views.
pub(super) struct Viewed<'a> {
    network: &'a mut Network,
    pub node: Node<'a>,
    pub inputs: &'a [Option<Value>],
    pub views: Vec<Option<View>>,
    /// True if an input is a view already, which no layer gives.
    late: bool,
    sole: bool,
}

/// The views that a node makes of its inputs, one for each output; `None` where it makes none.
///
/// # Errors
/// Says what wgrad's attention does not have.
pub(super) fn views(
    network: &mut Network,
    node: Node<'_>,
    inputs: &[Option<Value>],
    batch: Option<usize>,
    sole: bool,
) -> Said<Option<Vec<View>>> {
    let view = |input: &Option<Value>| match input {
        Some(Value::View(view)) => Some((**view).clone()),
        Some(Value::Flow(flow)) => flow.view(batch),
        _ => None,
    };
    let late = inputs.iter().any(|input| matches!(input, Some(Value::View(_))));
    let views = inputs.iter().map(view).collect();
    let mut v = Viewed { network, node, inputs, views, late, sole };
    let one = |view: Option<View>| view.map(|view| vec![view]);
    Ok(match node.op() {
        "Reshape" => one(v.reshape()),
        "MatMul" | "Einsum" | "Gemm" => one(v.product()?),
        "Attention" => Some(vec![v.attention()?]),
        "Mul" | "Div" => one(v.scaled()?),
        "Split" | "SplitToSequence" => Some(v.split().ok_or(
            "parts of an axis; only those of the features of a sequence are read, as queries, keys and values",
        )?),
        "Where" => one(Some(v.hidden()?.ok_or(
            "is only read as part of an activation that wgrad has, such as gelu, or as a causal mask of scores, and is \
             neither here",
        )?)),
        "Slice" => one(v.slice()),
        "Gather" => one(v.gather()),
        _ if !late => None,
        "Transpose" => one(v.transpose()),
        "Squeeze" | "Unsqueeze" => one(v.unit_axes()),
        "Identity" => v.first().cloned().map(|view| vec![view]),
        "Cast" if v.node.int("to", 0) as i32 == kind::FLOAT => v.first().cloned().map(|view| vec![view]),
        "CastLike" if v.constant(1).is_none_or(|like| like.reals().is_ok()) => v.first().cloned().map(|view| vec![view]),
        "Dropout" => one(v.dropped()?),
        "Add" => one(v.sum()?),
        "Softmax" => one(v.softmax()),
        _ => None,
    })
}

impl Viewed<'_> {
    pub fn first(&self) -> Option<&View> {
        self.views.first()?.as_ref()
    }

    pub fn constant(&self, n: usize) -> Option<&Tensor> {
        match self.inputs.get(n) {
            Some(Some(Value::Constant(tensor))) => Some(tensor),
            _ => None,
        }
    }

    /// Integers from an input or, in older versions of the operator, from an attribute.
    pub fn wholes(&self, n: usize, attribute: &str) -> Option<Vec<i64>> {
        match self.constant(n) {
            Some(tensor) => Some(tensor.wholes().ok()?.to_vec()),
            None => self.node.ints(attribute).map(<[i64]>::to_vec),
        }
    }

    /// The file's axis with this number, which may count from the end.
    pub fn at(&self, view: &View, number: i64) -> Option<usize> {
        axis(number, view.axes.0.len()).ok()
    }

    /// A view of the first input.
    pub fn made(&self, axes: Axes) -> Option<View> {
        let x = self.first()?;
        Some(View { sole: x.sole && self.sole, ..x.with(axes) })
    }

    fn reshape(&self) -> Option<View> {
        let x = self.first()?;
        let wanted = self.constant(1)?.wholes().ok()?;
        let axes = x.axes.reshaped(wanted, self.node.int("allowzero", 0) == 1)?;
        // A sequence and a flattened image are layers of their own.
        let Base::Layer(source) = &x.base else { return self.made(axes) };
        let whole = match &axes.0[..] {
            [_, steps, features] => {
                is_all(steps, Along::Steps, source.steps())
                    && is_all(features, Along::Features, source.features())
            }
            [batch, _] => longer(batch).iter().all(|factor| factor.along == Along::Batch),
            _ => false,
        };
        if whole && !self.late {
            return None;
        }
        self.made(axes)
    }

    fn transpose(&self) -> Option<View> {
        let x = self.first()?;
        let order = match self.node.ints("perm") {
            Some(perm) => positive("perm", perm).ok()?,
            None => (0..x.axes.0.len()).rev().collect(),
        };
        self.made(x.axes.transposed(&order)?)
    }

    fn unit_axes(&self) -> Option<View> {
        let x = self.first()?;
        let wanted = self.wholes(1, "axes")?;
        let more = self.node.op() == "Unsqueeze";
        let rank = x.axes.0.len() + if more { wanted.len() } else { 0 };
        let mut at: Vec<usize> = wanted.iter().map(|n| axis(*n, rank).ok()).collect::<Option<_>>()?;
        at.sort_unstable();
        at.dedup();
        if at.len() != wanted.len() {
            return None;
        }
        self.made(if more { x.axes.unsqueezed(&at)? } else { x.axes.squeezed(&at)? })
    }

    /// Shares of keys of which some are dropped in training.
    fn dropped(&self) -> Said<Option<View>> {
        let Some(x) = self.first() else { return Ok(None) };
        let Base::Scores(scores) = &x.base else { return Ok(None) };
        let rate = drop_rate(self.node, [1, 2].map(|n| self.constant(n)), self.network.training)?;
        if rate == 0.0 {
            return Ok(self.made(x.axes.clone()));
        }
        if scores.is_open() || scores.dropout != 0.0 {
            return Err(format!(
                "drops {rate} of the scores of an attention, or of its shares for a second time; MultiHeadAttention drops \
                 shares, after the softmax, once"
            ));
        }
        let scores = Scores { dropout: rate, ..(**scores).clone() };
        Ok(Some(View { base: Base::Scores(Rc::new(scores)), sole: x.sole && self.sole, ..x.clone() }))
    }

    /// A constant and the index of the other input.
    fn with_constant(&self) -> Option<(&Tensor, usize)> {
        let at = (0..2).find(|n| self.constant(*n).is_some())?;
        Some((self.constant(at)?, 1 - at))
    }

    /// A product with a number, or a quotient by one; a product of scores with a mask of zeros and ones.
    fn scaled(&self) -> Said<Option<View>> {
        let Some((c, at)) = self.with_constant() else { return Ok(None) };
        let (Some(x), Ok(numbers)) = (self.views.get(at).and_then(Option::as_ref), c.reals()) else {
            return Ok(None);
        };
        let quotient = self.node.op() == "Div";
        let known = match &x.base {
            // Queries and keys are divided before they are split into heads, too.
            Base::Layer(source) => self.late || self.network.is_product(source.layer.as_deref()),
            Base::Scores(scores) => scores.is_open(),
            Base::Heads(_) => false,
        };
        if !known || quotient && at == 1 || c.shape.len() > x.axes.0.len() {
            return Ok(None);
        }
        let [number] = numbers[..] else {
            let flags = numbers.iter().all(|v| *v == 0.0 || *v == 1.0) && !quotient;
            let masked = || attention::masked(x, c, Hiding::Zero, |at| Ok(numbers[at] == 0.0));
            return if flags { masked() } else { Ok(None) };
        };
        let by = if quotient { 1.0 / number } else { number };
        let fits = by > 0.0 && by.is_finite();
        Ok(fits.then(|| View { scale: x.scale * by, sole: x.sole && self.sole, ..x.clone() }))
    }

    /// A mask of scores, or the bias of a product.
    fn sum(&mut self) -> Said<Option<View>> {
        let Some((c, at)) = self.with_constant() else { return Ok(None) };
        let Some(x) = self.views.get(at).cloned().flatten() else { return Ok(None) };
        let Ok(numbers) = c.reals() else { return Ok(None) };
        match &x.base {
            Base::Scores(_) => attention::masked(&x, c, Hiding::Low, |at| attention::hides(numbers, at)),
            Base::Layer(source) if x.sole && self.sole => {
                let Some(bias) = bias_of(&x, c, source.features()) else { return Ok(None) };
                let taken = self.network.takes_bias(source.layer.as_deref(), &bias, &source.shape);
                Ok(taken.then_some(x))
            }
            _ => Ok(None),
        }
    }

    /// Scores of which a constant condition replaces those that are hidden.
    fn hidden(&self) -> Said<Option<View>> {
        let Some(which) = self.constant(0) else { return Ok(None) };
        let Some(at) = (1..3).find(|n| self.constant(3 - n).is_some()) else { return Ok(None) };
        let (Some(x), Some(low)) = (self.views.get(at).cloned().flatten(), self.constant(3 - at)) else {
            return Ok(None);
        };
        let (which_of, low) = (which.wholes()?, low.reals()?);
        if low.len() != 1 || !attention::hides(low, 0)? {
            return Ok(None);
        }
        // The condition is true where the second input is taken.
        attention::masked(&x, which, Hiding::Low, |n| Ok((which_of[n] != 0) == (at == 2)))
    }

    fn softmax(&self) -> Option<View> {
        let x = self.first()?;
        let old = self.network.opset < 13;
        let at = self.at(x, self.node.int("axis", if old { 1 } else { -1 }))?;
        // Before version 13, Softmax works over all axes from this one on.
        if old && at + 1 != x.axes.0.len() {
            return None;
        }
        attention::shares(x, at)
    }

    /// A product with a matrix, or of two views.
    fn product(&mut self) -> Said<Option<View>> {
        let rank = |n: usize| match (self.views.get(n).and_then(Option::as_ref), self.constant(n)) {
            (Some(view), _) => view.axes.0.len(),
            (None, Some(c)) => c.shape.len(),
            _ => 0,
        };
        let Some([x, w, y]) = self.letters(rank(0), rank(1)) else { return Ok(None) };
        if let [Some(a), Some(b), ..] = &self.views[..] {
            return Ok(product([a, b], [&x, &w, &y]));
        }
        // A layer has the products of its own output.
        let (Some(view), Some(kernel), true) = (self.first().cloned(), self.constant(1), self.late) else {
            return Ok(None);
        };
        let (kernel, bias) = match self.node.op() {
            "Gemm" => self.matrix(kernel)?,
            _ => (kernel.clone(), None),
        };
        let name = name_of(self.node.0);
        Contraction { view: &view, kernel: &kernel, bias, letters: [&x, &w, &y] }.layer(self.network, name)
    }

    /// The matrix of a `Gemm` and its bias, with their factors.
    fn matrix(&self, kernel: &Tensor) -> Said<(Tensor, Option<Tensor>)> {
        let scaled = |tensor: &Tensor, by: &str| -> Said<Tensor> {
            let by = self.node.float(by, 1.0);
            Ok(Tensor::real(&tensor.shape, tensor.reals()?.iter().map(|v| v * by).collect()))
        };
        let turned = self.node.int("transB", 0) != 0 && kernel.shape.len() == 2;
        let kernel = if turned { kernel.transposed(&[1, 0]) } else { kernel.clone() };
        let units = kernel.shape.last().copied().unwrap_or(1);
        let bias = self.constant(2).map(|c| match c.shape.iter().rev().skip(1).all(|len| *len == 1) {
            true => scaled(&c.reshaped(&[c.len()])?.expanded(&[units])?, "beta"),
            false => Err(format!("a bias {:?}", c.shape)),
        });
        Ok((scaled(&kernel, "alpha")?, bias.transpose()?))
    }

    /// The letters of both operands of a product, and of the result.
    fn letters(&self, first: usize, second: usize) -> Option<[Vec<char>; 3]> {
        if self.node.op() == "Einsum" {
            let equation = self.node.text("equation", "");
            let (operands, output) = equation.split_once("->")?;
            let (a, b) = operands.split_once(',')?;
            let letters = |part: &str| part.chars().filter(|c| !c.is_whitespace()).collect::<Vec<char>>();
            let all = [a, b, output].map(letters);
            let once = |part: &Vec<char>| part.iter().enumerate().all(|(n, c)| !part[..n].contains(c));
            let plain = all.iter().all(|part| part.iter().all(char::is_ascii_alphabetic) && once(part));
            return plain.then_some(all);
        }
        let before = LETTERS.get(..first.checked_sub(2)?)?;
        let lead = if second == 2 { &[][..] } else { before };
        let with = |lead: &[char], ends: [char; 2]| [lead, &ends].concat();
        (lead.len() + 2 == second)
            .then(|| [with(before, ['i', 'k']), with(lead, ['k', 'j']), with(before, ['i', 'j'])])
    }
}

/// One number for each feature of a view, of a constant that broadcasts over all other axes.
fn bias_of(x: &View, c: &Tensor, features: usize) -> Option<Tensor> {
    let rank = x.axes.0.len();
    if c.shape.len() > rank || x.offset != 0 || x.scale != 1.0 {
        return None;
    }
    let lens = [&vec![1; rank - c.shape.len()][..], &c.shape].concat();
    let (mut own, mut shape) = (Vec::new(), Vec::new());
    for (axis, len) in x.axes.0.iter().zip(lens) {
        let along = longer(axis).iter().any(|factor| factor.along == Along::Features);
        match along {
            true => {
                shape.push(len);
                own.push(axis.clone());
            }
            false if len != 1 => return None,
            false => {}
        }
    }
    let full: Vec<usize> = own.iter().map(|axis| Some(places(axis)?.len())).collect::<Option<_>>()?;
    let places = places(&own.concat())?;
    let given = c.reshaped(&shape).ok()?.expanded(&full).ok()?;
    let mut numbers = vec![None; features];
    for (place, value) in places.iter().zip(given.reals().ok()?) {
        if numbers.get_mut(*place)?.replace(*value).is_some() {
            return None;
        }
    }
    Some(Tensor::real(&[features], numbers.into_iter().collect::<Option<_>>()?))
}
