//! Helper shared by the targets that read folders.

use std::path::Path;
use wgrad_data::{DataSpec, Places, Reading, load_with, summary::summary};

/// Loads the data in `path`, a file or a folder, and summarises it.
pub fn look_at(path: &Path, reading: &Reading) {
    let spec = DataSpec::Folder(path.to_owned());
    if let Ok(data) = load_with(&spec, &Places::default(), reading, None) {
        for (_, split) in data.splits().filter(|(_, split)| !split.images.memory().is_empty()) {
            assert_eq!(split.images.memory().len(), split.len() * data.pixels());
        }
        summary(&data);
    }
}
