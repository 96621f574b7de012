//! Reshape: the same numbers with another shape. No data moves.

use super::{Place, Rules};
use crate::program::{Builder, ValueId};

/// `Reshape(target_shape)`: one entry may be -1; the others determine it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// Shape of the output, without the batch.
    pub target_shape: Vec<i64>,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Reshape {
    /// Creates a layer that reshapes to `target_shape`.
    pub fn new(target_shape: &[i64]) -> Self {
        Self { target_shape: target_shape.to_vec(), name: None }
    }
}

impl Rules for Reshape {
    fn slug(&self) -> &'static str {
        "reshape"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let (total, target) = (input.iter().product::<usize>(), &self.target_shape);
        let fail = |why: &str| {
            Err(format!("target_shape {target:?} does not hold the {total} numbers of {input:?}: {why}"))
        };
        if target.iter().any(|n| *n < -1 || *n == 0) || target.iter().filter(|n| **n == -1).count() > 1 {
            return fail("each entry is at least 1, and one may be -1");
        }
        let known = target.iter().filter(|n| **n > 0).try_fold(1usize, |all, n| all.checked_mul(*n as usize));
        match known {
            Some(known) if target.contains(&-1) && total % known == 0 => {
                Ok(target.iter().map(|n| if *n > 0 { *n as usize } else { total / known }).collect())
            }
            Some(known) if known == total => Ok(target.iter().map(|n| *n as usize).collect()),
            _ => fail("the products differ"),
        }
    }

    fn forward(&self, _: &mut Builder, place: &mut Place) -> ValueId {
        place.x
    }

    fn backward(&self, _: &mut Builder, _: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then_some(dy)
    }
}
