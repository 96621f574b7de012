//! What needs no adapter: data of every kind, pictures, charts, documents, and what the texts of shaders are. It takes seconds.

mod data_damaged;
mod data_download;
mod data_folder;
mod data_idx;
mod data_kinds;
mod data_picture;
mod data_pictures;
mod data_synthetic;
mod modules;
mod portable;
mod shaders;
