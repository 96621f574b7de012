//! The layers imported so far, with their weights.

use crate::onnx::tensor::Tensor;
use std::collections::{BTreeMap, BTreeSet};
use wgrad::{
    layers::Layer,
    model::{INPUT, Model},
};

type Said<T> = std::result::Result<T, String>;

/// Maximum number of characters of a layer's name that are taken from the file.
const LONGEST: usize = 80;

/// The kind of a layer, and name and length of each of its tensors.
type Shape<'a> = (&'static str, Vec<(&'a str, usize)>);

/// A layer with the names of its inputs.
#[derive(Clone, Debug)]
pub(super) struct Built {
    pub name: String,
    pub layer: Layer,
    pub inputs: Vec<Option<String>>,
    /// The name that the file asked for.
    wanted: String,
}

/// The layers in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub input_shape: [usize; 3],
    /// Version of the file's operators.
    pub opset: i64,
    /// True if `Dropout` may be in training.
    pub training: bool,
    /// The names of the file's tensors.
    pub tensors: BTreeSet<String>,
    pub layers: Vec<Built>,
    /// Tensors by the names of parameters.
    pub weights: BTreeMap<String, Tensor>,
    /// Names of the normalizations by the root mean square whose factors did not come yet.
    pub unscaled: BTreeSet<String>,
    /// Names of the layers of heads whose last bias did not come yet.
    pub unbiased: BTreeSet<String>,
    /// Total number of the tensors' elements.
    pub numbers: usize,
    /// Index of each layer by its name.
    places: BTreeMap<String, usize>,
    /// Number of times each name was requested.
    asked: BTreeMap<String, usize>,
}

impl Network {
    pub fn new(input_shape: [usize; 3], opset: i64) -> Self {
        Self {
            input_shape,
            opset,
            training: false,
            tensors: BTreeSet::new(),
            layers: Vec::new(),
            weights: BTreeMap::new(),
            unscaled: BTreeSet::new(),
            unbiased: BTreeSet::new(),
            numbers: 0,
            places: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
    }

    /// Adds a layer under a name like `wanted`, with its weights by their short names. Returns the layer's name.
    pub fn add(
        &mut self,
        wanted: &str,
        inputs: &[Option<String>],
        make: impl FnOnce(Option<String>) -> Layer,
        weights: Vec<(&str, Tensor)>,
    ) -> String {
        let clean: String = wanted
            .chars()
            .take(LONGEST)
            .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
            .collect();
        let clean = clean.trim_matches('_').to_string();
        let clean = if clean.is_empty() || clean == INPUT { "layer".to_string() } else { clean };
        let mut name = clean.clone();
        let asked = self.asked.entry(clean.clone()).or_insert(0);
        *asked += 1;
        if *asked > 1 {
            name = format!("{clean}_{asked}");
        }
        while self.places.contains_key(&name) {
            *asked += 1;
            name = format!("{clean}_{asked}");
        }
        self.places.insert(name.clone(), self.layers.len());
        for (short, tensor) in weights {
            self.set(&name, short, tensor);
        }
        self.layers.push(Built {
            name: name.clone(),
            layer: make(Some(name.clone())),
            inputs: inputs.to_vec(),
            wanted: clean,
        });
        name
    }

    /// Runs a part of the import. If it fails, the layers that it added are gone.
    pub fn attempt<T>(&mut self, part: impl FnOnce(&mut Self) -> Said<T>) -> Said<T> {
        let (count, numbers) = (self.layers.len(), self.numbers);
        let result = part(self);
        if result.is_err() {
            for built in self.layers.split_off(count) {
                let own = format!("{}.", built.name);
                self.weights.retain(|name, _| !name.starts_with(&own));
                self.unscaled.remove(&built.name);
                self.unbiased.remove(&built.name);
                self.places.remove(&built.name);
                if let Some(asked) = self.asked.get_mut(&built.wanted) {
                    *asked = asked.saturating_sub(1);
                }
            }
            self.numbers = numbers;
        }
        result
    }

    /// The layer with this name.
    pub fn built(&self, name: Option<&str>) -> Option<&Built> {
        self.places.get(name?).and_then(|n| self.layers.get(*n))
    }

    /// The layer with this name, to be changed.
    pub fn layer(&mut self, name: Option<&str>) -> Option<&mut Built> {
        self.places.get(name?).and_then(|n| self.layers.get_mut(*n))
    }

    /// True if the layer with this name gives the input itself, in another shape; also without a name.
    pub fn is_input(&self, name: Option<&str>) -> bool {
        let Some(name) = name else { return true };
        self.places.get(name).and_then(|n| self.layers.get(*n)).is_some_and(|built| {
            matches!(built.layer, Layer::InputLayer(_) | Layer::Flatten(_) | Layer::Reshape(_))
                && built.inputs.iter().all(|input| self.is_input(input.as_deref()))
        })
    }

    /// The first layer that gives the same as this one, if both only reshape; the layer itself otherwise.
    pub fn first_alike(&self, name: Option<&str>) -> Option<String> {
        let own = self.built(name);
        let reshapes = |built: &&Built| match (&built.layer, own.map(|own| &own.layer)) {
            (Layer::Reshape(layer), Some(Layer::Reshape(own))) => layer.target_shape == own.target_shape,
            _ => false,
        };
        let same = |built: &&Built| own.is_some_and(|own| own.inputs == built.inputs);
        let first = self.layers.iter().filter(reshapes).find(same);
        first.map_or_else(|| name.map(String::from), |built| Some(built.name.clone()))
    }

    /// Drops the layers that `last` does not follow from: those of nodes that became parts of another layer.
    pub fn keep(&mut self, last: Option<&str>) {
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        let mut left: Vec<&str> = last.into_iter().collect();
        while let Some(name) = left.pop() {
            let built = self.built(Some(name));
            if let Some(built) = built.filter(|built| wanted.insert(&built.name)) {
                left.extend(built.inputs.iter().flatten().map(String::as_str));
            }
        }
        let keeps = |built: &Built| {
            matches!(built.layer, Layer::InputLayer(_)) || wanted.contains(built.name.as_str())
        };
        let kept: Vec<bool> = self.layers.iter().map(keeps).collect();
        let mut kept = kept.into_iter();
        self.layers.retain(|_| kept.next().unwrap_or(true));
        self.places = self.layers.iter().enumerate().map(|(n, built)| (built.name.clone(), n)).collect();
    }

    /// Sets a weight of a layer.
    pub fn set(&mut self, layer: &str, short: &str, tensor: Tensor) {
        self.numbers = self.numbers.saturating_add(tensor.len());
        self.weights.insert(format!("{layer}.{short}"), tensor);
    }

    /// Lets layers of one kind with equal tensors share them, as when a module is called twice.
    pub fn share(&self, model: &mut Model) {
        let mut first: BTreeMap<Shape<'_>, Vec<&Built>> = BTreeMap::new();
        for (n, built) in self.layers.iter().enumerate() {
            let prefix = format!("{}.", built.name);
            let own = self.weights.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
            let own: Vec<(&str, &Tensor)> =
                own.map(|(name, tensor)| (&name[prefix.len()..], tensor)).collect();
            if own.is_empty() {
                continue;
            }
            let key =
                (built.layer.kind(), own.iter().map(|(short, tensor)| (*short, tensor.len())).collect());
            let alike = first.entry(key).or_default();
            let equal = |other: &&&Built| {
                own.iter().all(|(short, tensor)| {
                    self.weights.get(&format!("{}.{short}", other.name)) == Some(tensor)
                })
            };
            match alike.iter().find(equal) {
                Some(other) => drop(model.shares.insert(n, other.name.clone())),
                None => alike.push(built),
            }
        }
    }

    /// Builds the model; `last` is the layer that gives its output.
    pub fn model(&self, name: &str, last: Option<&str>) -> Said<Model> {
        if self.layers.last().map(|built| built.name.as_str()) != last {
            return Err("the output is not that of the last layer".into());
        }
        let mut model = Model::new(name, self.input_shape);
        let mut before: Option<String> = None;
        for built in &self.layers {
            let simple = built.inputs.len() == 1 && built.inputs[0] == before;
            let layer = built.layer.clone();
            model = match simple {
                true => model.add(layer),
                false => {
                    let names: Vec<&str> =
                        built.inputs.iter().map(|i| i.as_deref().unwrap_or(INPUT)).collect();
                    model.add_from(layer, &names)
                }
            };
            before = Some(built.name.clone());
        }
        Ok(model)
    }
}
