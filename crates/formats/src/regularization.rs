//! Penalties and constraints of a layer's tensors, as arguments of the layer: `kernel_regularizer = { l2 = 0.01 }`,
//! `kernel_constraint = { type = "MaxNorm", max_value = 2 }`. They belong to the network, not to the layer.

use std::collections::BTreeMap;
use wgrad::{
    model::Model,
    regularization::{Constraint, Regularizer},
};

/// The penalties and constraints of one layer, by the short names of its tensors.
#[derive(Debug, Default)]
pub(crate) struct Regularization {
    regularizers: BTreeMap<String, Regularizer>,
    constraints: BTreeMap<String, Constraint>,
}

const REGULARIZER: &str = "_regularizer";
const CONSTRAINT: &str = "_constraint";
/// The wrapper whose tensors are those of the layer within.
const EACH_STEP: &str = "TimeDistributed";

/// Short name of the tensor that Keras calls `stem` in the arguments of a layer of `kind`.
fn tensor(kind: &str, stem: &str) -> String {
    match (kind, stem) {
        (_, "recurrent") => "recurrent_kernel".into(),
        ("DepthwiseConv1D" | "DepthwiseConv2D", "depthwise") => "kernel".into(),
        (_, "depthwise" | "pointwise") => format!("{stem}_kernel"),
        _ => stem.into(),
    }
}

/// The reverse of [`tensor`].
fn stem<'t>(kind: &str, tensor: &'t str) -> &'t str {
    match (kind, tensor) {
        ("DepthwiseConv1D" | "DepthwiseConv2D", "kernel") => "depthwise",
        (_, "recurrent_kernel" | "depthwise_kernel" | "pointwise_kernel") => {
            tensor.trim_end_matches("_kernel")
        }
        _ => tensor,
    }
}

/// Removes the penalties and constraints from the arguments of a layer of `kind`.
///
/// # Errors
/// Says which argument is none.
pub(crate) fn take(kind: &str, table: &mut toml::Table) -> Result<Regularization, String> {
    let mut held = Regularization::default();
    let keys: Vec<String> = table.keys().cloned().collect();
    for key in keys {
        let (regularizer, constraint) = (key.strip_suffix(REGULARIZER), key.strip_suffix(CONSTRAINT));
        let Some(stem) = regularizer.or(constraint) else { continue };
        let Some(value) = table.remove(&key) else { continue };
        let name = tensor(kind, stem);
        let fail = |e: toml::de::Error| format!("{key}: {}", crate::error::said(&e));
        match regularizer.is_some() {
            true => drop(held.regularizers.insert(name, value.try_into().map_err(fail)?)),
            false => drop(held.constraints.insert(name, value.try_into().map_err(fail)?)),
        }
    }
    // Those of the layer within Bidirectional count for both directions.
    if let Some(toml::Value::Table(inner)) = table.get_mut("layer") {
        let inner = take(&kind_of(inner), inner)?;
        if kind == EACH_STEP {
            held.regularizers.extend(inner.regularizers);
            held.constraints.extend(inner.constraints);
            return Ok(held);
        }
        for direction in ["forward", "backward"] {
            let name = |tensor: &String| format!("{direction}_{tensor}");
            held.regularizers.extend(inner.regularizers.iter().map(|(tensor, r)| (name(tensor), *r)));
            held.constraints.extend(inner.constraints.iter().map(|(tensor, c)| (name(tensor), c.clone())));
        }
    }
    Ok(held)
}

impl Regularization {
    /// Gives them to layer `index` of `model`.
    pub(crate) fn give(self, model: &mut Model, index: usize) {
        if !self.regularizers.is_empty() {
            model.regularizers.insert(index, self.regularizers);
        }
        if !self.constraints.is_empty() {
            model.constraints.insert(index, self.constraints);
        }
    }
}

/// Adds the penalties and constraints of layer `index` of `model` to its arguments.
///
/// # Errors
/// Says what TOML cannot hold.
pub(crate) fn put(
    model: &Model,
    index: usize,
    kind: &str,
    table: &mut toml::Table,
) -> Result<(), toml::ser::Error> {
    let mut said = Vec::new();
    for (tensor, regularizer) in model.regularizers.get(&index).into_iter().flatten() {
        said.push((tensor.as_str(), REGULARIZER, toml::Value::try_from(regularizer)?));
    }
    for (tensor, constraint) in model.constraints.get(&index).into_iter().flatten() {
        said.push((tensor.as_str(), CONSTRAINT, toml::Value::try_from(constraint)?));
    }
    for (tensor, end, value) in said {
        insert(kind, table, tensor, end, value);
    }
    Ok(())
}

/// Adds an argument about `tensor` to those of a layer of `kind`, or of the layer within it that has the tensor.
fn insert(kind: &str, table: &mut toml::Table, tensor: &str, end: &str, value: toml::Value) {
    let both = tensor.strip_prefix("forward_").or(tensor.strip_prefix("backward_"));
    if let (true, Some(toml::Value::Table(inner))) =
        (kind == EACH_STEP || both.is_some(), table.get_mut("layer"))
    {
        let own = if kind == EACH_STEP { tensor } else { both.unwrap_or(tensor) };
        return insert(&kind_of(inner), inner, own, end, value);
    }
    table.insert(format!("{}{end}", stem(kind, tensor)), value);
}

fn kind_of(table: &toml::Table) -> String {
    table.get("type").and_then(toml::Value::as_str).unwrap_or_default().to_string()
}
