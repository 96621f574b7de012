//! Writes weights in the format of Keras 3's `.weights.h5`, which is also a part of its `.keras` archives.

use crate::{Result, error::checkpoint_error};
use hdf5_pure::{AttrValue, FileBuilder, FinishedGroup};
use std::{collections::BTreeMap, path::Path};
use wgrad::program::{Parameter, by_layer};

/// A group of the file.
#[derive(Default)]
struct Tree<'w> {
    groups: BTreeMap<String, Tree<'w>>,
    /// Name of the layer, if this is the group of one.
    layer: Option<&'w str>,
    /// Shape and values of the tensors, in Keras's order.
    tensors: Vec<(&'w [usize], &'w [f32])>,
    /// True if the number of batches that `adapt` saw follows them; Keras reads it, and uses it no more.
    counted: bool,
}

impl<'w> Tree<'w> {
    /// The group at `path`, with groups between slashes.
    fn at(&mut self, path: &str) -> &mut Self {
        path.split('/')
            .filter(|name| !name.is_empty())
            .fold(self, |tree, name| tree.groups.entry(name.to_string()).or_default())
    }

    /// The groups and tensors within, for a builder of the same kind of group.
    fn within(self, create: &dyn Fn(&str) -> hdf5_pure::GroupBuilder) -> Vec<FinishedGroup> {
        let mut all = Vec::new();
        for (name, tree) in self.groups {
            let mut group = create(&name);
            for inner in tree.within(create) {
                group.add_group(inner);
            }
            all.push(group.finish());
        }
        if self.layer.is_some() || !self.tensors.is_empty() {
            let mut group = create("vars");
            if let Some(layer) = self.layer {
                group.set_attr("name", AttrValue::String(layer.to_string()));
            }
            for (n, (shape, values)) in self.tensors.into_iter().enumerate() {
                let shape: Vec<u64> = shape.iter().map(|axis| *axis as u64).collect();
                group.create_dataset(&n.to_string()).with_f32_data(values).with_shape(&shape);
            }
            if self.counted {
                group.create_dataset("2").with_i32_data(&[0]).with_shape(&[]);
            }
            all.push(group.finish());
        }
        all
    }
}

/// The bytes of `.weights.h5` for the network that `text` describes in Keras's JSON. `arena` holds the tensors of
/// `parameters`, those of the same network.
///
/// # Errors
/// The errors of [`super::parse`]; [`wgrad::Error::Checkpoint`] where a layer of `parameters` is not in `text`, or the
/// file cannot be written.
pub fn weights_bytes(text: &str, parameters: &[Parameter], arena: &[f32]) -> Result<Vec<u8>> {
    let fail = |message: String| checkpoint_error("cannot save the weights".into(), message);
    let graph = super::read(Path::new("the network"), text)?;
    let mut tree = Tree::default();
    for (layer, tensors) in by_layer(parameters) {
        let node = graph.nodes.iter().find(|node| node.name == layer);
        let node =
            node.ok_or_else(|| fail(format!("layer `{layer}` is not in the network's description")))?;
        tree.at(&node.group).layer = Some(layer);
        let parts = node.parts();
        for (part, tensors) in parts.iter().zip(tensors.chunks(tensors.len().div_ceil(parts.len()).max(1))) {
            let values = |p: &Parameter| arena.get(p.offset..p.offset + p.len());
            let named = tensors.iter().map(|p| Some((&p.shape[..], values(p)?))).collect::<Option<Vec<_>>>();
            let named = named.ok_or_else(|| fail(format!("the weights end before layer `{layer}`")))?;
            let tree = tree.at(&format!("{}/{part}", node.group));
            tree.tensors = named;
            tree.counted = node.class == "Normalization";
        }
    }
    let mut file = FileBuilder::new();
    // A group has no constructor of its own.
    let create = |name: &str| FileBuilder::new().create_group(name);
    for group in tree.within(&create) {
        file.add_group(group);
    }
    file.finish().map_err(|e| fail(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{super::checkpoint, weights_bytes};
    use serde_json::json;
    use std::path::Path;

    /// A stack that ends in one dense layer, behind layers within others and a layer with two cells.
    fn network() -> String {
        let layer = |class: &str, config: serde_json::Value| json!({"module": "keras.layers", "class_name": class, "config": config});
        let lstm = layer("LSTM", json!({"units": 2}));
        json!({"module": "keras", "class_name": "Sequential", "config": {"name": "net", "layers": [
            layer("InputLayer", json!({"batch_shape": [null, 3, 4], "name": "input_layer"})),
            layer("TimeDistributed", json!({"name": "each", "layer": layer("Dense", json!({"units": 3}))})),
            layer("Reshape", json!({"name": "parts", "target_shape": [3, 1, 3]})),
            layer("TimeDistributed", json!({"name": "inner", "layer": lstm})),
            layer("Bidirectional", json!({"name": "both", "layer": lstm})),
            layer("Dense", json!({"name": "dense", "units": 2})),
        ]}})
        .to_string()
    }

    #[test]
    fn weights_are_read_as_they_were_written() {
        let text = network();
        let model = super::super::parse(Path::new("network"), &text, None).expect("it is Keras's").model;
        let parameters = model.parameters().expect("fits");
        let weights = model.initial_weights(3).expect("fits");
        let bytes = weights_bytes(&text, &parameters, &weights).expect("writes");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("net.weights.h5");
        std::fs::write(&path, bytes).expect("writes");
        assert_eq!(checkpoint(&path, &parameters).expect("reads").weights, weights);
        let short = weights_bytes(&text, &parameters, &weights[..8]).expect_err("it is short").to_string();
        assert!(short.contains("the weights end before layer `each`"), "{short}");
    }
}
