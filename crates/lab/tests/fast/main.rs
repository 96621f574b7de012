//! What the lab does without an adapter.

mod isa;
mod shaders;
