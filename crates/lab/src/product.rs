//! Rate of a large matrix product, as training would run it: the yardstick for whole networks. Most of their arithmetic
//! is products, only smaller or gathered ones.

use crate::measurement::repeated::Repeated;
use wgrad::{
    Result,
    gpu::Context,
    kernels::MATMUL,
    op::{AdapterClass, Call},
    prove::Trial,
    selection::Choices,
};

/// Returns the rows, columns and inner length: large enough to fill the adapter, small enough to take a few
/// milliseconds.
fn edge(class: AdapterClass) -> usize {
    if class == AdapterClass::Cpu { 512 } else { 2048 }
}

/// A product ready for timing, with the default variant of this adapter.
pub struct Product {
    call: Call,
    repeated: Repeated,
}

impl Product {
    /// Draws two square matrices and warms up their product; a sample will take about `seconds`.
    ///
    /// # Errors
    /// [`wgrad::Error::Device`] if the device fails.
    pub async fn new(context: &Context, seconds: f64) -> Result<Self> {
        let edge = edge(context.class);
        let call = Call::new(&MATMUL, &[("M", edge), ("N", edge), ("K", edge)]);
        let (variant, _) = call.variant(context, &Choices::default())?;
        let kernel = context.kernel(&call, &variant).await?;
        let uploaded = Trial::without_twin(&call, &kernel.shader, 0).upload(context, &kernel)?;
        let launch = context.bind(&kernel, &uploaded.named())?;
        let repeated = Repeated::new(context, launch, uploaded.feed, seconds).await?;
        Ok(Self { call, repeated })
    }

    /// Returns its sizes, as `M=512,N=512,K=512`.
    pub fn sizes(&self) -> String {
        wgrad::op::sizes::words(&self.call)
    }

    /// Takes one sample; returns its rate, 10⁹ floating point operations per second.
    ///
    /// # Errors
    /// [`wgrad::Error::Device`] if the device fails.
    pub async fn gflops(&mut self, context: &Context) -> Result<f64> {
        Ok(self.call.flops() * self.repeated.rate(context).await? / 1e9)
    }
}
