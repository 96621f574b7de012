//! What needs no adapter: the order of modules, and what the texts of shaders are. It takes seconds.

mod modules;
mod portable;
mod shaders;
