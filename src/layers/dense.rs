//! The fully connected layer.

use super::{ActivationName, MaskRule, Place, Rules, activation, matrix};
use crate::{
    initializer::{Initializer, KernelInitializer},
    kernels::{MATMUL, MATMUL_GRAD_INPUT, MATMUL_GRAD_WEIGHT},
    op::Call,
    program::{Builder, ValueId},
};

/// `Dense(units, activation)`: y = activation(x · kernel + bias), kernel (in, out), over the last axis.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Size of the output's last axis.
    pub units: usize,
    /// Applied to each output.
    #[serde(default)]
    pub activation: ActivationName,
    /// True if a bias is added.
    #[serde(default = "super::window::yes")]
    pub use_bias: bool,
    /// Initial values of the kernel.
    #[serde(default)]
    pub kernel_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Dense {
    /// Creates a linear layer with a bias.
    pub fn new(units: usize) -> Self {
        Self {
            units,
            activation: ActivationName::default(),
            use_bias: true,
            kernel_initializer: KernelInitializer::default(),
            name: None,
        }
    }

    /// Sets the activation by name.
    ///
    /// # Errors
    /// [`crate::Error::Unknown`] with the known names.
    pub fn activation(mut self, name: &str) -> crate::Result<Self> {
        self.activation = name.parse()?;
        Ok(self)
    }

    fn sizes(&self, b: &Builder, place: &Place) -> [(&'static str, usize); 3] {
        let (outer, inner) = matrix(&place.input);
        [("M", b.batch() * outer), ("N", self.units), ("K", inner)]
    }
}

impl Rules for Dense {
    fn slug(&self) -> &'static str {
        "dense"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Passes
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if self.units == 0 {
            return Err("units is 0; it needs at least one".into());
        }
        let mut output = input.to_vec();
        match output.last_mut() {
            Some(last) => *last = self.units,
            None => return Err("its input has no axis; it takes at least one".into()),
        }
        Ok(output)
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let (_, inner) = matrix(input);
        let initializer = self.kernel_initializer.of([inner, self.units], self.units);
        let mut all = vec![("kernel", vec![inner, self.units], initializer)];
        if self.use_bias {
            all.push(("bias", vec![self.units], Initializer::Zeros));
        }
        all
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let y = b.batched(&place.name, &place.output);
        let w = b.parameter(place.parameters[0]);
        let bias = b.bias(place.parameters.get(1).copied(), self.units);
        let fused = self.activation.fusible(b.differentiates());
        let call = Call::new(&MATMUL, &self.sizes(b, place)).activated(fused);
        b.call(&place.name, call, &[("y", y), ("x", place.x), ("w", w), ("b", bias)]);
        b.fuse(y, fused);
        activation::finish(b, self.activation, place, y)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let dy = activation::finish_grad(b, self.activation, place, dy);
        let dw = b.gradient(place.parameters[0]);
        let db = b.bias_gradient(place.parameters.get(1).copied(), self.units);
        let call = Call::new(&MATMUL_GRAD_WEIGHT, &self.sizes(b, place));
        b.call(&place.name, call, &[("dw", dw), ("db", db), ("x", place.x), ("dy", dy)]);
        wanted.then(|| {
            let w = b.parameter(place.parameters[0]);
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            let call = Call::new(&MATMUL_GRAD_INPUT, &self.sizes(b, place)).activated(b.fused(place.x));
            b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("w", w), ("x", place.x)]);
            dx
        })
    }
}
