//! Attention, with weights of its own and without, as products and a softmax.

use super::{Flow, Weights, Writer, writer::int};
use crate::onnx::tensor::Tensor;
use wgrad::{
    layers::{Attention, MultiHeadAttention, Place},
    program::ParameterId,
};

type Said<T> = std::result::Result<T, String>;

/// Added to the score of a key that a query must not see: its share is then 0 in f32.
const HIDDEN: f32 = -1e9;

/// Appends the mean of values, weighted by a softmax of products of queries and keys.
pub(super) fn plain(w: &mut Writer, layer: &Attention, place: &Place, inputs: &[Flow]) -> Flow {
    let name = place.name.as_str();
    let inputs: Vec<Flow> = inputs.iter().map(|x| w.nhwc(x)).collect();
    let (query, value, key) = (&inputs[0], &inputs[1], inputs.get(2).unwrap_or(&inputs[1]));
    let key = w.transpose(&format!("{name}/key"), &key.name, &[0, 2, 1]);
    let scores = w.node("MatMul", &format!("{name}/scores"), &[&query.name, &key], Vec::new());
    let causal = layer.use_causal_mask.then_some([query.shape[0], value.shape[0]]);
    let shares = shares(w, name, scores, causal, layer.dropout);
    let y = w.node("MatMul", name, &[&shares, &value.name], Vec::new());
    Flow { name: y, shape: place.output.clone(), nchw: false }
}

/// Appends the products of query, key and value with their matrices, the attention of each head, and the product of all
/// heads with the last matrix.
pub(super) fn of_heads(
    w: &mut Writer,
    layer: &MultiHeadAttention,
    place: &Place,
    inputs: &[Flow],
    weights: &Weights<'_>,
) -> Said<Flow> {
    let name = place.name.as_str();
    let inputs: Vec<Flow> = inputs.iter().map(|x| w.nhwc(x)).collect();
    let (query, value, key) = (&inputs[0], &inputs[1], inputs.get(2).unwrap_or(&inputs[1]));
    let each = 1 + usize::from(layer.use_bias);
    let tensors: Vec<&[ParameterId]> = place.parameters.chunks(each).collect();
    let part = |part: &str| format!("{name}/{part}");
    // The axes of a head: (batch, heads, time, length), of keys (batch, heads, length, time).
    let q = matrix(w, &part("query"), query, tensors[0], weights)?;
    let q = heads(w, &part("query"), &q, layer.num_heads, layer.key_dim, &[0, 2, 1, 3]);
    let k = matrix(w, &part("key"), key, tensors[1], weights)?;
    let k = heads(w, &part("key"), &k, layer.num_heads, layer.key_dim, &[0, 2, 3, 1]);
    let v = matrix(w, &part("value"), value, tensors[2], weights)?;
    let v = heads(w, &part("value"), &v, layer.num_heads, layer.value_len(), &[0, 2, 1, 3]);
    let scores = w.node("MatMul", &part("scores"), &[&q, &k], Vec::new());
    let scale = Tensor::real(&[], vec![(1.0 / (layer.key_dim as f64).sqrt()) as f32]);
    let scale = w.constant(&part("scale"), scale);
    let scores = w.node("Mul", &part("scaled"), &[&scores, &scale], Vec::new());
    let causal = layer.use_causal_mask.then_some([query.shape[0], value.shape[0]]);
    let shares = shares(w, name, scores, causal, layer.dropout);
    let mixed = w.node("MatMul", &part("mixed"), &[&shares, &v], Vec::new());
    let turned = w.transpose(&part("turned"), &mixed, &[0, 2, 1, 3]);
    let all = layer.num_heads * layer.value_len();
    let shape = w.whole(&part("joined_shape"), &[0, 0, all as i64]);
    let joined = w.node("Reshape", &part("joined"), &[&turned, &shape], Vec::new());
    let joined = Flow { name: joined, shape: vec![query.shape[0], all], nchw: false };
    let y = matrix(w, name, &joined, tensors[3], weights)?;
    Ok(Flow { name: y, shape: place.output.clone(), nchw: false })
}

/// Appends a softmax of scores over the keys, of which each query sees only those up to its own step if `causal` has the
/// numbers of queries and keys. Training drops a part of it.
fn shares(
    w: &mut Writer,
    name: &str,
    mut scores: String,
    causal: Option<[usize; 2]>,
    dropout: f64,
) -> String {
    if let Some([queries, keys]) = causal {
        let hidden = |at: usize| if at % keys > at / keys { HIDDEN } else { 0.0 };
        let mask = Tensor::real(&[queries, keys], (0..queries * keys).map(hidden).collect());
        let mask = w.constant(&format!("{name}/mask"), mask);
        scores = w.node("Add", &format!("{name}/seen"), &[&scores, &mask], Vec::new());
    }
    let shares = w.node("Softmax", &format!("{name}/shares"), &[&scores], vec![int("axis", -1)]);
    if dropout == 0.0 { shares } else { w.dropout(&format!("{name}/kept"), &shares, dropout) }
}

/// Appends the product of the rows of `x` with a kernel, and its bias. The node that gives the result is called `wanted`.
fn matrix(
    w: &mut Writer,
    wanted: &str,
    x: &Flow,
    tensors: &[ParameterId],
    weights: &Weights<'_>,
) -> Said<String> {
    let rows = x.shape.last().copied().unwrap_or(1);
    let kernel = tensors.first().ok_or("it has no kernel")?;
    let columns = weights.tensor(*kernel).len() / rows;
    let matrix = weights.tensor(*kernel).reshaped(&[rows, columns])?;
    let matrix = w.constant(weights.name(*kernel), matrix);
    let Some(bias) = tensors.get(1) else {
        return Ok(w.node("MatMul", wanted, &[&x.name, &matrix], Vec::new()));
    };
    let numbers = weights.tensor(*bias).reshaped(&[columns])?;
    let numbers = w.constant(weights.name(*bias), numbers);
    let product = w.node("MatMul", &format!("{wanted}/product"), &[&x.name, &matrix], Vec::new());
    Ok(w.node("Add", wanted, &[&product, &numbers], Vec::new()))
}

/// Appends the division of rows into heads, whose axes then have this order.
fn heads(w: &mut Writer, name: &str, x: &str, heads: usize, len: usize, order: &[usize]) -> String {
    let shape = w.whole(&format!("{name}/heads_shape"), &[0, 0, heads as i64, len as i64]);
    let split = w.node("Reshape", &format!("{name}/heads"), &[x, &shape], Vec::new());
    w.transpose(&format!("{name}/turned"), &split, order)
}
