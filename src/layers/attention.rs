//! Attention by dot products, without weights of its own.

use super::{
    MaskRule, Place, Rules,
    multi_head_attention::{Heads, drops, is_zero},
};
use crate::program::{Builder, ValueId};
use serde::{Deserialize, Serialize};

/// How a query is compared with a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreMode {
    /// By their dot product.
    #[default]
    Dot,
}

/// `Attention(use_scale=False, score_mode="dot")` (Luong et al. 2015) of a query, a value and, optionally, a key, each
/// (time, features): y = softmax(query · keyᵀ) · value. The key is the value, if there is none of its own.
/// In training, weights are dropped as by [`super::Dropout`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    /// True for a learned factor of the scores, which is not supported.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_scale: bool,
    /// How a query is compared with a key.
    #[serde(default)]
    pub score_mode: ScoreMode,
    /// Share of the weights of values that is dropped in training, in [0, 1).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropout: f64,
    /// True if a step attends only to steps up to its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_causal_mask: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Attention {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }

    fn heads(&self, place: &Place) -> Heads {
        let last = |n: usize| place.inputs[n].1.last().copied().unwrap_or(1);
        Heads {
            heads: 1,
            queries: place.input[0],
            keys: place.inputs[1].1[0],
            key: last(0),
            value: last(1),
            scale: 1.0,
            causal: self.use_causal_mask,
            dropout: self.dropout,
            stream: place.index,
        }
    }

    /// Query, key and value.
    fn values(place: &Place) -> [ValueId; 3] {
        let value = |n: usize| place.inputs[n.min(place.inputs.len() - 1)].0;
        [value(0), value(2), value(1)]
    }
}

impl Rules for Attention {
    fn slug(&self) -> &'static str {
        "attention"
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
        MaskRule::Refuses("Keras leaves those keys out; `MultiHeadAttention` does, too")
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.joined_shape(&[input.to_vec()])
    }

    fn joined_shape(&self, inputs: &[Vec<usize>]) -> Result<Vec<usize>, String> {
        if self.use_scale {
            return Err("use_scale is true, a learned factor of the scores; set it to false, and put a Dense layer before \
                        the query, which scales it too"
                .into());
        }
        drops(self.dropout)?;
        let (query, value, key) = match inputs {
            [query, value] => (query, value, value),
            [query, value, key] => (query, value, key),
            _ => {
                let got = inputs.len();
                return Err(format!(
                    "it takes a query, a value and perhaps a key, got {got}; name them: inputs = [\"x\", \"x\"]"
                ));
            }
        };
        if let Some(other) = inputs.iter().find(|shape| shape.len() != 2) {
            return Err(format!("an input has shape {other:?}, it takes (time, features) of each"));
        }
        if query[1] != key[1] {
            return Err(format!(
                "its query has {} features and its key {}; their dot product takes as many",
                query[1], key[1]
            ));
        }
        if key[0] != value[0] {
            return Err(format!(
                "its key has {} steps and its value {}; each key belongs to a value",
                key[0], value[0]
            ));
        }
        Ok(vec![query[0], value[1]])
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let [y, stats] = self.heads(place).forward(b, &place.name, Self::values(place));
        place.saved = vec![y, stats];
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.backward_all(b, place, dy, &[wanted]).into_iter().next().flatten()
    }

    fn backward_all(
        &self,
        b: &mut Builder,
        place: &Place,
        dy: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        if !wanted.contains(&true) {
            return vec![None; place.inputs.len()];
        }
        let saved = [place.saved[0], place.saved[1]];
        let [dq, dk, dv] = self.heads(place).backward(b, &place.name, dy, Self::values(place), saved);
        let gradients = match place.inputs.len() {
            2 => vec![dq, b.sum(&place.name, dk, dv)],
            _ => vec![dq, dv, dk],
        };
        let each = gradients.into_iter().zip(&place.inputs).zip(wanted);
        each.map(|((dx, (x, _)), wanted)| wanted.then(|| b.through_fused(&place.name, *x, dx))).collect()
    }
}
