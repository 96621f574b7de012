//! Tests without an adapter: the contents of messages, the order of modules, the texts of shaders. They take seconds.

mod defaults;
mod messages;
mod modules;
mod optimizers;
mod portable;
mod shaders;
