//! What needs no adapter: what messages name, the order of modules, and what the texts of shaders are. It takes seconds.

mod messages;
mod modules;
mod portable;
mod shaders;
