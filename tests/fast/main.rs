//! What needs no adapter: data of every kind, pictures, charts, documents, and what the texts of shaders are. It takes seconds.

mod modules;
mod portable;
mod shaders;
