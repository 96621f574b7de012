//! Tests of the lab that need no adapter.

mod isa;
mod shaders;
