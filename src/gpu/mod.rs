//! Everything that talks to wgpu: choose an adapter, compile kernels, hold buffers, replay plans.

mod adapter;
mod buffer;
mod context;
mod fault;
mod feed;
mod fit;
mod kernel;
mod plan;
mod prepare;
mod record;
mod stamps;
mod submit;
mod timing;

pub use adapter::{AdapterChoice, Listed, list};
pub(crate) use buffer::Readback;
pub use buffer::{Fetch, Slice};
pub use context::{Context, Options};
pub use fault::guarded;
pub use feed::FeedBuffers;
pub(crate) use fit::fitting;
pub use kernel::{Kernel, Launch};
pub use plan::{Arenas, Plan, Planned};
pub use prepare::Preparing;
pub use record::AdapterRecord;
pub use stamps::Stamps;
pub use submit::{Encoded, Finished, Submitted};
pub use timing::{Clock, Sample, Timer};
