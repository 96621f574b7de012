//! Descriptions of values for messages.

use super::{Pass, Program, Value};

impl Program {
    /// Describes `value`: "the output of conv2d_1", "the gradient of the output of conv2d_1".
    pub fn in_words(&self, value: &Value) -> String {
        match value.name.strip_prefix("d ") {
            None => self.forward_in_words(&value.name),
            Some(of) => format!("the gradient of {}", self.forward_in_words(self.taken_by(of))),
        }
    }

    /// The value that is the input of the layer in `max_pooling2d_1 input`; `of` itself for any other name.
    fn taken_by<'p>(&'p self, of: &'p str) -> &'p str {
        let Some(layer) = of.strip_suffix(" input") else { return of };
        let forward = self.nodes.iter().find(|node| node.pass == Pass::Forward && node.label == layer);
        let taken = forward.and_then(|node| node.buffers.iter().find(|(name, _)| *name == "x"));
        taken.map_or(of, |(_, id)| self.values[id.0].name.as_str())
    }

    fn forward_in_words(&self, name: &str) -> String {
        let is_layer = self.nodes.iter().any(|node| node.label == name);
        match name {
            "image" => "the images of a batch".to_string(),
            "logits" => "the network's output".to_string(),
            _ if is_layer => format!("the output of {name}"),
            _ => match name.strip_suffix(" input") {
                Some(layer) => format!("the input of {layer}"),
                None => format!("`{name}`"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{networks::network, optim::Optimizer, preprocessing::Preprocessing, program::Mode};

    #[test]
    fn a_value_is_reported_by_the_layer_that_made_it() {
        let model = network("cnn", [28, 28, 1], 10).expect("built in");
        let program =
            model.program(&Preprocessing::default(), Mode::Train, 8, 1, &Optimizer::default()).expect("fits");
        let words: Vec<_> = program.values.iter().map(|value| program.in_words(value)).collect();
        for expected in [
            "the output of conv2d_1",
            "the gradient of the output of conv2d_1",
            "the gradient of the output of max_pooling2d_1",
            "the images of a batch",
            "the gradient of the network's output",
        ] {
            assert!(words.iter().any(|words| words == expected), "{expected} in {words:#?}");
        }
        assert!(
            words.iter().all(|words| !words.contains("d conv") && !words.contains("d max")),
            "{words:#?}"
        );
    }
}
