//! A rectifier with a learned slope below zero.

use super::{MaskRule, Place, Rules, batch_normalization::splits};
use crate::{
    initializer::Initializer,
    kernels::{PRELU_FORWARD, PRELU_GRAD_INPUT, PRELU_GRAD_WEIGHT, SUM_PARTIALS},
    op::Call,
    program::{Builder, ValueId},
};

/// `PReLU(shared_axes=None)`: y = x above zero, alpha · x below (He et al. 2015). Each element of the input (without
/// the batch) has its own alpha, initially zero; with `shared_axes = [1, 2]`, each channel has one.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PReLU {
    /// Axes along which alpha is shared, such as [1, 2]. The count includes the batch; they must be the first axes of
    /// the input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_axes: Vec<usize>,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl PReLU {
    /// Creates a layer with an alpha for each element of the input.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shape of alpha: 1 along the shared axes.
    fn alpha(&self, input: &[usize]) -> Vec<usize> {
        let len =
            |(axis, len): (usize, &usize)| if self.shared_axes.contains(&(axis + 1)) { 1 } else { *len };
        input.iter().enumerate().map(len).collect()
    }

    fn sizes(&self, b: &Builder, place: &Place) -> [(&'static str, usize); 2] {
        let a: usize = self.alpha(&place.input).iter().product();
        [("ITEMS", b.batch() * place.input.iter().product::<usize>() / a.max(1)), ("A", a)]
    }
}

impl Rules for PReLU {
    fn slug(&self) -> &'static str {
        "p_re_lu"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Passes
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        // With the first axes shared, alpha repeats as a whole, row after row.
        let mut axes = self.shared_axes.clone();
        axes.sort_unstable();
        if axes.iter().enumerate().any(|(n, axis)| *axis != n + 1) || axes.len() > input.len() {
            return Err(format!(
                "shared_axes is {:?}; it must be the first axes of {input:?}, such as [1, 2]",
                self.shared_axes
            ));
        }
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        vec![("alpha", self.alpha(input), Initializer::Zeros)]
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let y = b.batched(&place.name, &place.output);
        let alpha = b.parameter(place.parameters[0]);
        let call = Call::new(&PRELU_FORWARD, &self.sizes(b, place));
        b.call(&place.name, call, &[("y", y), ("x", place.x), ("alpha", alpha)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let (label, x) = (&place.name, place.x);
        let sizes = self.sizes(b, place);
        let [(_, rows), (_, a)] = sizes;
        let (splits, per) = splits(rows);
        let partials = b.temporary(&format!("d {label} partials"), vec![splits, 2, a]);
        let split = [("ITEMS", rows), ("A", a), ("SPLITS", splits), ("PER", per)];
        b.call(label, Call::new(&PRELU_GRAD_WEIGHT, &split), &[("partials", partials), ("x", x), ("dy", dy)]);
        let dalpha = b.gradient(place.parameters[0]);
        let unused = b.temporary("unused", vec![a]);
        let call = Call::new(&SUM_PARTIALS, &[("SPLITS", splits), ("TAPS", 1), ("CO", a)]);
        b.call(label, call, &[("dw", dalpha), ("db", unused), ("partials", partials)]);
        wanted.then(|| {
            let alpha = b.parameter(place.parameters[0]);
            let dx = b.batched(&format!("d {label} input"), &place.input);
            let call = Call::new(&PRELU_GRAD_INPUT, &sizes).activated(b.fused(x));
            b.call(label, call, &[("dx", dx), ("dy", dy), ("x", x), ("alpha", alpha)]);
            dx
        })
    }
}
