//! What needs no adapter: data of every kind, pictures, charts, documents, and what the texts of shaders are. It takes seconds.

#[path = "../common/mod.rs"]
mod common;
#[path = "../http/mod.rs"]
mod http;
#[path = "../pages/mod.rs"]
mod pages;
#[path = "../pictures/mod.rs"]
mod pictures;
#[path = "../common/portable.rs"]
mod portable;

mod charts;
mod data_contact_sheet;
mod data_damaged;
mod data_download;
mod data_folder;
mod data_idx;
mod data_kinds;
mod data_picture;
mod data_pictures;
mod data_synthetic;
mod documents;
mod modules;
mod page;
mod shaders;
