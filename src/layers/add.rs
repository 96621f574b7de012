//! Sum of several layers, as in residual networks.

use super::{MaskRule, Place, Rules};
use crate::{
    kernels::ADD,
    op::Call,
    program::{Builder, ValueId},
};

/// `Add()`: the sum of two or more inputs of one shape, element by element, in the order in which they are named.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Add {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Rules for Add {
    fn slug(&self) -> &'static str {
        "add"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn joins(&self) -> bool {
        true
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Joins
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.joined_shape(&[input.to_vec()])
    }

    fn joined_shape(&self, inputs: &[Vec<usize>]) -> Result<Vec<usize>, String> {
        match inputs {
            [first, rest @ ..] if !rest.is_empty() => match rest.iter().find(|shape| *shape != first) {
                None => Ok(first.clone()),
                Some(other) => Err(format!("it adds inputs of one shape, got {first:?} and {other:?}")),
            },
            _ => Err(format!(
                "it adds two or more inputs, got {}; name them: inputs = [\"a\", \"b\"]",
                inputs.len()
            )),
        }
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let count = b.batch() * place.output.iter().product::<usize>();
        let mut sum = place.x;
        for (term, _) in place.inputs.iter().skip(1) {
            let y = b.batched(&place.name, &place.output);
            b.call(&place.name, Call::new(&ADD, &[("COUNT", count)]), &[("y", y), ("a", sum), ("b", *term)]);
            sum = y;
        }
        sum
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then(|| b.through_fused(&place.name, place.x, dy))
    }

    fn backward_all(
        &self,
        b: &mut Builder,
        place: &Place,
        dy: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let inputs = place.inputs.iter().zip(wanted);
        inputs.map(|((x, _), wanted)| wanted.then(|| b.through_fused(&place.name, *x, dy))).collect()
    }
}
