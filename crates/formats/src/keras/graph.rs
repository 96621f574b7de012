//! Converts Keras's configuration to a flat list of layers. Nested models are replaced by their layers, layers
//! without effect are left out, and every layer names the layers whose outputs it takes.

use super::{
    calls, classes, compiled,
    losses::Compiled,
    masks::Masks,
    node::{Call, Node, Origin, Words, text},
    older,
};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap, HashSet};
use wgrad::model::{INPUT, MOST_LAYERS};

/// A network.
#[derive(Debug)]
pub struct Graph {
    /// The network's name.
    pub name: String,
    /// The layers, each after those whose outputs it takes; the last one gives the output, if there is one.
    pub nodes: Vec<Node>,
    /// Of a network with several outputs, the name of each and the layer that gives it, in their order.
    pub outputs: Vec<(String, String)>,
    /// True if these are a dictionary.
    pub keyed: bool,
    /// The shape of the input, without the batch; of several inputs, the number of all their values.
    pub input: Vec<usize>,
    /// Name and shape of each input, in the order in which a row has their values.
    pub inputs: Vec<(String, Vec<usize>)>,
    /// Notes about what was left out.
    pub notes: Vec<String>,
    /// The notes about layers without which results differ.
    pub left_out: Vec<String>,
    /// True if a layer that divides the input by 255 was left out.
    pub rescaled: bool,
    /// The loss and other compile arguments.
    pub compiled: Compiled,
}

/// Collects the layers of a model and of the models nested in it.
#[derive(Default)]
struct Flat {
    nodes: Vec<Node>,
    names: HashSet<String>,
    /// Number of names that were derived from each name already in use.
    taken: HashMap<String, usize>,
    /// The inputs of the whole network: name and shape.
    inputs: Vec<(String, Vec<usize>)>,
    /// Its outputs, if there are several: name and layer; and whether they are a dictionary.
    outputs: Vec<(String, String)>,
    keyed: bool,
    /// By the address of a layer's description: the layer that it first became.
    made: HashMap<usize, String>,
    /// Number of calls of layers and nested models so far.
    calls: usize,
    notes: Vec<String>,
    left_out: Vec<String>,
    rescaled: bool,
    /// The layers whose output is pixels from 0 to 255 in Keras's network, as its input is.
    pixels: HashSet<String>,
    /// Those of them behind which there is a Rescaling: here, their output is pixels / 255.
    divided: HashSet<String>,
    /// True within a model that is not trained.
    frozen: bool,
    /// True if Keras 2 wrote the file.
    older: bool,
}

/// Behind the name of what gives pixels: the same values where a layer that divides them by 255 was left out.
const DIVIDED: &str = " / 255";

/// Layers that give pixels from 0 to 255 for such pixels.
const OF_PIXELS: [&str; 11] = [
    "RandomFlip",
    "RandomTranslation",
    "RandomRotation",
    "RandomZoom",
    "RandomCrop",
    "RandomContrast",
    "RandomBrightness",
    "Resizing",
    "CenterCrop",
    "Cropping2D",
    "ZeroPadding2D",
];

/// The name of the layer that gives a value.
fn giver(name: &str) -> &str {
    name.strip_suffix(DIVIDED).unwrap_or(name)
}

/// Refuses a class that is not Keras's, with any name: its code is not in the file.
fn foreign(object: &Value) -> Words<()> {
    match own(object) {
        None => Ok(()),
        Some(own) => {
            Err(format!("is your own class ({own}), whose code is not in the file; use a layer of Keras"))
        }
    }
}

/// The registered name of a class or function that is not Keras's, or the module that it comes from.
pub fn own(object: &Value) -> Option<&str> {
    match object.get("module") {
        // Keras 2 writes no module, and Keras 3 writes null for registered classes.
        None => None,
        Some(Value::Null) => text(object, "registered_name"),
        Some(module) => module.as_str().filter(|module| {
            let first = module.split('.').next().unwrap_or_default();
            !["keras", "tf_keras", "tensorflow"].contains(&first)
        }),
    }
}

/// True for the class of a model.
pub fn is_model(class: &str) -> bool {
    matches!(class, "Sequential" | "Functional" | "Model")
}

/// The graph of a model's configuration.
pub fn of(config: &Value) -> Words<Graph> {
    let class = text(config, "class_name").unwrap_or_default();
    let version = older::version(config);
    version.map_or(Ok(()), older::check)?;
    if !is_model(class) {
        return Err(format!(
            "has class_name {class:?}, expected \"Sequential\" or \"Functional\", as `model.to_json()` prints; a subclassed \
             model has its layers in code: build it from functions of layers"
        ));
    }
    let mut flat = Flat { older: version.is_some(), ..Flat::default() };
    let output = flat.model(config, &[INPUT.to_string()], "", true)?;
    let output = giver(&output).to_string();
    for node in &mut flat.nodes {
        for name in node.inputs.iter_mut().filter(|name| giver(name) != name.as_str()) {
            if let Some(mask) = &mut node.mask {
                mask.rename(name, giver(name));
            }
            *name = giver(name).to_string();
        }
    }
    let inputs = std::mem::take(&mut flat.inputs);
    let input = match &inputs[..] {
        [] => return Err("has no input shape; begin with keras.Input(shape)".into()),
        [(_, shape)] => shape.clone(),
        several => vec![values(several)?],
    };
    if flat.nodes.iter().all(|node| node.class == "InputLayer") {
        return Err("has no layers; add at least one, such as Dense".into());
    }
    if let [(name, shape)] = &inputs[..] {
        flat.shape_input(name, shape);
    }
    if flat.nodes.len() > MOST_LAYERS {
        return Err(format!("has {} layers, expected at most {MOST_LAYERS}", flat.nodes.len()));
    }
    let mut nodes = std::mem::take(&mut flat.nodes);
    let (outputs, keyed) = (std::mem::take(&mut flat.outputs), flat.keyed);
    if let Some(at) = nodes.iter().position(|node| node.name == output).filter(|_| outputs.is_empty()) {
        let last = nodes.remove(at);
        nodes.push(last);
    }
    let name = config.pointer("/config/name").and_then(Value::as_str).unwrap_or("model").to_string();
    let Flat { notes, left_out, rescaled, .. } = flat;
    let names: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
    let compiled = compiled::of(config, &names, keyed);
    Ok(Graph { name, nodes, outputs, keyed, input, inputs, notes, left_out, rescaled, compiled })
}

impl Flat {
    /// Adds the layers of a model that takes `inputs`. Returns the name of the layer that gives its output.
    fn model(&mut self, model: &Value, inputs: &[String], group: &str, outermost: bool) -> Words<String> {
        let config = model.get("config").unwrap_or(&Value::Null);
        let name = text(config, "name").unwrap_or("model").to_string();
        foreign(model).map_err(|e| format!("model `{name}` {e}"))?;
        let (frozen, outer) = (config.get("trainable") == Some(&Value::Bool(false)), self.frozen);
        self.frozen |= frozen;
        // In Keras before 2.2, the configuration of a Sequential model is its list of layers.
        let layers = config.get("layers").unwrap_or(config).as_array();
        let layers = layers.ok_or_else(|| format!("model `{name}` has no list of layers in its config"))?;
        if text(model, "class_name") != Some("Sequential") {
            let found = self.functional(layers, config, inputs, (group, &name), outermost);
            self.frozen = outer;
            return found;
        }
        let [input] = inputs else {
            return Err(format!(
                "model `{name}` takes {} inputs; a Sequential model takes one",
                inputs.len()
            ));
        };
        let (mut used, mut before) = (HashMap::new(), input.clone());
        for layer in layers {
            let (class, own) = described(layer)?;
            let settings = layer.get("config").unwrap_or(&Value::Null);
            if class == "InputLayer" {
                if outermost && self.inputs.is_empty() {
                    self.inputs
                        .push((own.to_string(), input_shape(settings).map_err(|e| labelled(layer, &e))?));
                }
                continue;
            }
            let group = format!("{group}layers/{}", counted(&mut used, class));
            if outermost && self.inputs.is_empty() {
                let shape = settings.get("batch_shape").or(settings.get("batch_input_shape"));
                let shape = shape.or(config.get("build_input_shape")).cloned().unwrap_or(Value::Null);
                let settings = serde_json::json!({ "batch_shape": shape });
                self.inputs.push(("input_layer".to_string(), input_shape(&settings)?));
            }
            before = self.part(layer, vec![before], group, &name, false)?;
        }
        self.frozen = outer;
        Ok(before)
    }

    /// Adds the layers of a functional model, each after those whose outputs it takes. `of` is the model's group and name.
    fn functional(
        &mut self,
        layers: &[Value],
        config: &Value,
        inputs: &[String],
        (group, name): (&str, &str),
        outermost: bool,
    ) -> Words<String> {
        let fail = |e: String| format!("model `{name}`: {e}");
        let order = calls::inputs(config).map_err(fail)?;
        let mut masks = Masks::of(layers, config);
        // Outputs by the layer and the number of its call.
        let mut places: HashMap<Origin, String> = HashMap::new();
        let mut waiting: Vec<(&Value, String, usize, Call)> = Vec::new();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let (mut used, mut shapes) = (HashMap::new(), HashMap::new());
        for layer in layers {
            let (class, own) = described(layer)?;
            if class == "InputLayer" {
                counted(&mut used, class);
                let shape = input_shape(layer.get("config").unwrap_or(&Value::Null));
                shapes.insert(own, shape.map_err(|e| labelled(layer, &e)));
                counts.insert(own, 1);
                continue;
            }
            let operation = text(layer, "module").is_some_and(|module| module.starts_with("keras.src.ops"));
            let group = match operation {
                true => String::new(),
                false => format!("{group}layers/{}", counted(&mut used, class)),
            };
            let made = match masks.has(own) {
                true => Masks::call(layer).map(|call| vec![call]),
                false => calls::calls(layer, &masks),
            };
            let made = made.map_err(|e| labelled(layer, &e))?;
            counts.insert(own, made.len());
            for (n, call) in made.into_iter().enumerate() {
                waiting.push((layer, group.clone(), n, call));
            }
        }
        if outermost {
            for (key, own) in &order {
                let shape = shapes.remove(own.as_str());
                let shape =
                    shape.ok_or_else(|| fail(format!("its input `{own}` is none of its InputLayers")))??;
                self.inputs.push((key.clone().unwrap_or_else(|| own.clone()), shape));
            }
            if let Some(other) = shapes.keys().min() {
                return Err(format!("layer `{other}` (InputLayer) is none of the inputs that it names"));
            }
            let given = self.input_layers(&order)?;
            places.extend(order.iter().map(|(_, own)| (own.clone(), 0)).zip(given));
        } else {
            if inputs.len() != order.len() {
                let (got, expected) = (inputs.len(), order.len());
                return Err(fail(format!("is called with {got} inputs, expected {expected}")));
            }
            places.extend(order.iter().map(|(_, own)| (own.clone(), 0)).zip(inputs.iter().cloned()));
        }
        // A layer that is called once has one output, whatever its number.
        let resolved = |(own, call): &Origin| match counts.get(own.as_str()) {
            Some(1) => (own.clone(), 0),
            _ => (own.clone(), *call),
        };
        let mut takers: HashMap<Origin, Vec<usize>> = HashMap::new();
        let mut missing = vec![0; waiting.len()];
        for (at, (_, _, _, call)) in waiting.iter().enumerate() {
            let taken = call.sources.iter().chain(call.masks.iter().map(|(_, source)| source));
            for source in taken.map(resolved).filter(|source| !places.contains_key(source)) {
                takers.entry(source).or_default().push(at);
                missing[at] += 1;
            }
        }
        let mut ready: BTreeSet<usize> = (0..waiting.len()).filter(|at| missing[*at] == 0).collect();
        while let Some(at) = ready.pop_first() {
            let (layer, group, n, call) = &waiting[at];
            let (class, own) = described(layer)?;
            let place_of = |source: &Origin| places.get(&resolved(source)).cloned();
            let place = (own.to_string(), *n as u64);
            let made = if masks.has(own) {
                masks.take(own, layer, &place_of).map_err(|e| labelled(layer, &e))?;
                None
            } else {
                let from = call.sources.iter().filter_map(place_of).collect();
                let made = self.part(layer, from, group.clone(), name, call.causal)?;
                // A layer without effect has no node of its own.
                let own = |node: &&mut Node| node.name == made && !is_model(class);
                if let Some(node) = self.nodes.last_mut().filter(own) {
                    node.mask = masks.given(call);
                }
                Some(made)
            };
            for taker in takers.remove(&place).unwrap_or_default() {
                missing[taker] -= 1;
                if missing[taker] == 0 {
                    ready.insert(taker);
                }
            }
            places.extend(made.map(|made| (place, made)));
        }
        if let Some(at) = missing.iter().position(|missing| *missing > 0) {
            let (layer, _, _, call) = &waiting[at];
            let lacking = call.sources.iter().find(|source| !places.contains_key(&resolved(source)));
            let lacking = lacking.map_or("", |(own, _)| own);
            let mut known: Vec<&str> = places.keys().map(|(own, _)| own.as_str()).collect();
            known.sort_unstable();
            known.dedup();
            return Err(labelled(
                layer,
                &format!(
                    "takes `{lacking}`, which is not the name of an earlier layer; before it are {}",
                    known.join(", ")
                ),
            ));
        }
        let outputs = calls::outputs(config).map_err(fail)?;
        let mut found = Vec::new();
        for (key, output) in &outputs {
            let layer = places.get(&resolved(output)).cloned();
            let layer =
                layer.ok_or_else(|| fail(format!("its output `{}` is none of its layers", output.0)))?;
            found.push((key.clone().unwrap_or_else(|| output.0.clone()), layer));
        }
        if let [(_, layer)] = &found[..] {
            return Ok(layer.clone());
        }
        if !outermost {
            let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
            return Err(fail(format!(
                "has {} outputs ({}) and is called within another model; a nested model has one output: put its layers \
                 into the outer model",
                names.len(),
                names.join(", ")
            )));
        }
        self.keyed = outputs.iter().any(|(key, _)| key.is_some());
        self.outputs = found
            .into_iter()
            .map(|(name, layer)| {
                let layer = self.ending(layer, &name);
                (name, layer)
            })
            .collect();
        Ok(self.outputs.last().map_or_else(String::new, |(_, layer)| layer.clone()))
    }

    /// The layer for an output. Where other layers take it, the activation that is part of the loss of the output is
    /// theirs too: then it is another call of the layer.
    fn ending(&mut self, layer: String, name: &str) -> String {
        let taken = self.nodes.iter().any(|node| node.inputs.contains(&layer));
        let Some(own) = self.nodes.iter().find(|node| node.name == layer).filter(|_| taken) else {
            return layer;
        };
        let activation = own.config.get("activation").and_then(Value::as_str).unwrap_or_default();
        if own.class != "Softmax" && !matches!(activation, "softmax" | "sigmoid") {
            return layer;
        }
        let mut again = own.clone();
        again.shares = Some(own.shares.clone().unwrap_or_else(|| own.name.clone()));
        again.name = self.free(&format!("{layer}_output"), name);
        let made = again.name.clone();
        self.nodes.push(again);
        made
    }

    /// Adds layers for the inputs of the whole network, if there are several; returns the layers that give them.
    fn input_layers(&mut self, order: &[(Option<String>, String)]) -> Words<Vec<String>> {
        if order.len() == 1 {
            return Ok(vec![INPUT.to_string()]);
        }
        values(&self.inputs)?;
        let (mut first, mut given) = (0, Vec::new());
        for ((_, own), (_, shape)) in order.iter().zip(self.inputs.clone()) {
            let name = self.free(own, "keras");
            let config = serde_json::json!({ "shape": shape, "first": first });
            first += shape.iter().product::<usize>();
            self.nodes.push(Node {
                name: name.clone(),
                class: "InputLayer".into(),
                config: config.as_object().cloned().unwrap_or_default(),
                rank: None,
                inputs: vec![INPUT.into()],
                group: String::new(),
                shares: None,
                mask: None,
                operation: false,
            });
            given.push(name);
        }
        Ok(given)
    }

    /// Adds a layer or a nested model. Returns the name of the layer that gives its output.
    fn part(
        &mut self,
        layer: &Value,
        from: Vec<String>,
        group: String,
        model: &str,
        causal: bool,
    ) -> Words<String> {
        let (class, _) = described(layer)?;
        // A model that calls another twice, which calls another twice, ends nowhere.
        self.calls += 1;
        if self.calls > MOST_LAYERS {
            return Err(format!("calls more than {MOST_LAYERS} layers, expected at most {MOST_LAYERS}"));
        }
        match is_model(class) {
            true => self.model(layer, &from, &format!("{group}/"), false),
            false => self.layer(layer, from, group, model, causal),
        }
    }

    /// Adds one layer, unless it has no effect here. Returns the name of the layer that gives its output.
    fn layer(
        &mut self,
        layer: &Value,
        inputs: Vec<String>,
        group: String,
        model: &str,
        causal: bool,
    ) -> Words<String> {
        let (class, own) = described(layer)?;
        let mut config = layer.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
        if self.older {
            older::arguments(class, &mut config).map_err(|e| format!("layer `{own}` ({class}): {e}"))?;
        }
        let operation = group.is_empty();
        if let ([input], false) = (&inputs[..], operation) {
            if class == "Identity" && !classes::has(class) {
                return Ok(input.clone());
            }
            if let Some(option) = classes::augmentation(class).filter(|_| !classes::has(class)) {
                let note =
                    format!("layer `{own}` ({class}) is left out, as it only acts in training; use {option}");
                self.left_out.push(note.clone());
                self.notes.push(note);
                return Ok(input.clone());
            }
            if class == "Rescaling" && self.gives_pixels(input) {
                self.divide(input);
                self.rescaled = true;
                if is_one_by_255(&config) {
                    let note = format!("layer `{own}` (Rescaling) is left out: images come as pixel / 255");
                    self.notes.push(note);
                    return Ok(format!("{input}{DIVIDED}"));
                }
                scaled_by_255(&mut config).map_err(|e| format!("layer `{own}` (Rescaling): {e}"))?;
                let note = "its scale is 255 times the file's, as images come as pixel / 255";
                self.notes.push(format!("layer `{own}` (Rescaling): {note}"));
            }
            if ["RandomContrast", "RandomBrightness"].contains(&class) {
                // Keras 2 writes no range, and clips to this one.
                config.entry("value_range").or_insert(serde_json::json!([0, 255]));
            }
        }
        let shape = layer.pointer("/build_config/input_shape").and_then(Value::as_array);
        // A layer with several inputs has a list of shapes.
        let rank = shape.map(|shape| match shape.first() {
            Some(Value::Array(first)) => first.len(),
            _ => shape.len(),
        });
        // Nested models that are called again have the same descriptions.
        let address = std::ptr::from_ref(layer).addr();
        let shares = self.made.get(&address).cloned();
        let name = match &shares {
            None => self.free(own, model),
            Some(first) => self.free(&format!("{first}_again"), model),
        };
        self.made.entry(address).or_insert_with(|| name.clone());
        if self.frozen {
            config.insert("trainable".into(), false.into());
        }
        if causal {
            config.insert("use_causal_mask".into(), true.into());
        }
        if inputs.iter().all(|input| self.gives_pixels(input)) && OF_PIXELS.contains(&class) && !operation {
            self.pixels.insert(name.clone());
        }
        let class = class.to_string();
        self.nodes.push(Node {
            name: name.clone(),
            class,
            config,
            rank,
            inputs,
            group,
            shares,
            operation,
            mask: None,
        });
        Ok(name)
    }

    /// True if this input is pixels from 0 to 255 in Keras's network.
    fn gives_pixels(&self, name: &str) -> bool {
        name == INPUT || self.pixels.contains(name)
    }

    /// Adjusts the layers before a Rescaling: their values are pixels / 255 here.
    fn divide(&mut self, name: &str) {
        let mut name = name.to_string();
        while name != INPUT && self.divided.insert(name.clone()) {
            let Some(node) = self.nodes.iter_mut().find(|node| node.name == name) else { return };
            for key in ["value_range", "fill_value"] {
                let Some(value) = node.config.get_mut(key).filter(|_| node.class.starts_with("Random"))
                else {
                    continue;
                };
                let Some(divided) = multiplied(value, 1.0 / 255.0).filter(|divided| divided != value) else {
                    continue;
                };
                *value = divided;
                let note = format!("its {key} is the file's / 255, as images come as pixel / 255");
                self.notes.push(format!("layer `{name}` ({}): {note}", node.class));
            }
            let Some(before) = node.inputs.first() else { return };
            name.clone_from(before);
        }
    }

    /// A unique name: the layer's own, prefixed by its model's name where it is in use.
    fn free(&mut self, own: &str, model: &str) -> String {
        let mut name = own.to_string();
        if name == INPUT || self.names.contains(&name) {
            let other = format!("{model}_{own}");
            let made = self.taken.entry(other.clone()).or_insert(0);
            loop {
                *made += 1;
                name = if *made == 1 { other.clone() } else { format!("{other}_{made}") };
                if name != INPUT && !self.names.contains(&name) {
                    break;
                }
            }
        }
        self.names.insert(name.clone());
        name
    }

    /// Adds a reshaping layer to a network whose input has other than three axes, since images have three. Nothing
    /// is added where all layers that take the input reshape or flatten it themselves.
    fn shape_input(&mut self, name: &str, shape: &[usize]) {
        let takers = self.nodes.iter().filter(|node| node.inputs.iter().any(|input| input == INPUT));
        let reshape = |node: &Node| !node.operation && (node.class == "Flatten" || node.class == "Reshape");
        if shape.len() == 3 || takers.clone().all(reshape) {
            return;
        }
        let name = self.free(name, "keras");
        for node in &mut self.nodes {
            node.inputs.iter_mut().filter(|input| *input == INPUT).for_each(|input| input.clone_from(&name));
            if let Some(mask) = &mut node.mask {
                mask.rename(INPUT, &name);
            }
        }
        let target: Vec<Value> = shape.iter().map(|n| (*n).into()).collect();
        self.nodes.insert(
            0,
            Node {
                name,
                class: "Reshape".into(),
                config: Map::from_iter([("target_shape".to_string(), target.into())]),
                rank: Some(4),
                inputs: vec![INPUT.into()],
                group: String::new(),
                shares: None,
                mask: None,
                operation: false,
            },
        );
    }
}

/// Class and name of a layer of Keras's own.
fn described(layer: &Value) -> Words<(&str, &str)> {
    let class = text(layer, "class_name").unwrap_or_default();
    let settings = layer.get("config").unwrap_or(&Value::Null);
    let own = text(layer, "name").or(text(settings, "name")).unwrap_or(class);
    foreign(layer).map_err(|e| format!("layer `{own}` ({class}) {e}"))?;
    Ok((class, own))
}

/// An error about a layer.
fn labelled(layer: &Value, error: &str) -> String {
    let (class, own) = described(layer).unwrap_or_default();
    format!("layer `{own}` ({class}): {error}")
}

/// Shape of an input, without the batch, from the configuration of its layer.
fn input_shape(config: &Value) -> Words<Vec<usize>> {
    let shape = config.get("batch_shape").or(config.get("batch_input_shape"));
    let axes = shape.and_then(Value::as_array).and_then(|axes| axes.get(1..));
    let axes = axes.ok_or("has no input shape; begin with keras.Input(shape)")?;
    let sizes: Option<Vec<usize>> = axes.iter().map(|axis| axis.as_u64().map(|n| n as usize)).collect();
    let sizes = sizes.filter(|sizes| !sizes.contains(&0) && (1..=4).contains(&sizes.len()));
    sizes.ok_or_else(|| {
        format!(
            "has the shape {}, expected one to four fixed sizes such as [28, 28, 1]; give keras.Input a whole shape",
            Value::from(axes.to_vec())
        )
    })
}

/// Number of all values of these inputs.
fn values(inputs: &[(String, Vec<usize>)]) -> Words<usize> {
    let mut sum = 0;
    for (_, shape) in inputs {
        sum += wgrad::program::counted(shape)?;
        wgrad::program::counted(&[sum])?;
    }
    Ok(sum)
}

/// A number, or each number of a list, times a factor; `None` for anything else. 0 remains as it is written.
fn multiplied(value: &Value, factor: f64) -> Option<Value> {
    match value {
        Value::Array(all) => {
            all.iter().map(|value| multiplied(value, factor)).collect::<Option<Vec<_>>>().map(Value::from)
        }
        one if one.as_f64() == Some(0.0) => Some(one.clone()),
        one => one.as_f64().map(|number| Value::from(number * factor)),
    }
}

/// Multiplies the scale of a Rescaling by 255.
fn scaled_by_255(config: &mut Map<String, Value>) -> Words<()> {
    let scale = config.get("scale").unwrap_or(&Value::Null);
    let scaled = multiplied(scale, 255.0);
    let scaled =
        scaled.ok_or_else(|| format!("scale is {scale}, expected a number, or one for each channel"))?;
    config.insert("scale".into(), scaled);
    Ok(())
}

/// True if the layer divides by 255, which wgrad does with images anyway.
fn is_one_by_255(config: &Map<String, Value>) -> bool {
    let number = |key: &str, default| config.get(key).map_or(Some(default), Value::as_f64);
    number("scale", 1.0).is_some_and(|scale| (scale * 255.0 - 1.0).abs() < 1e-6)
        && number("offset", 0.0) == Some(0.0)
}

/// Keras's name for the next layer of this class in a file of weights: `dense`, `dense_1`, ...
fn counted(used: &mut HashMap<String, usize>, class: &str) -> String {
    let name = classes::snake(class);
    let n = used.entry(name.clone()).or_insert(0);
    *n += 1;
    if *n == 1 { name } else { format!("{name}_{}", *n - 1) }
}

/// The shape of the images for a network; a row of all values, if it has several inputs. With three axes, it is the
/// input's own; with two, (height, width, 1). With four, those of time and height are one.
/// With one, it is `image` where that has as many numbers, else a square of one or three channels, else one row; without
/// `image`, the numbers are channels.
pub fn image_shape(graph: &Graph, image: Option<[usize; 3]>) -> Words<[usize; 3]> {
    match graph.input[..] {
        [n] if graph.inputs.len() > 1 => Ok([1, 1, n]),
        [time, h, w, c] => Ok([time.saturating_mul(h), w, c]),
        [h, w, c] => Ok([h, w, c]),
        [h, w] => Ok([h, w, 1]),
        [n] => {
            let Some(image) = image else { return Ok([1, 1, n]) };
            if n == image.iter().product::<usize>() {
                return Ok(image);
            }
            let square = |channels: usize| {
                let side = n.checked_div(channels)?.isqrt();
                (side * side * channels == n).then_some([side, side, channels])
            };
            Ok(square(1).or(square(3)).unwrap_or([1, n, 1]))
        }
        _ => Err(format!("takes the shape {:?}, expected one to four axes", graph.input)),
    }
}
