//! Data of every kind: files as people have them, damaged ones, downloads. No adapter is needed.

mod damaged;
mod download;
mod folder;
mod idx;
mod kinds;
mod picture;
mod pictures;
mod published;
mod synthetic;
