//! Everything that talks to wgpu: choose an adapter, compile kernels, hold buffers, replay plans.

mod adapter;
mod buffer;
mod context;
mod feed;
mod kernel;
mod shader;

pub use adapter::{AdapterChoice, AdapterClass, Listed, list};
pub use buffer::Slice;
pub use context::{Context, Options};
pub use feed::FeedBuffers;
pub use kernel::{Kernel, Launch};
pub use shader::{Access, Binding, Element, Shader, Size};
