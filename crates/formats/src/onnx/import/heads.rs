//! Layers of views: a product of features with a matrix is a `Dense`; one behind heads makes them a `MultiHeadAttention`, and
//! one head without matrices is an `Attention`.

use super::{
    Said,
    factors::{Along, Axes, Factor, longer, places},
    network::Network,
    product::Operand,
    views::{Base, Heads, Side, Source, View},
};
use crate::onnx::tensor::Tensor;
use wgrad::layers::{Attention, Dense, Layer, MultiHeadAttention, Rescaling, Reshape, Rules};

/// Largest relative difference of a factor from one that it is taken for; files compute it in f32.
const APART: f64 = 1e-6;

/// The product of a view's features with a matrix: letters of its axes, of the matrix's, and of the result's.
pub(super) struct Contraction<'a> {
    pub view: &'a View,
    pub kernel: &'a Tensor,
    pub bias: Option<Tensor>,
    pub letters: [&'a [char]; 3],
}

impl Contraction<'_> {
    /// The result's axes and the kernel, with a row for each feature of the base; `None` where other axes are summed, or not
    /// all features.
    fn sorted(&self, features: usize) -> Option<(Axes, Tensor)> {
        let [own, of_kernel, output] = self.letters;
        if self.view.axes.0.len() != own.len() || self.kernel.shape.len() != of_kernel.len() {
            return None;
        }
        let summed: Vec<char> = own.iter().copied().filter(|l| of_kernel.contains(l)).collect();
        let new: Vec<char> = of_kernel.iter().copied().filter(|l| !own.contains(l)).collect();
        let as_new: Vec<char> = output.iter().copied().filter(|l| new.contains(l)).collect();
        if summed.iter().any(|l| output.contains(l)) || as_new != new || self.view.offset != 0 {
            return None;
        }
        let operand = Operand { view: self.view, letters: own };
        let order: Vec<usize> = summed
            .iter()
            .chain(&new)
            .map(|l| of_kernel.iter().position(|k| k == l))
            .collect::<Option<_>>()?;
        let kernel = self.kernel.transposed(&order);
        let (rows, columns) = kernel.shape.split_at(summed.len());
        let joined: Vec<Factor> =
            summed.iter().map(|l| operand.axis(*l)).collect::<Option<Vec<_>>>()?.concat();
        let from = permutation(&places(&joined)?, features)?;
        if rows.iter().product::<usize>() != features {
            return None;
        }
        let (columns, units) = (columns.to_vec(), columns.iter().product::<usize>());
        let picked: Vec<usize> = from.iter().flat_map(|row| row * units..(row + 1) * units).collect();
        let stride = |n: usize| columns[n + 1..].iter().product();
        let axis = |letter: &char| match new.iter().position(|l| l == letter) {
            Some(n) => Some(vec![Factor::new(Along::Features, columns[n], stride(n))]),
            None => {
                let axis = operand.axis(*letter)?;
                let kept = longer(axis).iter().all(|factor| factor.along != Along::Features);
                kept.then(|| axis.to_vec())
            }
        };
        let axes = Axes(output.iter().map(axis).collect::<Option<_>>()?);
        let scale = self.view.scale;
        let numbers = kernel.reals().ok()?;
        let numbers = picked.into_iter().map(|at| numbers[at] * scale).collect();
        Some((axes, Tensor::real(&[features, units], numbers)))
    }

    /// Appends the layer: a `Dense`, or a `MultiHeadAttention` behind heads. `None` where the product is none of features.
    pub fn layer(&self, network: &mut Network, name: &str) -> Said<Option<View>> {
        let features = match &self.view.base {
            Base::Layer(source) => source.features(),
            Base::Heads(heads) => heads.heads * heads.value.len,
            Base::Scores(_) => return Ok(None),
        };
        let Some((axes, kernel)) = self.sorted(features) else {
            return match &self.view.base {
                Base::Heads(heads) => Err(format!(
                    "a product of {:?}, the output of {} heads, with {:?}; MultiHeadAttention has one of all their \
                     {features} numbers",
                    self.view.axes.lens(),
                    heads.heads,
                    self.kernel.shape
                )),
                _ => Ok(None),
            };
        };
        let units = kernel.shape[1];
        let source = match &self.view.base {
            Base::Heads(heads) => multi_head(network, heads, kernel, self.bias.clone(), name)?,
            Base::Layer(source) => {
                let use_bias = self.bias.is_some();
                let weights = [("kernel", Some(kernel)), ("bias", self.bias.clone())];
                let weights =
                    weights.into_iter().filter_map(|(short, tensor)| Some((short, tensor?))).collect();
                let make = |name| Dense { use_bias, name, ..Dense::new(units) }.into();
                let input = sequence(network, source, name);
                let layer = network.add(name, &[input], make, weights);
                Source::new(&layer, &[source.steps(), units])
            }
            Base::Scores(_) => return Ok(None),
        };
        Ok(Some(View { base: Base::Layer(source), axes, offset: 0, scale: 1.0, sole: true }))
    }
}

/// Where each place is in a list that has each once.
fn permutation(places: &[usize], count: usize) -> Option<Vec<usize>> {
    let mut from = vec![None; count];
    for (n, place) in places.iter().enumerate() {
        if from.get_mut(*place)?.replace(n).is_some() {
            return None;
        }
    }
    from.into_iter().collect()
}

/// The layer that has the features of each step of a source in one axis.
fn sequence(network: &mut Network, source: &Source, name: &str) -> Option<String> {
    if source.shape.len() == 2 {
        return network.first_alike(source.layer.as_deref());
    }
    let target = [source.steps(), source.features()].map(|len| len as i64);
    let make = |name| Reshape { name, ..Reshape::new(&target) }.into();
    let made = network.add(&format!("{name}_rows"), std::slice::from_ref(&source.layer), make, Vec::new());
    network.first_alike(Some(&made))
}

/// A product of the rows of a sequence that gives queries, keys or values.
struct Projection {
    /// The layer whose rows they are.
    input: Option<String>,
    /// (features, heads, length)
    kernel: Tensor,
    /// (heads, length)
    bias: Option<Tensor>,
}

impl Projection {
    /// The matrix of a side, which must be the output of a product.
    fn of(network: &mut Network, side: &Side, heads: usize, scale: f32, what: &str) -> Said<Self> {
        let fail = || {
            format!("the {what} of {heads} heads, which are no product of a sequence with a constant matrix")
        };
        let built = network.layer(side.source.layer.as_deref()).ok_or_else(fail)?;
        // One axis of the input is summed over, and only steps are kept.
        let axes = side.source.shape.len() - 1;
        let linear = match &built.layer {
            Layer::Dense(layer) => axes == 1 && layer.activation.name() == "linear",
            Layer::EinsumDense(layer) => {
                layer.new_axes().len() == axes && layer.activation.name() == "linear"
            }
            _ => false,
        };
        let (name, input) = (built.name.clone(), built.inputs.first().cloned().flatten());
        let kernel = network.weights.get(&format!("{name}.kernel")).ok_or_else(fail)?;
        if !linear || kernel.shape.len() != axes + 1 {
            return Err(fail());
        }
        let (rows, columns) = (kernel.shape[0], side.source.features());
        let scale = scale * side.scale;
        let picked: Vec<usize> = (0..heads)
            .flat_map(|head| (0..side.len).map(move |n| side.offset + head * side.head + n * side.stride))
            .collect();
        let part = |numbers: &[f32], from: usize| -> Vec<f32> {
            picked.iter().map(|at| numbers[from + at] * scale).collect()
        };
        let numbers = kernel.reals()?;
        let all = (0..rows).flat_map(|row| part(numbers, row * columns)).collect();
        let kernel = Tensor::real(&[rows, heads, side.len], all);
        let bias = network.weights.get(&format!("{name}.bias"));
        let bias = bias.map(|bias| Ok::<_, String>(Tensor::real(&[heads, side.len], part(bias.reals()?, 0))));
        let bias = bias.transpose()?;
        Ok(Self { input: network.first_alike(input.as_deref()), kernel, bias })
    }
}

/// Appends the layer of heads whose outputs are multiplied with a last matrix.
fn multi_head(
    network: &mut Network,
    all: &Heads,
    kernel: Tensor,
    bias: Option<Tensor>,
    name: &str,
) -> Said<Source> {
    let (heads, key, value) = (all.heads, all.query.len, all.value.len);
    // wgrad divides by the root of the length of a key.
    let scale = all.scale * (key as f64).sqrt();
    let scale = if (scale - 1.0).abs() < APART { 1.0 } else { scale as f32 };
    let query = Projection::of(network, &all.query, heads, scale, "queries")?;
    let keys = Projection::of(network, &all.key, heads, 1.0, "keys")?;
    let values = Projection::of(network, &all.value, heads, 1.0, "values")?;
    let (features, units) = (query.kernel.shape[0], kernel.shape[1]);
    if features != units {
        return Err(format!(
            "the output of an attention has {units} features, and its query {features}; MultiHeadAttention gives as \
             many as the query has"
        ));
    }
    let use_bias = bias.is_some() || [&query, &keys, &values].iter().any(|p| p.bias.is_some());
    let layer = MultiHeadAttention {
        value_dim: (value != key).then_some(value),
        use_bias,
        use_causal_mask: all.causal,
        dropout: all.dropout,
        ..MultiHeadAttention::new(heads, key)
    };
    let mut inputs = vec![query.input, values.input];
    if keys.input != inputs[1] {
        inputs.push(keys.input);
    }
    let mut weights = vec![
        ("query_kernel", query.kernel),
        ("key_kernel", keys.kernel),
        ("value_kernel", values.kernel),
        ("output_kernel", kernel.reshaped(&[heads, value, units])?),
    ];
    let open = bias.is_none();
    if use_bias {
        let zeros = |shape: &[usize]| Tensor::real(shape, vec![0.0; shape.iter().product()]);
        weights.extend([
            ("query_bias", query.bias.unwrap_or_else(|| zeros(&[heads, key]))),
            ("key_bias", keys.bias.unwrap_or_else(|| zeros(&[heads, key]))),
            ("value_bias", values.bias.unwrap_or_else(|| zeros(&[heads, value]))),
            ("output_bias", bias.unwrap_or_else(|| zeros(&[units]))),
        ]);
    }
    let make = |name| MultiHeadAttention { name, ..layer }.into();
    let name = network.add(name, &inputs, make, weights);
    if open {
        network.unbiased.insert(name.clone());
    }
    Ok(Source::new(&name, &[all.query.source.steps(), units]))
}

/// Returns true if a layer of heads takes these numbers as the bias of its last matrix.
pub(super) fn output_bias(network: &mut Network, name: &str, bias: &Tensor) -> bool {
    if !network.unbiased.remove(name) {
        return false;
    }
    let built = network.layer(Some(name)).map(|built| &mut built.layer);
    let Some(Layer::MultiHeadAttention(layer)) = built else { return false };
    let (heads, key, value) = (layer.num_heads, layer.key_dim, layer.value_len());
    let had = std::mem::replace(&mut layer.use_bias, true);
    if !had {
        for (short, len) in [("query_bias", key), ("key_bias", key), ("value_bias", value)] {
            network.set(name, short, Tensor::real(&[heads, len], vec![0.0; heads * len]));
        }
    }
    network.set(name, "output_bias", bias.clone());
    true
}

/// True if one head has queries, keys and values as they are: an `Attention` has no matrices and no factor of its own.
pub(super) fn is_plain(heads: &Heads) -> bool {
    let sides = [&heads.query, &heads.key, &heads.value];
    heads.heads == 1 && sides.iter().all(|side| side.is_whole())
}

/// True if the scores of heads are not scaled.
pub(super) fn is_unscaled(heads: &Heads) -> bool {
    (heads.scale - 1.0).abs() < APART
}

/// Appends the layer of heads that no matrix follows.
///
/// # Errors
/// Says that wgrad has such a layer only for one head.
pub(super) fn plain(network: &mut Network, heads: &Heads, name: &str) -> Said<Source> {
    if !is_plain(heads) {
        return Err(format!(
            "an attention of {} heads that no product of all their outputs with a constant matrix follows; \
             MultiHeadAttention has one, and Attention takes whole sequences in one head",
            heads.heads
        ));
    }
    let sides = [&heads.query, &heads.value, &heads.key];
    let mut inputs: Vec<Option<String>> =
        sides.iter().map(|side| sequence(network, &side.source, name)).collect();
    let mut shapes: Vec<Vec<usize>> =
        sides.iter().map(|side| vec![side.source.steps(), side.source.features()]).collect();
    if inputs[1] == inputs[2] {
        inputs.pop();
        shapes.pop();
    }
    if !is_unscaled(heads) {
        let make = |name| Rescaling { name, ..Rescaling::new(heads.scale) }.into();
        inputs[0] = Some(network.add(&format!("{name}_scale"), &inputs[..1], make, Vec::new()));
    }
    let layer = Attention { use_causal_mask: heads.causal, dropout: heads.dropout, ..Attention::new() };
    let shape = layer.joined_shape(&shapes)?;
    let make = |name| Attention { name, ..layer }.into();
    let name = network.add(name, &inputs, make, Vec::new());
    Ok(Source::new(&name, &shape))
}

impl Network {
    /// True if a layer is a product with a matrix.
    pub fn is_product(&self, layer: Option<&str>) -> bool {
        let layer = self.built(layer).map(|built| &built.layer);
        matches!(layer, Some(Layer::Dense(_) | Layer::EinsumDense(_)))
    }

    /// Returns true if a product with a matrix takes one number for each of its features as its bias.
    pub fn takes_bias(&mut self, layer: Option<&str>, bias: &Tensor, shape: &[usize]) -> bool {
        let Some(built) = self.layer(layer) else { return false };
        let name = built.name.clone();
        match &mut built.layer {
            Layer::Dense(layer) if !layer.use_bias && shape.len() == 2 => layer.use_bias = true,
            Layer::EinsumDense(layer)
                if layer.bias_axes.is_none() && layer.new_axes().len() + 1 == shape.len() =>
            {
                layer.bias_axes = Some(layer.new_axes().to_string());
            }
            Layer::MultiHeadAttention(_) => return output_bias(self, &name, bias),
            _ => return false,
        }
        let Ok(bias) = bias.reshaped(&shape[1..]) else { return false };
        self.set(&name, "bias", bias);
        true
    }
}
