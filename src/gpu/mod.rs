//! Everything that talks to wgpu: choose an adapter, compile kernels, hold buffers, replay plans.

mod adapter;
mod buffer;
mod context;
mod fault;
mod feed;
mod kernel;
mod plan;
mod shader;
mod stamps;
mod submit;
mod timing;

pub use adapter::{AdapterChoice, AdapterClass, Listed, list};
pub(crate) use buffer::Readback;
pub use buffer::{Fetch, Slice};
pub use context::{Context, Options};
pub(crate) use context::{HANGS, SUBMISSION_TIMEOUT};
pub use fault::guarded;
pub use feed::FeedBuffers;
pub use kernel::{Kernel, Launch};
pub use plan::{Arenas, Plan, Planned};
pub use shader::{Access, Binding, Element, Shader, Size};
pub use stamps::Stamps;
pub use submit::{Encoded, Finished, Submitted};
pub use timing::{Clock, Sample, Timer};
