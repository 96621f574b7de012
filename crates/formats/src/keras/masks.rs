//! Masks in functional models. Keras writes the operations that make them into the graph, and the calls that take them.
//! wgrad makes the same masks itself; here they are only compared.

use super::node::{self, Call, Mask, Origin, Words, is_tensor, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use wgrad::layers::{Layer, MaskRule};

/// Arguments of a call that are masks.
const ARGUMENTS: [&str; 4] = ["mask", "query_mask", "value_mask", "key_mask"];

/// The mask of the output of `layer`, which takes `inputs` with these masks.
pub fn of_output(layer: &Layer, inputs: &[String], masks: &[Option<&Mask>]) -> Option<Mask> {
    let value = match layer {
        Layer::Masking(layer) => layer.mask_value,
        _ => 0.0,
    };
    match layer.rules().mask_rule() {
        MaskRule::Drops => None,
        // A refusal is the network's own error.
        MaskRule::Passes | MaskRule::Refuses(_) => masks.first().copied().flatten().cloned(),
        MaskRule::Makes => Some(Mask { parts: vec![(inputs.first()?.clone(), value)], every: false }),
        MaskRule::Joins => {
            let mut joined = Mask::default();
            masks
                .iter()
                .copied()
                .collect::<Option<Vec<&Mask>>>()?
                .into_iter()
                .for_each(|mask| joined.add(mask));
            Some(joined)
        }
    }
}

/// Checks that a layer that the file calls with `given` has this mask here.
pub fn check(given: &Mask, own: Option<&Mask>) -> Words<()> {
    let same = |own: &Mask| {
        own.parts.len() == given.parts.len() && own.parts.iter().all(|part| given.parts.contains(part))
    };
    match (given.every, own) {
        (true, None) => Ok(()),
        (false, Some(own)) if same(own) => Ok(()),
        _ => Err("is called with a mask other than that of its input; wgrad's masks are those of \
                  Embedding(mask_zero=True) and Masking, as Keras passes them on: leave `mask` out"
            .into()),
    }
}

/// The operations of a model that only make masks, and the masks they make.
#[derive(Debug, Default)]
pub struct Masks {
    names: BTreeSet<String>,
    made: BTreeMap<String, Mask>,
}

/// The layer that takes a tensor, and the argument by which it does.
type Use<'v> = (Option<&'v str>, Option<&'v str>);

/// The tensors among the arguments of the calls of a layer, with the argument's name where it has one.
fn tensors(layer: &Value) -> Vec<(Option<&str>, &Value)> {
    fn within<'v>(key: Option<&'v str>, value: &'v Value, to: &mut Vec<(Option<&'v str>, &'v Value)>) {
        match value {
            Value::Array(list) => list.iter().for_each(|one| within(key, one, to)),
            one if is_tensor(one) => to.push((key, one)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    for call in layer.get("inbound_nodes").and_then(Value::as_array).into_iter().flatten() {
        within(None, call.get("args").unwrap_or(&Value::Null), &mut all);
        for (key, value) in call.get("kwargs").and_then(Value::as_object).into_iter().flatten() {
            within(Some(key), value, &mut all);
        }
    }
    all
}

/// The name of the layer that a tensor comes from.
fn origin(tensor: &Value) -> Option<&str> {
    tensor.pointer("/config/keras_history/0").and_then(Value::as_str)
}

fn name_of(layer: &Value) -> Option<&str> {
    text(layer, "name")
}

impl Masks {
    /// Finds the operations of a functional model whose results are used as masks, and in no other way.
    pub fn of(layers: &[Value], config: &Value) -> Self {
        let mut uses: BTreeMap<&str, Vec<Use<'_>>> = BTreeMap::new();
        for layer in layers {
            for (key, tensor) in tensors(layer) {
                if let Some(from) = origin(tensor) {
                    uses.entry(from).or_default().push((name_of(layer), key));
                }
            }
        }
        let outputs = config.get("output_layers").map(Value::to_string).unwrap_or_default();
        let mut names = BTreeSet::new();
        // An operation comes before those that use it.
        for layer in layers.iter().rev() {
            let operation = text(layer, "module").is_some_and(|module| module.starts_with("keras.src.ops"));
            let (Some(name), true) = (name_of(layer), operation) else { continue };
            let of_mask = |(user, key): &Use<'_>| {
                key.is_some_and(|key| ARGUMENTS.contains(&key))
                    || user.is_some_and(|user| names.contains(user))
            };
            let used = uses.get(name).is_some_and(|uses| uses.iter().all(of_mask));
            if used && !outputs.contains(&format!("\"{name}\"")) {
                names.insert(name.to_string());
            }
        }
        Self { names, made: BTreeMap::new() }
    }

    /// True for an operation that only makes a mask.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The call of such an operation.
    pub fn call(layer: &Value) -> Words<Call> {
        let history = |tensor: &Value| tensor.pointer("/config/keras_history").cloned().unwrap_or_default();
        let sources = tensors(layer).into_iter().map(|(_, tensor)| node::origin(&history(tensor)));
        Ok(Call { sources: sources.collect::<Words<_>>()?, masks: Vec::new(), causal: false })
    }

    /// Reads such an operation; `place` finds the layer that gives an output.
    pub fn take(
        &mut self,
        name: &str,
        layer: &Value,
        place: &dyn Fn(&Origin) -> Option<String>,
    ) -> Words<()> {
        let class = text(layer, "class_name").unwrap_or_default();
        let mut mask = Mask::default();
        match class {
            "NotEqual" => {
                let call = layer.pointer("/inbound_nodes/0/args").and_then(Value::as_array);
                let (Some(from), Some(value)) = (
                    call.and_then(|args| args.first()?.pointer("/config/keras_history")),
                    call.and_then(|args| args.get(1)?.as_f64()),
                ) else {
                    return Err("makes a mask of other than numbers that differ from one".into());
                };
                let from = node::origin(from)?;
                let layer =
                    place(&from).ok_or_else(|| format!("takes `{}`, which is no earlier layer", from.0))?;
                mask.parts.push((layer, value));
            }
            "OnesLike" => mask.every = true,
            "ZerosLike" => {}
            "LogicalOr" | "Any" | "ExpandDims" | "Concatenate" | "BroadcastTo" | "Squeeze" => {
                for (_, tensor) in tensors(layer) {
                    if let Some(made) = origin(tensor).and_then(|from| self.made.get(from)) {
                        mask.add(made);
                    }
                }
            }
            _ => {
                return Err(format!(
                    "is keras.ops.{}, of which a mask is made; wgrad's masks are those of Embedding(mask_zero=True) and \
                     Masking",
                    super::classes::snake(class)
                ));
            }
        }
        self.made.insert(name.to_string(), mask);
        Ok(())
    }

    /// True if the argument `key` of a call is a mask of these.
    pub fn is(&self, key: &str, value: &Value) -> bool {
        ARGUMENTS.contains(&key) && origin(value).is_some_and(|from| self.names.contains(from))
    }

    /// The mask that a layer is called with.
    pub fn given(&self, call: &Call) -> Option<Mask> {
        let (_, (from, _)) = call.masks.iter().find(|(key, _)| key == "mask")?;
        self.made.get(from).cloned()
    }
}
