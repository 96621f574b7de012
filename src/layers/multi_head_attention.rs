//! Attention: each step of a sequence takes a mean of values, weighted by how well its query matches their keys.

use super::{MaskRule, Place, Rules, dropout::dropped, mask, matrix};
use crate::{
    initializer::{Initializer, KernelInitializer},
    kernels::{
        ATTENTION_FORWARD, ATTENTION_GRAD, ATTENTION_GRAD_DELTA, CONCATENATE, MATMUL, MATMUL_GRAD_INPUT,
        MATMUL_GRAD_WEIGHT, SLICE_COLUMNS,
    },
    op::{Call, Op},
    program::{Builder, ParameterId, ValueId},
    range::{SHARE, is_share},
};

/// `MultiHeadAttention(num_heads, key_dim)` (Vaswani et al. 2017) of a query, a value and, optionally, a key, each (time,
/// features): inputs = ["x", "x"] attends to itself. Query, key and value are products with matrices of their own, the
/// output is one more, as long as the query. A key that a mask of the value or of the key leaves out gets no weight. In
/// training, weights are dropped as by [`super::Dropout`].
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiHeadAttention {
    /// Number of heads, each of which attends by itself.
    pub num_heads: usize,
    /// Length of a head's queries and keys.
    pub key_dim: usize,
    /// Length of a head's values; as of its keys, if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_dim: Option<usize>,
    /// Share of the weights of values that is dropped in training, in [0, 1).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropout: f64,
    /// True if each product has a bias.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub use_bias: bool,
    /// True if a step attends only to steps up to its own.
    #[serde(default, skip_serializing_if = "is_no")]
    pub use_causal_mask: bool,
    /// Initializer of the four matrices.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kernel_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_no(value: &bool) -> bool {
    !value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(super) fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// Refuses what is no share of weights to drop.
pub(super) fn drops(dropout: f64) -> Result<(), String> {
    if is_share(dropout) { Ok(()) } else { Err(format!("dropout is {dropout}; expected {SHARE}")) }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_default(initializer: &KernelInitializer) -> bool {
    *initializer == KernelInitializer::default()
}

/// Sizes of an attention without its products.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    pub heads: usize,
    pub queries: usize,
    pub keys: usize,
    pub key: usize,
    pub value: usize,
    pub scale: f64,
    pub causal: bool,
    /// Share of the weights of values that is dropped in training.
    pub dropout: f64,
    /// Tells the random numbers of the layer from those of others.
    pub stream: usize,
}

impl Heads {
    fn call(&self, b: &Builder, op: &'static Op) -> Call {
        let sizes = [
            ("ROWS", b.batch()),
            ("HEADS", self.heads),
            ("T", self.queries),
            ("S", self.keys),
            ("KEY", self.key),
            ("VALUE", self.value),
            ("CAUSAL", usize::from(self.causal)),
        ];
        let call = Call::new(op, &sizes).with("SCALE", f64::from(self.scale as f32));
        if !b.training() || self.dropout == 0.0 {
            return call;
        }
        let [threshold, kept] = dropped(self.dropout);
        call.with("STREAM", self.stream as f64).with("THRESHOLD", threshold).with("KEPT", kept)
    }

    /// Appends the attention of a query, a key and a value. Returns the output, and what the gradient needs besides.
    pub fn forward(&self, b: &mut Builder, label: &str, [q, k, v]: [ValueId; 3]) -> [ValueId; 2] {
        let y = b.batched(&format!("{label} heads"), &[self.queries, self.heads * self.value]);
        let stats = b.batched(&format!("{label} sums"), &[self.queries, self.heads]);
        let buffers = [("y", y), ("stats", stats), ("q", q), ("k", k), ("v", v)];
        b.call(label, self.call(b, &ATTENTION_FORWARD), &buffers);
        [y, stats]
    }

    /// Appends the gradients of the query, the key and the value.
    pub fn backward(
        &self,
        b: &mut Builder,
        label: &str,
        dy: ValueId,
        [q, k, v]: [ValueId; 3],
        [y, stats]: [ValueId; 2],
    ) -> [ValueId; 3] {
        let shapes = [(self.queries, self.key), (self.keys, self.key), (self.keys, self.value)];
        let names = ["query", "key", "value"];
        let mut of = |n: usize| {
            let (steps, len) = shapes[n];
            b.batched(&format!("d {label} {}", names[n]), &[steps, self.heads * len])
        };
        let [dq, dk, dv] = [of(0), of(1), of(2)];
        let sums = b.batched(&format!("d {label} sums"), &[self.queries, self.heads, 2]);
        let sizes = [("ROWS", b.batch()), ("HEADS", self.heads), ("T", self.queries), ("VALUE", self.value)];
        let buffers = [("sums", sums), ("dy", dy), ("y", y), ("stats", stats)];
        b.call(label, Call::new(&ATTENTION_GRAD_DELTA, &sizes), &buffers);
        let buffers =
            [("dq", dq), ("dk", dk), ("dv", dv), ("dy", dy), ("q", q), ("k", k), ("v", v), ("sums", sums)];
        b.call(label, self.call(b, &ATTENTION_GRAD), &buffers);
        [dq, dk, dv]
    }
}

/// Score of a key that does not count, before the softmax: its share is 0 in f32.
const LOW: f64 = -1e9;

/// The masks of an attention. A key that does not count has no share. A query that does not count, or that sees no key that
/// does, has the mean of all values, as in Keras.
struct Masked<'p> {
    heads: Heads,
    label: &'p str,
    /// Which keys, and their values, count.
    keys: Option<ValueId>,
    /// Which queries have scores.
    queries: ValueId,
}

impl<'p> Masked<'p> {
    /// The masks of the inputs, if there are any.
    fn of(b: &mut Builder, heads: Heads, place: &'p Place) -> Option<Self> {
        let label = place.name.as_str();
        let mask = |input: usize| place.masks.get(input).copied().flatten();
        let queries = mask(0);
        // The key is the value, if there is none of its own.
        let keys = mask::intersection(b, label, [mask(1), mask(2)]);
        let Some(keys) = keys else {
            return Some(Self { heads, label, keys, queries: queries? });
        };
        let some = mask::steps(b, label, keys, heads.keys, 0.0);
        let queries = queries
            .unwrap_or_else(|| b.constant(&format!("{label} queries"), vec![1.0; b.batch() * heads.queries]));
        let queries = mask::rows(b, label, queries, some, 0.0);
        Some(Self { heads, label, keys: Some(keys), queries })
    }

    /// The sizes with a number more in each query and key, which adds [`LOW`] to the scores of some keys.
    fn heads(&self) -> Heads {
        Heads { key: self.heads.key + usize::from(self.keys.is_some()), ..self.heads }
    }

    /// Appends queries and keys that have the scores of the masks.
    fn forward(&self, b: &mut Builder, [q, k]: [ValueId; 2]) -> [ValueId; 2] {
        let (heads, label) = (self.heads, self.label);
        let mut both = [q, k];
        if let Some(keys) = self.keys {
            let ones =
                b.constant(&format!("{label} ones"), vec![1.0; b.batch() * heads.queries * heads.heads]);
            let nothing = b.zeros(&[heads.keys, heads.heads]);
            let low = f64::from((LOW / heads.scale) as f32);
            let scores = mask::rows(b, label, nothing, keys, low);
            for (all, (steps, more)) in both.iter_mut().zip([(heads.queries, ones), (heads.keys, scores)]) {
                let shape = [steps, heads.heads * (heads.key + 1)];
                let y = b.batched(&format!("{label} with masks"), &shape);
                let rows = b.batch() * steps * heads.heads;
                let call = Call::new(&CONCATENATE, &[("ROWS", rows), ("A", heads.key), ("B", 1)]);
                b.call(label, call, &[("y", y), ("a", *all), ("b", more)]);
                *all = y;
            }
        }
        [mask::rows(b, label, both[0], self.queries, 0.0), both[1]]
    }

    /// Appends the gradients of the queries and keys of [`Masked::forward`].
    fn backward(&self, b: &mut Builder, [dq, dk]: [ValueId; 2]) -> [ValueId; 2] {
        let (heads, label) = (self.heads, self.label);
        let mut both = [mask::rows(b, label, dq, self.queries, 0.0), dk];
        if self.keys.is_some() {
            for (all, steps) in both.iter_mut().zip([heads.queries, heads.keys]) {
                let shape = [steps, heads.heads * heads.key];
                let dx = b.batched(&format!("d {label} without masks"), &shape);
                let x = b.zeros(&shape);
                let sizes = [
                    ("ROWS", b.batch() * steps * heads.heads),
                    ("WIDTH", heads.key + 1),
                    ("FROM", 0),
                    ("COUNT", heads.key),
                ];
                b.call(label, Call::new(&SLICE_COLUMNS, &sizes), &[("dx", dx), ("dy", *all), ("x", x)]);
                *all = dx;
            }
        }
        both
    }
}

/// A product of the rows of a sequence with a matrix, and what follows from it.
struct Product<'p> {
    label: &'p str,
    x: ValueId,
    /// Steps, numbers of a row, and of a row of the product.
    sizes: [usize; 3],
    kernel: ParameterId,
    bias: Option<ParameterId>,
}

impl Product<'_> {
    fn sizes(&self, b: &Builder) -> [(&'static str, usize); 3] {
        let [steps, inner, outer] = self.sizes;
        [("M", b.batch() * steps), ("N", outer), ("K", inner)]
    }

    fn forward(&self, b: &mut Builder, name: &str) -> ValueId {
        let [steps, _, outer] = self.sizes;
        let (y, w) = (b.batched(name, &[steps, outer]), b.parameter(self.kernel));
        let bias = b.bias(self.bias, outer);
        let call = Call::new(&MATMUL, &self.sizes(b));
        b.call(self.label, call, &[("y", y), ("x", self.x), ("w", w), ("b", bias)]);
        y
    }

    fn backward(&self, b: &mut Builder, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let [steps, inner, outer] = self.sizes;
        let (dw, db) = (b.gradient(self.kernel), b.bias_gradient(self.bias, outer));
        let call = Call::new(&MATMUL_GRAD_WEIGHT, &self.sizes(b));
        b.call(self.label, call, &[("dw", dw), ("db", db), ("x", self.x), ("dy", dy)]);
        wanted.then(|| {
            let w = b.parameter(self.kernel);
            let dx = b.batched(&format!("d {} input", self.label), &[steps, inner]);
            let call = Call::new(&MATMUL_GRAD_INPUT, &self.sizes(b)).activated(b.fused(self.x));
            b.call(self.label, call, &[("dx", dx), ("dy", dy), ("w", w), ("x", self.x)]);
            dx
        })
    }
}

impl MultiHeadAttention {
    /// Creates a layer of `num_heads` heads with queries, keys and values of length `key_dim`.
    pub fn new(num_heads: usize, key_dim: usize) -> Self {
        Self {
            num_heads,
            key_dim,
            value_dim: None,
            dropout: 0.0,
            use_bias: true,
            use_causal_mask: false,
            kernel_initializer: KernelInitializer::default(),
            name: None,
        }
    }

    /// Length of a head's values.
    pub fn value_len(&self) -> usize {
        self.value_dim.unwrap_or(self.key_dim)
    }

    fn heads(&self, place: &Place) -> Heads {
        Heads {
            heads: self.num_heads,
            queries: place.input[0],
            keys: place.inputs[1].1[0],
            key: self.key_dim,
            value: self.value_len(),
            scale: 1.0 / (self.key_dim as f64).sqrt(),
            causal: self.use_causal_mask,
            dropout: self.dropout,
            stream: place.index,
        }
    }

    /// The products of query, key and value; the key is the value, if there is none of its own.
    fn products<'p>(&self, place: &'p Place) -> [Product<'p>; 3] {
        let of = |input: usize, n: usize, len: usize| {
            let (x, shape) = &place.inputs[input.min(place.inputs.len() - 1)];
            let (steps, inner) = matrix(shape);
            let [kernel, bias] = self.tensors(place, n);
            Product {
                label: &place.name,
                x: *x,
                sizes: [steps, inner, self.num_heads * len],
                kernel: kernel.unwrap_or(ParameterId(0)),
                bias,
            }
        };
        [of(0, 0, self.key_dim), of(2, 1, self.key_dim), of(1, 2, self.value_len())]
    }

    /// Matrix and bias of product `n`.
    fn tensors(&self, place: &Place, n: usize) -> [Option<ParameterId>; 2] {
        let each = 1 + usize::from(self.use_bias);
        let at = |m: usize| place.parameters.get(n * each + m).copied();
        [at(0), at(1).filter(|_| self.use_bias)]
    }

    /// The product that gives the output, of the outputs of all heads.
    fn last<'p>(&self, place: &'p Place, x: ValueId) -> Product<'p> {
        let (steps, outer) = matrix(&place.output);
        let [kernel, bias] = self.tensors(place, 3);
        let inner = self.num_heads * self.value_len();
        Product {
            label: &place.name,
            x,
            sizes: [steps, inner, outer],
            kernel: kernel.unwrap_or(ParameterId(0)),
            bias,
        }
    }
}

impl Rules for MultiHeadAttention {
    fn slug(&self) -> &'static str {
        "multi_head_attention"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn joins(&self) -> bool {
        true
    }

    fn draws(&self) -> bool {
        self.dropout > 0.0
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Passes
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.joined_shape(&[input.to_vec(), input.to_vec()])
    }

    fn joined_shape(&self, inputs: &[Vec<usize>]) -> Result<Vec<usize>, String> {
        let (heads, key, value) = (self.num_heads, self.key_dim, self.value_len());
        if heads == 0 || key == 0 || value == 0 {
            return Err(format!(
                "num_heads is {heads}, key_dim {key} and value_dim {value}; each needs at least 1"
            ));
        }
        drops(self.dropout)?;
        if !(2..=3).contains(&inputs.len()) {
            let got = inputs.len();
            return Err(format!(
                "it takes a query, a value and perhaps a key, got {got}; name them: inputs = [\"x\", \"x\"]"
            ));
        }
        if let Some(other) = inputs.iter().find(|shape| shape.len() != 2) {
            return Err(format!("an input has shape {other:?}, it takes (time, features) of each"));
        }
        let (query, value) = (&inputs[0], &inputs[1]);
        if let Some(key) = inputs.get(2).filter(|key| key[0] != value[0]) {
            return Err(format!(
                "its key has {} steps and its value {}; each key belongs to a value",
                key[0], value[0]
            ));
        }
        Ok(query.clone())
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        self.joined_parameters(&[input.to_vec(), input.to_vec()])
    }

    fn joined_parameters(&self, inputs: &[Vec<usize>]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let (heads, key, value) = (self.num_heads, self.key_dim, self.value_len());
        let features = |n: usize| inputs[n.min(inputs.len() - 1)].last().copied().unwrap_or(1);
        let (query, output) = (features(0), features(0));
        // Keras counts the fans of a kernel of three axes as those of a convolution: the first is the window.
        let kernel = |shape: [usize; 3]| {
            let fans = [shape[0] * shape[1], shape[0] * shape[2]];
            (shape.to_vec(), self.kernel_initializer.of(fans, shape[2]))
        };
        let tensors = [
            (["query_kernel", "query_bias"], [query, heads, key], vec![heads, key]),
            (["key_kernel", "key_bias"], [features(2), heads, key], vec![heads, key]),
            (["value_kernel", "value_bias"], [features(1), heads, value], vec![heads, value]),
            (["output_kernel", "output_bias"], [heads, value, output], vec![output]),
        ];
        let mut all = Vec::new();
        for ([name, of_bias], shape, bias) in tensors {
            let (shape, initializer) = kernel(shape);
            all.push((name, shape, initializer));
            if self.use_bias {
                all.push((of_bias, bias, Initializer::Zeros));
            }
        }
        all
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let heads = self.heads(place);
        let names = ["query", "key", "value"].map(|part| format!("{} {part}", place.name));
        let products = self.products(place);
        let [mut q, mut k, v] = [0, 1, 2].map(|n| products[n].forward(b, &names[n]));
        let masked = Masked::of(b, heads, place);
        if let Some(masked) = &masked {
            [q, k] = masked.forward(b, [q, k]);
        }
        let heads = masked.as_ref().map_or(heads, Masked::heads);
        let [y, stats] = heads.forward(b, &place.name, [q, k, v]);
        let output = self.last(place, y).forward(b, &place.name);
        let queries = masked.map(|masked| masked.queries);
        place.saved = [q, k, v, y, stats].into_iter().chain(queries).collect();
        output
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.backward_all(b, place, dy, &[wanted, false]).into_iter().next().flatten()
    }

    fn backward_all(
        &self,
        b: &mut Builder,
        place: &Place,
        dy: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let [q, k, v, y, stats] = [0, 1, 2, 3, 4].map(|n| place.saved[n]);
        // The heads' output always has a gradient: those of the matrices before it need it.
        let Some(dy) = self.last(place, y).backward(b, dy, true) else { return Vec::new() };
        let heads = self.heads(place);
        let keys = [1, 2].iter().find_map(|input| place.masks.get(*input).copied().flatten());
        let masked =
            place.saved.get(5).map(|queries| Masked { heads, label: &place.name, keys, queries: *queries });
        let sizes = masked.as_ref().map_or(heads, Masked::heads);
        let mut gradients = sizes.backward(b, &place.name, dy, [q, k, v], [y, stats]);
        if let Some(masked) = masked {
            let [dq, dk, dv] = gradients;
            let [dq, dk] = masked.backward(b, [dq, dk]);
            gradients = [dq, dk, dv];
        }
        let own_key = place.inputs.len() > 2;
        let of_key = wanted.get(if own_key { 2 } else { 1 }).copied().unwrap_or(false);
        let wanted = [wanted[0], of_key, wanted[1]];
        let products = self.products(place);
        let [dx, dkey, dvalue] = [0, 1, 2].map(|n| products[n].backward(b, gradients[n], wanted[n]));
        match (own_key, dkey, dvalue) {
            (true, ..) => vec![dx, dvalue, dkey],
            (false, Some(key), Some(value)) => vec![dx, Some(b.sum(&place.name, key, value))],
            _ => vec![dx, None],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MultiHeadAttention;
    use crate::{
        layers::{Attention, Layer, Reshape},
        model::Model,
        optim::Optimizer,
        preprocessing::Preprocessing,
        program::Mode,
    };
    use std::collections::BTreeSet;

    /// Operation and sizes of each attention in a network of two that drop this share.
    fn calls(dropout: f64, mode: Mode) -> Vec<(&'static str, crate::op::Sizes)> {
        let model = Model::new("attends", [6, 4, 1])
            .add(Reshape { target_shape: vec![6, 4], name: Some("x".into()) })
            .add_from(MultiHeadAttention { dropout, ..MultiHeadAttention::new(2, 3) }, &["x", "x"])
            .add_from(Attention { dropout, ..Attention::new() }, &["multi_head_attention_1", "x"])
            .add(crate::layers::Flatten::new())
            .add(crate::layers::Dense::new(2));
        let program = model.program(&Preprocessing::default(), mode, 3, 1, &Optimizer::default());
        let nodes = program.unwrap_or_else(|e| panic!("{e}")).nodes;
        let calls = nodes.into_iter().map(|node| (node.call.op.name, node.call.sizes));
        calls.filter(|(op, _)| ["attention_forward", "attention_grad"].contains(op)).collect()
    }

    #[test]
    fn weights_are_dropped_in_training_only_and_alike_in_both_passes() {
        let dropping = calls(0.25, Mode::Train);
        assert_eq!(dropping.len(), 4, "{dropping:?}");
        let streams: BTreeSet<_> = dropping.iter().map(|(_, sizes)| sizes["STREAM"] as u32).collect();
        assert_eq!(streams, [1, 2].into(), "each layer has numbers of its own");
        for (op, sizes) in &dropping {
            let drops = ["THRESHOLD", "KEPT"].map(|name| sizes[name]);
            assert_eq!(drops, [2f64.powi(30), f64::from((1.0 / 0.75) as f32)], "{op}");
        }
        // The keys of calls, and with them kernels and bits, are those of layers without dropout.
        for (dropout, mode) in [(0.0, Mode::Train), (0.25, Mode::Evaluate), (0.25, Mode::Predict)] {
            let calls = calls(dropout, mode);
            assert!(calls.len() >= 2);
            for (op, sizes) in calls {
                assert!(
                    sizes.keys().all(|name| !["STREAM", "THRESHOLD", "KEPT"].contains(&name.as_str())),
                    "{op}"
                );
            }
        }
    }

    #[test]
    fn a_table_says_what_is_dropped() {
        let layer: Layer = MultiHeadAttention { dropout: 0.25, ..MultiHeadAttention::new(2, 3) }.into();
        let table = toml::Table::try_from(&layer).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(table["dropout"], toml::Value::from(0.25));
        let without: Layer = Attention::new().into();
        let without = toml::Table::try_from(&without).unwrap_or_else(|e| panic!("{e}"));
        assert!(!without.contains_key("dropout"));
        let read = |kind: &str, text: &str| Layer::from_table(kind, toml::from_str(text).expect("TOML"));
        let read = read("Attention", "dropout = 0.25").and_then(Result::ok);
        assert_eq!(read, Some(Attention { dropout: 0.25, ..Attention::new() }.into()));
    }
}
