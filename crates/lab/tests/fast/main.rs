//! Tests of the lab that need no adapter.

mod shaders;
