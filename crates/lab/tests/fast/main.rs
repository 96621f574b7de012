//! What the lab does without an adapter.

mod shaders;
