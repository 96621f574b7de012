//! Access to wgpu: choosing an adapter, compiling kernels, holding buffers, replaying plans.

mod adapter;
#[cfg(not(target_family = "wasm"))]
mod ahead;
mod arrival;
mod buffer;
mod compile;
mod context;
mod fault;
mod feed;
pub mod hlsl;
mod keep;
mod kernel;
mod native;
mod pipelines;
mod place;
mod prepare;
mod preparing;
mod record;
mod stamps;
mod timing;
pub(crate) mod trust;

pub use adapter::{AdapterChoice, Listed, gpus, list};
#[cfg(not(target_family = "wasm"))]
pub use ahead::Ahead;
pub(crate) use buffer::Readback;
pub use buffer::{Fetch, Slice, floats};
pub use context::{Context, Options};
pub use fault::guarded;
pub use feed::FeedBuffers;
pub use kernel::{Kernel, Launch};
pub use pipelines::Pipelines;
pub use place::Place;
pub use preparing::Preparing;
pub use record::AdapterRecord;
pub use stamps::Stamps;
pub use timing::{Clock, Sample, Timer};
pub use trust::Proofs;
pub(crate) use trust::Trust;
